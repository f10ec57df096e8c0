"""A watch that stops a run when too much of it has failed."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from storage_core.model.tallies import Tally
from storage_core.plan.outcomes import Ending, FailureLimit
from storage_core.ports.ledger import Ledger
from storage_core.steps.driving import Phase, Watch


class LimitedWatch:
    """Passes everything on to another watch, publishes the read snapshot, and stops the run when too much has failed.

    Failures count over the whole run. An item passes several phases, so the run has seen about as many items as its
    largest phase has done: a share is taken of that, or failures late in a run would drown in the phases before.

    Attributes:
        ending: COMPLETE until the limit was reached, or the other watch stopped the run.
    """

    def __init__(
        self, inner: Watch, limit: FailureLimit, ledger: Ledger, decisions: Callable[[], Sequence[str]]
    ) -> None:
        self._inner = inner
        self._limit = limit
        self._ledger = ledger
        self._decisions = decisions
        self._failed = 0
        self._seen: Counter[str] = Counter()
        self.ending = Ending.COMPLETE

    def began(self, phase: Phase[Any]) -> None:
        """See `Watch`."""
        self._inner.began(phase)

    def committed(self, phase: Phase[Any], tally: Tally) -> None:
        """See `Watch`."""
        self._failed += tally.failed
        self._seen[phase.name] += tally.count
        self.note_decisions()
        self._ledger.publish()
        self._inner.committed(phase, tally)

    def note_decisions(self) -> None:
        """Keep in the journal what was decided about the run's speed, and why."""
        for decision in self._decisions():
            self._ledger.note("pace", decision)

    def ended(self, phase: Phase[Any], total: Tally) -> None:
        """See `Watch`."""
        self._inner.ended(phase, total)

    def remark(self, text: str) -> None:
        """See `Watch`."""
        self._inner.remark(text)

    def must_stop(self, total: Tally) -> bool:
        """See `Watch`."""
        ending = self._limit.ending(self._failed, of=max(self._seen.values(), default=0))
        if ending is None and self._inner.must_stop(total):
            ending = Ending.STOPPED
        if ending is not None:
            self.ending = ending
        return ending is not None
