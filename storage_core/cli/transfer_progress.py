"""Progress of uploads and downloads on standard error: bars on a terminal, now and then a plain line elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING

from storage_core.cli.session import Session, console, is_terminal
from storage_core.reports.wording import counted, size_text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from storage_core.ports.transfers import TransferWatch

LINE_EVERY_SECONDS = 30.0
_SHOWN_FROM_BYTES = 8 << 20
_LONGEST_NAME = 40


class QuietTransferWatch:
    """Says nothing."""

    def began(self, path: str, size_bytes: int) -> None:
        """Nothing."""

    def moved(self, path: str, count: int) -> None:
        """Nothing."""

    def ended(self, path: str) -> None:
        """Nothing."""


class TransferLines:
    """Says every half minute how much has moved."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._said = time.monotonic()
        self._files = self._bytes = 0

    def began(self, path: str, size_bytes: int) -> None:
        """Nothing yet."""

    def moved(self, path: str, count: int) -> None:
        """Count; a line when it is time."""
        del path
        self._bytes += count
        if time.monotonic() - self._said >= LINE_EVERY_SECONDS:
            self._said = time.monotonic()
            self._session.say(f"{counted(self._files, 'file')} done, {size_text(self._bytes)} moved")

    def ended(self, path: str) -> None:
        """Count."""
        del path
        self._files += 1


class TransferBars:
    """One bar for everything, and one for each large file while it is on its way."""

    def __init__(self) -> None:
        self._progress = _bars()
        self._all = self._progress.add_task("all files", total=0)
        self._tasks: dict[str, TaskID] = {}
        # called on the network's thread, closed on the main one
        self._guard = threading.Lock()
        self._progress.start()

    def began(self, path: str, size_bytes: int) -> None:
        """More is to come."""
        with self._guard:
            total = self._progress.tasks[0].total or 0
            self._progress.update(self._all, total=total + size_bytes)
            if size_bytes >= _SHOWN_FROM_BYTES:
                name = PurePath(path).name
                short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
                self._tasks[path] = self._progress.add_task(short, total=size_bytes)

    def moved(self, path: str, count: int) -> None:
        """Move the bars on."""
        with self._guard:
            self._progress.update(self._all, advance=count)
            if path in self._tasks:
                self._progress.update(self._tasks[path], advance=count)

    def ended(self, path: str) -> None:
        """Take the file's bar away."""
        with self._guard:
            task = self._tasks.pop(path, None)
            if task is not None:
                self._progress.remove_task(task)

    def close(self) -> None:
        """Give the terminal back."""
        self._progress.stop()


@contextmanager
def watching_transfers(session: Session) -> "Iterator[TransferWatch]":
    """The watch that suits the session; gives the terminal back at the end, whatever happened."""
    if session.quiet:
        yield QuietTransferWatch()
    elif is_terminal(sys.stderr):
        bars = TransferBars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield TransferLines(session)


def _bars() -> "Progress":
    from rich.progress import (  # late: only a terminal needs it
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=False),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console(sys.stderr),
    )
