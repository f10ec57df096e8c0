"""The one loop that drives every phase: claim, launch, take outcomes, commit.

The thread that calls `drive` owns the index. Batches run elsewhere: a launcher puts them on the network loop
directly (command line) or through Prefect tasks (flows). Outcomes stream back through a queue, are gathered for at
most a second and committed together: under the throttle they come one by one, and a transaction each costs more of
our time than the calls themselves. A kill loses no more than the requests in flight and that second, and each outcome
lost is found again for a call or two (decision 0017).

Phases that stand in one line run at the same time: what one has committed, another claims. So calls of many items
go out while S3 copies large objects, which takes minutes and costs none of Synapse's budget (decision 0018).
"""

import asyncio
import math
import queue
import time
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from typing import Any, Protocol

from storage_core.errors import Interrupted
from storage_core.model.tallies import Tally
from storage_core.ports.ledger import Ledger
from storage_core.steps.phase import Phase
from storage_core.steps.services import Services
from storage_core.steps.station import Station, Ticket

__all__ = ["Launcher", "Line", "LoopLauncher", "Phase", "QuietWatch", "Ticket", "Watch", "drive"]

Line = tuple[Phase[Any], ...]
"""Phases that run at the same time, those that make works for others first."""

COMMIT_AT_MOST = 500
"""Outcomes per transaction; more would make a commit slow, fewer would make commits many."""

GATHER_SECONDS = 1.0
"""How long after the line's last commit an outcome waits for others, while more are under way."""

IDLE_SECONDS = 0.25
"""How long Synapse's budget must have lain idle before phases claim what little there is for them."""

IDLE_CLAIMS_APART_SECONDS = 2.0
"""Between two such claims of one phase, at least: each is a reading of the index and, under an orchestrator, a task."""

_IDLE_CLAIMS_APART_SHARE = 0.05
"""The same, of the time that the line has run: some hundred in days, so that an orchestrator can keep them all."""

_WAKE_SECONDS = 0.25
"""How long the loop sleeps when nothing arrives; only a launcher that dies silently makes it wait that long."""

_DRAIN_SECONDS = 20.0
"""How long an interrupted run waits for what is in flight; orchestrators kill after 30 s."""

_SETTLE_SECONDS = 0.005
"""How long it waits for batches to end whose works are all over."""


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


def drive(line: Phase[Any] | Line, ledger: Ledger, services: Services, launcher: Launcher, watch: Watch) -> Tally:
    """Run phases until nothing of them is pending, or until something stops them. Silent when nothing is.

    Works that fail with an expected trouble are outcomes like others. An exception from a batch stops the
    claiming; everything in flight is finished and recorded; then the first exception is raised.

    Raises:
        Interrupted: the user pressed Ctrl-C; everything that came back was recorded.
    """
    run = _Run((line,) if isinstance(line, Phase) else line, ledger, services, launcher, watch)
    try:
        run.until_done()
    except Exception:  # nothing is swallowed: it is cleaned up and raised again
        services.stop.set()
        raise
    except BaseException as signal:
        # Ctrl-C here, a termination signal under an orchestrator: both mean "come to an end, soon".
        services.stop.set()
        run.drain()
        if isinstance(signal, KeyboardInterrupt):
            raise Interrupted("Stopped.", fix="Run the same command again to go on where this ended.") from None
        raise
    return run.total


def idle_claims_apart(seconds_run: float) -> float:
    """How long a phase leaves idle budget alone after it has used it, in seconds, when the line has run for so long."""
    return max(IDLE_CLAIMS_APART_SECONDS, _IDLE_CLAIMS_APART_SHARE * seconds_run)


