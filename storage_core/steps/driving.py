"""The one loop that drives every phase: claim, launch, take outcomes, commit.

The thread that calls `drive` owns the index. Batches run elsewhere: a launcher puts them on the network loop
directly (command line) or through Prefect tasks (flows). Outcomes stream back through a queue, are gathered for at
most a second and committed together: under the throttle they come one by one, and a transaction each costs more of
our time than the calls themselves. A kill loses no more than the requests in flight and that second, and each outcome
lost is found again for a call or two (decision 0017).
"""

import asyncio
import queue
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from storage_core.errors import Interrupted
from storage_core.model.tallies import Tally
from storage_core.ports import Ledger
from storage_core.steps.services import Emit, Services

W = TypeVar("W")

COMMIT_AT_MOST = 500
"""Outcomes per transaction; more would make a commit slow, fewer would make commits many."""

GATHER_SECONDS = 1.0
"""How long an outcome may wait for others before it is committed, while more are under way."""

_WAKE_SECONDS = 0.5
"""How long the loop sleeps when nothing arrives; only a launcher that dies silently makes it wait that long."""

_DRAIN_SECONDS = 20.0
"""How long an interrupted run waits for what is in flight; orchestrators kill after 30 s."""

_SETTLE_SECONDS = 0.005
"""How long it waits for batches to end whose works are all over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase(Generic[W]):
    """One phase of a migration, as data.

    Attributes:
        name: a word for logs, task names and progress.
        doing: what is happening, for people ("Copying files").
        claim: the next pending works above a number; runs on the index thread, changes nothing.
        number: the work's own number, rising in the order of claims.
        work: does one work and emits its outcomes; runs on the network loop.
        record: commits outcomes; runs on the index thread.
        batch_size: works per batch, and so per Prefect task: large, since a task is dear and a batch is not.
        active: works under way at once, over all batches. A work that waits for S3 is under way, too.
        finds_more: recording outcomes may add works of this very phase, so claiming goes on while they come in.
    """

    name: str
    doing: str
    claim: Callable[[Ledger, int, int], Sequence[W]]
    number: Callable[[W], int]
    work: Callable[[W, Services, Emit], Awaitable[None]]
    record: Callable[[Ledger, Sequence[Any]], Tally]
    batch_size: int
    active: int
    finds_more: bool = False


class Ticket(Protocol):
    """A launched batch."""

    def done(self) -> bool:
        """Whether it ended, well or badly."""
        ...

    def raise_failure(self) -> None:
        """Raise what the batch raised, if it did. Only asked when done."""
        ...


class Launcher(Protocol):
    """Starts batches somewhere; the coroutine must be awaited on the event loop that owns all network I/O."""

    def launch(self, phase: str, batch: int, run: Callable[[], Coroutine[Any, Any, None]]) -> Ticket:
        """Start *run*, which is batch number *batch* of the phase with that name, and return at once."""
        ...


class Watch(Protocol):
    """Looks at the run from the index thread, after every commit."""

    def began(self, phase: Phase[Any]) -> None:
        """A phase starts."""
        ...

    def committed(self, phase: Phase[Any], tally: Tally) -> None:
        """Outcomes were committed; *tally* is what they came to."""
        ...

    def ended(self, phase: Phase[Any], total: Tally) -> None:
        """A phase is complete."""
        ...

    def remark(self, text: str) -> None:
        """Something that people should know, outside the phases."""
        ...

    def must_stop(self, total: Tally) -> bool:
        """Whether to claim no more: the failure limit was reached. What is in flight is still finished."""
        ...


class _Finished:
    """Sent through the queue when one work is over, so that the loop knows how much is in flight."""


_FINISHED = _Finished()


def drive(phase: Phase[W], ledger: Ledger, services: Services, launcher: Launcher, watch: Watch) -> Tally:
    """Run one phase until nothing of it is pending, or until something stops it. Silent when nothing is.

    Works that fail with an expected trouble are outcomes like others. An exception from a batch stops the
    claiming; everything in flight is finished and recorded; then the first exception is raised.

    Raises:
        Interrupted: the user pressed Ctrl-C; everything that came back was recorded.
    """
    if not phase.claim(ledger, 0, 1):
        return Tally()
    run = _Run(phase, ledger, services, launcher, watch)
    watch.began(phase)
    try:
        run.until_done()
    except Exception:
        services.stop.set()
        raise
    except BaseException as signal:
        # Ctrl-C here, a termination signal under an orchestrator: both mean "come to an end, soon".
        services.stop.set()
        run.drain()
        if isinstance(signal, KeyboardInterrupt):
            raise Interrupted("Stopped.", fix="Run the same command again to go on where this ended.") from None
        raise
    watch.ended(phase, run.total)
    return run.total


class _Run(Generic[W]):
    """The state of one `drive`."""

    def __init__(self, phase: Phase[W], ledger: Ledger, services: Services, launcher: Launcher, watch: Watch) -> None:
        self._phase = phase
        self._ledger = ledger
        self._services = services
        self._launcher = launcher
        self._watch = watch
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._turnstile = asyncio.Semaphore(phase.active)
        self._live: list[Ticket] = []
        self._in_flight = 0
        self._gathered: list[Any] = []
        self._due_at = 0.0
        self._claimed_to = 0
        self._batches = 0
        self._is_dry = False
        self._failure: BaseException | None = None
        self.total = Tally()

    def until_done(self) -> None:
        """Claim and take turns until nothing is pending and nothing is in flight."""
        while True:
            self._launch_more()
            if not self._live:
                break
            self._take(wait_seconds=_WAKE_SECONDS if self._in_flight else _SETTLE_SECONDS)
            self._sweep()
            if not self._live:
                # What the last batch sent may have arrived between those two lines, and may hold new work.
                self._take_the_rest()
                self._is_dry = False
        if self._failure is not None:
            raise self._failure

    def drain(self) -> None:
        """Record what comes back within a while; claim nothing.

        A copy that waits for S3 may take minutes; it is left behind, and resuming finds it again for one call.
        """
        give_up = time.monotonic() + _DRAIN_SECONDS
        while self._live and time.monotonic() < give_up:
            self._take(wait_seconds=_WAKE_SECONDS if self._in_flight else _SETTLE_SECONDS)
            self._sweep()
        self._take_the_rest()

    def _launch_more(self) -> None:
        while self._may_claim():
            works = self._phase.claim(self._ledger, self._claimed_to, self._phase.batch_size)
            if not works:
                # Asking again after every outcome would be most of what a phase costs towards its end.
                self._is_dry = not self._phase.finds_more
                return
            self._claimed_to = self._phase.number(works[-1])
            self._batches += 1
            self._in_flight += len(works)
            batch = _Batch(self._phase.work, tuple(works), self._services, self._arrived.put, self._turnstile)
            self._live.append(self._launcher.launch(self._phase.name, self._batches, batch.run))

    def _may_claim(self) -> bool:
        if self._watch.must_stop(self.total):
            # A batch is thousands of works: those of it that have not begun stay pending, too.
            self._services.stop.set()
        return (
            self._failure is None
            and not self._is_dry
            and self._in_flight < 2 * self._phase.active
            and not self._services.stop.is_set()
        )

    def _take(self, *, wait_seconds: float) -> None:
        """Wait for outcomes, gather what has arrived, and commit it when that is due."""
        if self._gathered:
            wait_seconds = min(wait_seconds, max(0.0, self._due_at - time.monotonic()))
        self._gather(wait_seconds)
        while self._gathered and self._is_due():
            self._commit()
            self._gather(0)

    def _take_the_rest(self) -> None:
        """Commit everything that has arrived."""
        self._gather(0)
        while self._gathered:
            self._commit()
            self._gather(0)

    def _gather(self, wait_seconds: float) -> None:
        try:
            self._sort(self._arrived.get(block=wait_seconds > 0, timeout=wait_seconds or None))
            while len(self._gathered) < COMMIT_AT_MOST:
                self._sort(self._arrived.get_nowait())
        except queue.Empty:
            pass

    def _sort(self, arrived: Any) -> None:
        if isinstance(arrived, _Finished):
            self._in_flight -= 1
            return
        if not self._gathered:
            self._due_at = time.monotonic() + GATHER_SECONDS
        self._gathered.append(arrived)

    def _is_due(self) -> bool:
        """Whether waiting for more is over, or would hold something up: the end of the run, or new work of ours."""
        is_starving = self._phase.finds_more and self._in_flight < self._phase.active
        return (
            is_starving
            or self._in_flight == 0
            or len(self._gathered) >= COMMIT_AT_MOST
            or self._services.stop.is_set()
            or time.monotonic() >= self._due_at
        )

    def _commit(self) -> None:
        outcomes, self._gathered = self._gathered, []
        tally = self._phase.record(self._ledger, outcomes)
        self.total = self.total + tally
        self._watch.committed(self._phase, tally)

    def _sweep(self) -> None:
        """Let go of batches that ended; remember the first failure."""
        ended = [ticket for ticket in self._live if ticket.done()]
        self._live = [ticket for ticket in self._live if ticket not in ended]
        for ticket in ended:
            try:
                ticket.raise_failure()
            except Exception as failure:  # noqa: BLE001 - kept, and raised once everything in flight is recorded
                self._failure = self._failure or failure


class _Batch(Generic[W]):
    """The works of one launch; runs on the network loop."""

    def __init__(
        self,
        work: Callable[[W, Services, Emit], Awaitable[None]],
        works: tuple[W, ...],
        services: Services,
        put: Callable[[Any], None],
        turnstile: asyncio.Semaphore,
    ) -> None:
        self._work = work
        self._works = works
        self._services = services
        self._put = put
        self._turnstile = turnstile

    async def run(self) -> None:
        """Do all works side by side. The first failure stops works that have not begun; the others finish."""
        results = await asyncio.gather(*(self._one(work) for work in self._works), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _one(self, work: W) -> None:
        try:
            async with self._turnstile:
                if not self._services.stop.is_set():
                    await self._work(work, self._services, self._put)
        except BaseException:
            self._services.stop.set()
            raise
        finally:
            self._put(_FINISHED)


class LoopTicket:
    """A batch that runs on the network loop directly."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def done(self) -> bool:
        """Whether it ended."""
        return bool(self._future.done())

    def raise_failure(self) -> None:
        """Raise what the batch raised."""
        self._future.result()


class LoopLauncher:
    """Launches batches on a running event loop that another thread owns."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def launch(self, phase: str, batch: int, run: Callable[[], Coroutine[Any, Any, None]]) -> Ticket:
        """Put the batch on the loop."""
        del phase, batch
        return LoopTicket(asyncio.run_coroutine_threadsafe(run(), self._loop))


class QuietWatch:
    """A watch that looks at nothing and never stops anything."""

    def began(self, phase: Phase[Any]) -> None:
        """Ignore."""

    def committed(self, phase: Phase[Any], tally: Tally) -> None:
        """Ignore."""

    def ended(self, phase: Phase[Any], total: Tally) -> None:
        """Ignore."""

    def remark(self, text: str) -> None:
        """Ignore."""

    def must_stop(self, total: Tally) -> bool:
        """Never."""
        del total
        return False
