"""The root of all commands: spells the request, runs it, turns every ending into a documented exit code."""

import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from storage_core.cli.agreeing import PlanNotConfirmed
from storage_core.cli.documents import canary_document, plan_document
from storage_core.cli.session import PROGRAM, Session
from storage_core.cli.spelling import spelled
from storage_core.errors import ExitCode, Interrupted, ManifestUnusable, SynapseStorageError
from storage_core.reports.wording import plain_text

ARGUMENTS = "storage_core.arguments"


class Commands(TyperGroup):
    """Commands return an `ExitCode`; nothing else ends the process, except usage errors (2)."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Bring the request to one spelling, then parse it."""
        in_one_spelling = spelled(args)
        ctx.meta[ARGUMENTS] = tuple(in_one_spelling)
        return super().parse_args(ctx, in_one_spelling)

    def invoke(self, ctx: Any) -> Any:
        """Run the command and leave with its exit code; say errors in one sentence."""
        try:
            code = super().invoke(ctx)
        except SynapseStorageError as error:
            raise typer.Exit(_told(error, _session(ctx))) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(_told(_stopped(), _session(ctx))) from error
        except Exception as error:
            if _is_typers_own(error):
                _document_misuse(error, ctx)
                raise
            if _is_ctrl_c_in_a_query(error):
                raise typer.Exit(_told(_stopped(), _session(ctx))) from error
            # The last boundary: whatever it is, a steward gets a sentence, and --debug the rest.
            raise typer.Exit(_told_bug(error, _session(ctx))) from error
        raise typer.Exit(int(code) if isinstance(code, ExitCode) else 0)


def _session(ctx: Any) -> Session:
    return ctx.obj if isinstance(ctx.obj, Session) else Session()


def _stopped() -> Interrupted:
    return Interrupted("Stopped.", fix="Run the same command again to go on where this ended.")


def _is_ctrl_c_in_a_query(error: Exception) -> bool:
    """DuckDB tells of Ctrl-C in these words, where nothing kept it from hearing."""
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


def _is_typers_own(error: Exception) -> bool:
    """Usage errors, exits and aborts: typer says them itself, with code 2, the given one, and 1."""
    return type(error).__module__.startswith("typer.")


def _document_misuse(error: Exception, ctx: Any) -> None:
    """What typer says itself on standard error, as the one document that --json promises."""
    told = getattr(error, "format_message", None)  # usage errors have it; exits and aborts do not
    if told is not None and "--json" in ctx.meta[ARGUMENTS]:
        fix = f"See `{PROGRAM} --help`, or put --help behind the command."
        what = plain_text(told())
        Session(as_json=True).document({"error": {"what": what, "fix": fix}, "exit_code": int(ExitCode.USAGE)})


def _told(error: SynapseStorageError, session: Session) -> int:
    """What happened, and what to do; with --json also as the one document."""
    _trace(error, session)
    sys.stderr.write(f"Error: {_shown(error)}\n")
    document: dict[str, Any] = {"error": {"what": error.what, "fix": error.fix}, "exit_code": int(error.exit_code)}
    if isinstance(error, PlanNotConfirmed):
        document["plan"] = plan_document(error.plan)
        if error.canary is not None:
            document["canary"] = canary_document(error.canary)
    session.document(document)
    return int(error.exit_code)


def _shown(error: SynapseStorageError) -> str:
    if isinstance(error, ManifestUnusable):
        # one line of text for each bad line of the manifest
        return "\n".join(plain_text(line) for line in str(error).split("\n"))
    return plain_text(str(error))


def _told_bug(error: Exception, session: Session) -> int:
    _trace(error, session)
    what = f"Unexpected {type(error).__name__}: {error}"
    fix = f"This is a fault of {PROGRAM}; run the same command with --debug and report what it shows."
    sys.stderr.write(f"Error: {plain_text(what)} {fix}\n")
    session.document({"error": {"what": what, "fix": fix}, "exit_code": int(ExitCode.SOME_FAILED)})
    return int(ExitCode.SOME_FAILED)


def _trace(error: Exception, session: Session) -> None:
    if session.debug:
        traceback.print_exception(error, file=sys.stderr)