class _Run:
    """The state of one `drive`."""

    def __init__(self, line: Line, ledger: Ledger, services: Services, launcher: Launcher, watch: Watch) -> None:
        self._ledger = ledger
        self._services = services
        self._launcher = launcher
        self._watch = watch
        self._arrived: queue.SimpleQueue[tuple[Station[Any], Any]] = queue.SimpleQueue()
        self._line = tuple(Station(phase, services, self._arrived.put) for phase in line)
        for station in self._line:
            station.join(self._line)
        services.backlog.counted_by(self._not_recorded)
        self._began_at = time.monotonic()
        self._idle_from: float | None = None
        self._committed_at = -math.inf
        self._failure: BaseException | None = None
        self.total = Tally()

    @property
    def _is_live(self) -> bool:
        return any(station.live for station in self._line)

    def _not_recorded(self) -> int:
        """Roughly: what is being recorded at this moment does not count."""
        return self._arrived.qsize() + sum(len(station.gathered) for station in self._line)

    def until_done(self) -> None:
        """Claim and take turns until nothing is pending and nothing is in flight."""
        while True:
            self._launch_more()
            if not self._is_live and not self._looked_once_more():
                break
            self._take(wait_seconds=self._patience())
            self._sweep()
            self._tell_who_is_over()
        self._tell_all()
        if self._failure is not None:
            raise self._failure

    def drain(self) -> None:
        """Record what comes back within a while; claim nothing.

        A copy that waits for S3 may take minutes; it is left behind, and resuming finds it again for one call.
        """
        give_up = time.monotonic() + _DRAIN_SECONDS
        while self._is_live and time.monotonic() < give_up:
            self._take(wait_seconds=self._patience())
            self._sweep()
        self._take_the_rest()

    def _patience(self) -> float:
        return _WAKE_SECONDS if any(station.under_way for station in self._line) else _SETTLE_SECONDS

    # -- claiming -------------------------------------------------------------------------------

    def _launch_more(self) -> None:
        """Those at the end of the line first: what is nearly done is finished before more is begun."""
        is_idle = self._is_idle()
        apart = idle_claims_apart(time.monotonic() - self._began_at)
        for station in reversed(self._line):
            may_fill = is_idle and station.rested(apart)
            while self._may_claim() and station.has_room and station.wants_to_look(is_idle=may_fill):
                groups = station.claim(self._ledger)
                if not groups:
                    break
                self._begin(station)
                number, batch = station.batch(groups)
                station.live.append(self._launcher.launch(station.phase.name, number, batch.run))

    def _looked_once_more(self) -> bool:
        """Nothing is live: take what has come since, ask the index once more, and say whether that began anything.

        What the last batch sent may have arrived after the last look, and may have made works.
        """
        self._take_the_rest()
        self._tell_who_is_over()
        for station in self._line:
            station.look_again()
        self._launch_more()
        return self._is_live

    def _may_claim(self) -> bool:
        if self._watch.must_stop(self.total):
            # A batch is thousands of works: those of it that have not begun stay pending, too.
            self._services.stop.set()
        return self._failure is None and not self._services.stop.is_set()

    def _is_idle(self) -> bool:
        """Whether calls could have started at once for a while now, so that works are what is missing."""
        now = time.monotonic()
        if len(self._line) == 1 or not self._services.has_idle_budget():
            self._idle_from = None
        elif self._idle_from is None:
            self._idle_from = now
        return self._idle_from is not None and now - self._idle_from >= IDLE_SECONDS

    # -- outcomes -------------------------------------------------------------------------------

    def _take(self, *, wait_seconds: float) -> None:
        """Wait for outcomes, gather what has arrived, and commit what is due."""
        due = [station.due_at for station in self._line if station.gathered]
        if due:
            wait_seconds = min(wait_seconds, max(0.0, min(due) - time.monotonic()))
        while self._gather(wait_seconds):
            wait_seconds = 0
            if not self._commit(only_due=not self._services.stop.is_set()):
                break

    def _take_the_rest(self) -> None:
        """Commit everything that has arrived."""
        while self._gather(0):
            self._commit(only_due=False)

    def _gather(self, wait_seconds: float) -> bool:
        """Whether anything has arrived or is waiting to be committed."""
        try:
            self._sort(self._arrived.get(block=wait_seconds > 0, timeout=wait_seconds or None))
            while not any(len(station.gathered) >= COMMIT_AT_MOST for station in self._line):
                self._sort(self._arrived.get_nowait())
        except queue.Empty:
            pass
        return any(station.gathered for station in self._line)

    def _sort(self, arrived: "tuple[Station[Any], Any]") -> None:
        station, outcome = arrived
        station.take(outcome, due_at=self._committed_at + GATHER_SECONDS)

    def _commit(self, *, only_due: bool) -> bool:
        """Commit what is due of all phases in one transaction; whether there was anything to commit."""
        now = time.monotonic()
        due = [
            station
            for station in self._line
            if station.gathered and (not only_due or station.is_due(now, at_most=COMMIT_AT_MOST))
        ]
        if not due:
            return False
        if any(now >= station.due_at for station in due):
            self._committed_at = now
        for station in due:
            self._begin(station)
        with self._ledger.together() if len(due) > 1 else nullcontext():
            committed = [(station, *station.commit(self._ledger)) for station in due]
        for station, tally, outcomes in committed:
            station.committed(tally)
            self.total = self.total + tally
            self._feed(station, outcomes)
        for station, tally, _ in committed:
            self._watch.committed(station.phase, tally)
        return True

    def _feed(self, source: "Station[Any]", outcomes: int) -> None:
        for station in self._line:
            if source in station.feeders:
                station.fed += outcomes

    def _sweep(self) -> None:
        """Let go of batches that ended; remember the first failure."""
        for station in self._line:
            ended = [ticket for ticket in station.live if ticket.done()]
            station.live = [ticket for ticket in station.live if ticket not in ended]
            for ticket in ended:
                try:
                    ticket.raise_failure()
                except Exception as failure:  # noqa: BLE001 - kept, and raised once everything in flight is recorded
                    self._failure = self._failure or failure

    # -- telling --------------------------------------------------------------------------------

    def _begin(self, station: "Station[Any]") -> None:
        if not station.has_begun:
            station.has_begun = True
            station.total = Tally()
            self._watch.began(station.phase)

    def _tell_who_is_over(self) -> None:
        for station in self._line:
            if not station.is_settled:
                break
            self._end(station)

    def _tell_all(self) -> None:
        for station in self._line:
            self._end(station)

    def _end(self, station: "Station[Any]") -> None:
        if station.has_begun:
            station.has_begun = False
            self._watch.ended(station.phase, station.total)


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
