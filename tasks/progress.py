"""How far a migration is, as an artifact that Prefect's UI shows as a bar."""

import contextvars
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from storage_core.model.plans import Plan
from storage_core.plan.expected_works import works_by_phase

KEY = "migration-progress"
EVERY_SECONDS = 30.0
_WHOLE = 100.0

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """The artifact, and how much is to be done until it is full."""

    artifact: UUID
    works: Mapping[str, int]


class Progress:
    """Works done of those that the plan names, all phases together.

    The server is told from a thread of its own and not too often: it may be away for a while, and nothing waits for
    it then.
    """

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._bar: _Bar | None = None
        self._done: Counter[str] = Counter()
        self._teller = ThreadPoolExecutor(max_workers=1, thread_name_prefix="progress")
        self._told: Future[object] | None = None
        self._told_at = 0.0

    def follow(self, plan: Plan) -> None:
        """Show a bar, empty at first, that is full when everything this plan names is done."""
        description = f"Plan {plan.hash}: works done in all phases, in percent"
        # a function that Prefect types for callers that await it, too
        artifact = create_progress_artifact(progress=0.0, key=KEY, description=description)
        if not isinstance(artifact, UUID):
            raise TypeError("Prefect made an artifact for somebody who awaits it")
        self._bar = _Bar(artifact=artifact, works=works_by_phase(plan.ahead))
        self._told_at = time.monotonic()

    def add(self, phase: str, works: int) -> None:
        """So many works of a phase are done, or have failed."""
        self._done[phase] += works
        is_under_way = self._told is not None and not self._told.done()
        if not is_under_way and time.monotonic() - self._told_at >= EVERY_SECONDS:
            self._tell()

    def close(self) -> None:
        """Show the last state."""
        self._tell()
        self._teller.shutdown()
        self._look_at_last()

    def _tell(self) -> None:
        if self._bar is None:
            return
        self._look_at_last()
        self._told_at = time.monotonic()
        # which server it is, and which run, is a matter of the context, which a thread does not inherit
        run = contextvars.copy_context().run
        self._told = self._teller.submit(run, update_progress_artifact, self._bar.artifact, self._share(self._bar))

    def _look_at_last(self) -> None:
        failure = None if self._told is None else self._told.exception()
        if failure is not None:
            self._warn(f"Progress could not be shown: {failure!r}")

    def _share(self, bar: _Bar) -> float:
        total = sum(bar.works.values())
        done = sum(min(self._done[phase], works) for phase, works in bar.works.items())
        return _WHOLE * done / total if total else _WHOLE


@contextmanager
def shown_progress(warn: Warn) -> Iterator[Progress]:
    """A bar that is told what is done until the block ends."""
    progress = Progress(warn)
    try:
        yield progress
    finally:
        progress.close()
