"""One phase while it is driven: what is claimed, what is under way, what came back and is not committed yet."""

import asyncio
import math
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from storage_core.model.tallies import Tally
from storage_core.ports.ledger import Ledger
from storage_core.steps.phase import Batch, Group, GroupOver, Phase, groups_of
from storage_core.steps.services import Services

W = TypeVar("W")


class Ticket(Protocol):
    """A launched batch."""

    def done(self) -> bool:
        """Whether it ended, well or badly."""
        ...

    def raise_failure(self) -> None:
        """Raise what the batch raised, if it did. Only asked when done."""
        ...


class Station(Generic[W]):
    """A phase's place in the line. Lives on the index thread."""

    def __init__(self, phase: Phase[W], services: Services, arrived: Callable[[Any], None]) -> None:
        self.phase = phase
        self._services = services
        self._arrived = arrived
        self._turnstile = asyncio.Semaphore(phase.active)
        self._busy: set[Hashable] = set()
        self._released: list[Group] = []
        self._claimed_to = 0
        self._is_dry = False
        self._is_looking = False
        self._batches = 0
        self.earlier: tuple[Station[Any], ...] = ()
        self.feeders: tuple[Station[Any], ...] = ()
        self.fed = 1
        self.live: list[Ticket] = []
        self.under_way = 0
        self.gathered: list[Any] = []
        self.due_at = 0.0
        self._claimed_at = -math.inf
        self.has_begun = False
        self.total = Tally()

    # -- claiming -------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether more works should be claimed, so that what is under way never runs out."""
        return self.under_way < 2 * self.phase.active

    @property
    def is_over(self) -> bool:
        """Whether nothing is under way, nothing waits to be committed, and the last claim found nothing."""
        return self._is_dry and not self.live and not self.gathered and self.under_way == 0

    @property
    def is_settled(self) -> bool:
        """Whether it is over, and nothing has come since that it has not looked for."""
        return self.is_over and (not self.fed or not self.feeders)

    def rested(self, seconds: float) -> bool:
        """Whether its last batch began so long ago."""
        return time.monotonic() - self._claimed_at >= seconds

    def join(self, line: "Sequence[Station[Any]]") -> None:
        """Learn who in the line comes before, and who makes works for this phase."""
        names = {station.phase.name: station for station in line}
        self.earlier = tuple(line[: line.index(self)])
        self.feeders = tuple(names[name] for name in self.phase.fed_by if name in names)
        self._is_looking = bool(self.feeders) and not any(feeder in self.earlier for feeder in self.feeders)

    def wants_to_look(self, *, is_idle: bool) -> bool:
        """Whether it is worth asking the index for works.

        A station that others feed waits for a batch's worth: each claim reads the index, each batch is a task, and
        what is read back a hundred at a time costs a call even for one. The wait ends when nothing more can come, or
        when the budget is idle and this phase may use it.
        """
        if not self.feeders:
            return not self._is_dry
        if self._is_looking:
            return True
        if not self.fed:
            return False
        may_fill = is_idle and not self.phase.waits_for_many and not self.live
        return self.fed >= self.phase.batch_size or may_fill or self._nothing_more_comes()

    def _nothing_more_comes(self) -> bool:
        before = [feeder for feeder in self.feeders if feeder in self.earlier]
        if before:
            return all(station.is_settled for station in self.earlier)
        return all(feeder.is_over for feeder in self.feeders)

    def look_again(self) -> None:
        """Have the next claim ask the index once more; from the start where works may have any number."""
        self._is_dry = False
        if self.feeders:
            self._is_looking = True
            self._claimed_to = 0

    def claim(self, ledger: Ledger) -> tuple[Group, ...]:
        """The next works that nothing under way stands against; empty when there are none now."""
        if self.feeders and not self._is_looking:
            self.look_again()
        self.fed = 0
        while works := self.phase.claim(ledger, self._claimed_to, self.phase.batch_size):
            self._claimed_to = self.phase.number(works[-1])
            free = [work for work in works if self.phase.mark(work) not in self._busy] if self._busy else works
            if free:
                return groups_of(self.phase, self._one_of_each_mark(free))
        self._is_dry, self._is_looking = True, False
        return ()

    def batch(self, groups: tuple[Group, ...]) -> tuple[int, Batch]:
        """Take these works; their batch and its number."""
        self._batches += 1
        self._claimed_at = time.monotonic()
        self.under_way += len(groups)
        for group in groups:
            self._busy |= group.marks
        return self._batches, Batch(self.phase.work, groups, self._services, self._put, self._turnstile)

    def _one_of_each_mark(self, works: Sequence[W]) -> Sequence[W]:
        """Leave out works that must wait for an earlier one of the same claim; a later look finds them again."""
        if self.phase.apart is None:
            return works
        once: dict[Hashable, W] = {}
        for work in works:
            once.setdefault(self.phase.mark(work), work)
        return tuple(once.values())

    # -- outcomes -------------------------------------------------------------------------------

    def _put(self, outcome: Any) -> None:
        """Called on the network loop."""
        self._arrived((self, outcome))

    def take(self, arrived: Any, *, due_at: float) -> None:
        """Keep what came back. It is due at once when nothing was committed for a while.

        So a run that is killed again and again, soon after each start, still gets on.
        """
        if isinstance(arrived, GroupOver):
            self.under_way -= 1
            self._released.append(arrived.group)
            if not self.gathered:
                self._release()
            return
        if not self.gathered:
            self.due_at = due_at
        self.gathered.append(arrived)

    def is_due(self, now: float, *, at_most: int) -> bool:
        """Whether waiting for more outcomes is over, or would hold this phase up."""
        is_starving = self.phase.finds_more and self.under_way < self.phase.active
        return is_starving or self.under_way == 0 or len(self.gathered) >= at_most or now >= self.due_at

    def commit(self, ledger: Ledger) -> tuple[Tally, int]:
        """Record what was gathered; what it came to, and of how many outcomes. `committed` follows when it lasts."""
        outcomes, self.gathered = self.gathered, []
        return self.phase.record(ledger, outcomes), len(outcomes)

    def committed(self, tally: Tally) -> None:
        """What was recorded lasts now: the index does not offer its works again."""
        self.total = self.total + tally
        self._release()
        if self.phase.finds_more:
            self._is_dry = False

    def _release(self) -> None:
        """Let go of works that are over and committed."""
        for group in self._released:
            self._busy -= group.marks
        self._released = []
