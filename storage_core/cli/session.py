"""One call of the command line: what was asked globally, and the two streams.

Results go to standard output and nothing else does; everything said on the way goes to standard error.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer

from storage_core.reports.wording import plain_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from storage_core.config import Config

PROGRAM = "synapse-storage"
_WIDTH_OF_FILES = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The global options.

    Attributes:
        arguments: the whole request in its one spelling, for telling how to go on.
    """

    profile: str | None = None
    config_path: Path | None = None
    debug: bool = False
    quiet: bool = False
    as_json: bool = False
    arguments: tuple[str, ...] = ()

    def load_config(self) -> "Config":
        """Read token, endpoints and limits.

        Raises:
            AccessError, UsageError: see `config.load_config`.
        """
        from storage_core.config import Flags, load_config  # late: keeps --help fast

        return load_config(flags=Flags(profile=self.profile), config_path=self.config_path)

    def show(self, view: "RenderableType") -> None:
        """Put something for people on standard output; nothing with --json, where only the document goes there."""
        if not self.as_json:
            _print(sys.stdout, view)

    def show_beside(self, view: "RenderableType") -> None:
        """Put something that must be seen, but is no result, on standard error."""
        _print(sys.stderr, view)

    def show_remark(self, view: "RenderableType") -> None:
        """Put something on standard error that --quiet may leave out."""
        if not self.quiet:
            self.show_beside(view)

    def document(self, content: Any) -> None:
        """With --json, the one JSON document; otherwise nothing."""
        if self.as_json:
            _guarded(sys.stdout, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")

    def print_line(self, text: str) -> None:
        """Put one line of a result on standard output; nothing with --json."""
        if not self.as_json:
            _guarded(sys.stdout, f"{plain_text(text)}\n")

    def say_failure(self, text: str) -> None:
        """Tell of a failure on standard error, with --quiet too."""
        _guarded(sys.stderr, f"{plain_text(text)}\n")

    def say(self, text: str) -> None:
        """Tell what is going on; silent with --quiet."""
        if not self.quiet:
            _guarded(sys.stderr, f"{plain_text(text)}\n")


def version_text() -> str:
    """The version of this program; of a mere checkout nobody knows it."""
    from importlib.metadata import PackageNotFoundError, version  # late: keeps --help fast

    try:
        return version("synapse-storage")
    except PackageNotFoundError:
        return "of a checkout"


def session_of(context: typer.Context) -> Session:
    """The session of this call."""
    session = context.obj
    return session if isinstance(session, Session) else Session()


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person sits at *stream*; a closed one has nobody."""
    return not stream.closed and stream.isatty()


def console(stream: IO[str]) -> "Console":
    """A rich console on *stream*: plain and wide when it is no terminal."""
    from rich.console import Console  # late: keeps --help fast

    width = None if is_terminal(stream) else _WIDTH_OF_FILES
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def _print(stream: IO[str], view: "RenderableType") -> None:
    try:
        # a file or a pipe gets whole lines: they are searched, not read on a screen
        console(stream).print(view, soft_wrap=not is_terminal(stream))
        stream.flush()
    except BrokenPipeError:
        _let_go_of(stream)


def _guarded(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _let_go_of(stream)


def _let_go_of(stream: IO[str]) -> None:
    """The reader went away (`| head`): the work goes on, and its exit code stays what it is.

    The stream is led to nowhere, or Python would complain about it once more on its way out.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
