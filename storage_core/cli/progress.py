"""Progress on standard error: a live line on a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storage_core.cli.session import Session, console, is_terminal
from storage_core.model.plans import Plan
from storage_core.model.tallies import Tally
from storage_core.plan.expected_works import works_by_phase
from storage_core.reports.wording import count_text, duration_text, size_text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from storage_core.steps.driving import Phase, Watch

LINE_EVERY_SECONDS = 30.0


class Expectations:
    """How much each phase will have to do, once a plan has said so."""

    def __init__(self) -> None:
        self._works: Mapping[str, int] = {}

    def follow(self, plan: Plan) -> None:
        """Take the plan's numbers."""
        self._works = works_by_phase(plan.ahead)

    def of(self, phase: "Phase[Any]") -> int | None:
        """Works of a phase; None when nobody knows."""
        return self._works.get(phase.name) or None


class LineWatch:
    """Says in plain lines what begins, how far it is every half minute, and what it came to."""

    def __init__(self, session: Session, expectations: Expectations) -> None:
        self._session = session
        self._expectations = expectations
        self._said = time.monotonic()
        self._running: dict[str, _Running] = {}

    def began(self, phase: "Phase[Any]") -> None:
        """Name the phase."""
        self._said = time.monotonic()
        self._running[phase.name] = _Running(began=self._said)
        self._session.say(f"{phase.doing} ...")

    def committed(self, phase: "Phase[Any]", tally: Tally) -> None:
        """Say how far it is, not too often."""
        running = self._running[phase.name]
        running.total = running.total + tally
        now = time.monotonic()
        if now - self._said >= LINE_EVERY_SECONDS:
            self._said = now
            self._session.say(f"{phase.doing}: {self._progress(phase, running.total)}")

    def ended(self, phase: "Phase[Any]", total: Tally) -> None:
        """Say what it came to; phases that had nothing to do stay unmentioned."""
        running = self._running.pop(phase.name)
        if total.count:
            took = duration_text(time.monotonic() - running.began)
            self._session.say(f"{phase.doing}: {tally_text(total)} in {took}")

    def remark(self, text: str) -> None:
        """Say it."""
        self._session.say(text)

    def must_stop(self, total: Tally) -> bool:
        """Never."""
        del total
        return False

    def _progress(self, phase: "Phase[Any]", total: Tally) -> str:
        expected = self._expectations.of(phase)
        done = tally_text(total)
        return f"{done} of {count_text(expected)}" if expected else done


@dataclass(slots=True)
class _Running:
    """A phase that has begun and not ended; several may run at the same time."""

    began: float
    total: Tally = field(default_factory=Tally)


class LiveWatch:
    """A live line for each phase that runs."""

    def __init__(self, session: Session, expectations: Expectations) -> None:
        self._session = session
        self._expectations = expectations
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def began(self, phase: "Phase[Any]") -> None:
        """Open the line."""
        if self._progress is None:
            self._progress = _live_line()
            self._progress.start()
        self._tasks[phase.name] = self._progress.add_task(
            phase.doing, total=self._expectations.of(phase), told="", tally=Tally()
        )

    def committed(self, phase: "Phase[Any]", tally: Tally) -> None:
        """Move the line on."""
        task = self._tasks.get(phase.name)
        if self._progress is not None and task is not None:
            told: Tally = self._progress.tasks[self._progress.task_ids.index(task)].fields["tally"] + tally
            self._progress.update(task, advance=tally.count, tally=told, told=tally_text(told))

    def ended(self, phase: "Phase[Any]", total: Tally) -> None:
        """Leave the finished line where it is; the terminal is given back when none is left."""
        task = self._tasks.pop(phase.name, None)
        if self._progress is not None and task is not None:
            self._progress.update(task, total=total.count, completed=total.count, told=tally_text(total))
        if not self._tasks:
            self.close()

    def remark(self, text: str) -> None:
        """Say it in a line of its own."""
        self.close()
        self._session.say(text)

    def must_stop(self, total: Tally) -> bool:
        """Never."""
        del total
        return False

    def close(self) -> None:
        """Give the terminal back; harmless when there is no line."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = None
        self._tasks = {}


@contextmanager
def watching(session: Session, expectations: Expectations) -> "Iterator[Watch]":
    """The watch that suits the session; gives the terminal back at the end, whatever happened."""
    from storage_core.steps.driving import QuietWatch  # late: the event loop is slow to import

    if session.quiet:
        yield QuietWatch()
    elif is_terminal(sys.stderr):
        live = LiveWatch(session, expectations)
        try:
            yield live
        finally:
            live.close()
    else:
        yield LineWatch(session, expectations)


def tally_text(tally: Tally) -> str:
    """``1,204 done, 3 failed, 12.0 GB``."""
    parts = [f"{count_text(tally.done)} done"]
    parts += [
        f"{count_text(number)} {word}"
        for number, word in ((tally.failed, "failed"), (tally.drifted, "drifted"), (tally.skipped, "skipped"))
        if number
    ]
    return ", ".join([*parts, size_text(tally.size_bytes)] if tally.size_bytes else parts)


def _live_line() -> "Progress":
    from rich.progress import (  # late: only a terminal needs it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        console=console(sys.stderr),
    )
