"""One limiter per machine: all processes of one user that talk to one endpoint share Synapse's budget (contract 1.5).

Promises, over all those processes together:

* never more than `calls_in_flight` calls in flight;
* never more than `calls_per_minute` arrivals at the service in any minute of its clock. Nobody tells when a request
  arrived: after it was sent, and before its answer came. So a minute goes by from the answer of a call to the start of
  the call that takes its place, or from a second after it was sent when no answer came by then.

Mechanism: a call in flight holds the lock of one of the slot files; a start is recorded in a ring of times that all
processes map into memory (`start_ring`). A killed process frees its slots at once, because the operating system drops
its file locks, and its starts stay counted, as they do at the service. Nothing has to be cleaned up afterwards.

Fairness: within one process strictly first come, first served. Between processes: one that waits holds the lock of
a lane file, and a process that already has a slot lets it go first. A single process never polls; one that waits for
another's slot looks every few milliseconds.
"""

import asyncio
import contextlib
import hashlib
import os
import random
import stat
import sys
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

from storage_core.errors import UsageError
from storage_core.plan.pacing import EASE_AFTER, bound_by_latency, eased, recovered, waiting_text
from storage_core.synapse.filelock import try_lock, unlock
from storage_core.synapse.start_ring import CAPACITY, Start, StartRing

_LATE_SECONDS = 1.0
"""How late after its start a request without an answer may have arrived; those that are later still are rare."""
_DRIFT = 0.001
"""By which share the service's clock may be slower than ours."""
_LANES = 4
_SHORTEST_POLL = 0.002
_LONGEST_POLL = 0.010
_RING_POLL = 0.001
_YIELD_SECONDS = 0.012  # longer than any poll, so that a waiting process finds the slot free
_FRESHEN_SECONDS = 3600.0
_SLOWED_SECONDS = 30.0
_EASED_SECONDS = 60.0
_NEWEST_COUNTS = 0.05
_LOOK_AGAIN_SECONDS = 1.0

_alive: "weakref.WeakSet[CallLimiter]" = weakref.WeakSet()


class Wait(StrEnum):
    """What the next call is waiting for: the reason for the present speed."""

    NOTHING = "nothing"
    SLOT = "a call in flight to end"
    MINUTE = "the minute's budget"


class CallLimiter:
    """The machine-wide limiter, as seen from one event loop. `async with limiter.slot():` around every call.

    Attributes:
        waiting_for: why the next call of this process has not started yet.
    """

    def __init__(
        self,
        *,
        folder: Path,
        endpoint: str,
        calls_in_flight: int,
        calls_per_minute: int,
        window_seconds: float = 60.0,
        late_seconds: float = _LATE_SECONDS,
    ) -> None:
        self._room = _private_folder(folder, hashlib.sha256(endpoint.encode()).hexdigest()[:16])
        self._limit = min(calls_per_minute, CAPACITY - 1)
        self._late_ns = int(late_seconds * 1e9)
        self._window_ns = int(window_seconds * (1 + _DRIFT) * 1e9) + self._late_ns
        self._slots = [self._open(f"slot-{number}") for number in range(calls_in_flight)]
        self._lanes = [self._open(f"lane-{number}") for number in range(_LANES)]
        self._starts = StartRing(self._room)
        self._held: set[int] = set()
        self._lane: int | None = None
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._target = self._allowed = calls_in_flight
        self.waiting_for = Wait.NOTHING
        self._recover_at = 0.0
        self._asked = self._limit
        self._share = 1.0
        self._throttled: deque[float] = deque(maxlen=EASE_AFTER)
        self._grow_at = 0.0
        self._seconds_per_call = 0.0
        self._decisions: list[str] = []
        self._fresh_until = 0.0
        _alive.add(self)

    def close(self) -> None:
        """Let go of all files; the limiter is of no use afterwards."""
        _alive.discard(self)
        for descriptor in (*self._slots, *self._lanes):
            os.close(descriptor)
        self._slots, self._lanes = [], []
        self._starts.close()

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot and for the minute's budget; the call starts right after entering.

        An exception means that no answer came, and that the request may still be on its way.
        """
        number, start = await self._acquire()
        try:
            yield
            answered_ns = time.monotonic_ns()
            self._starts.counts_from(start, answered_ns - self._late_ns)
            self._learn_length((answered_ns - start.at_ns) / 1e9)
        finally:
            self._release(number)

    @property
    def is_idle(self) -> bool:
        """Whether no call of this process waits, and one that came now would find a slot. From any thread."""
        return not self._turn.locked() and len(self._held) < self._allowed

    def change_limits(self, *, calls_in_flight: int | None = None, calls_per_minute: int | None = None) -> None:
        """Set other limits for this process while it runs; calls in flight stay in flight."""
        if calls_per_minute is not None:
            self._asked = min(calls_per_minute, CAPACITY - 1)
            self._share = 1.0
            self._limit = self._asked
        if calls_in_flight is not None:
            self._slots += [self._open(f"slot-{number}") for number in range(len(self._slots), calls_in_flight)]
            self._target = self._allowed = calls_in_flight
            self._freed.set()

    def slow_down(self) -> None:
        """Take one call less at a time for half a minute: the service counts more of us than we do."""
        before, self._allowed = self._allowed, max(1, self._allowed - 1)
        self._recover_at = time.monotonic() + _SLOWED_SECONDS
        if self._allowed < before:
            self._decisions.append(f"Synapse counts more calls in flight than we do: {self._allowed} at a time")

    def ease_off(self) -> None:
        """Synapse found that the minute's budget is spent; when that repeats, others spend it, too: take less of it."""
        now = time.monotonic()
        self._throttled.append(now)
        if len(self._throttled) == EASE_AFTER and now - self._throttled[0] < _EASED_SECONDS:
            self._throttled.clear()
            self._set_share(eased(self._share))

    def take_decisions(self) -> tuple[str, ...]:
        """What was decided about the speed since this was asked last. From any thread."""
        self._grow_back()
        decided, self._decisions = tuple(self._decisions), []
        return decided

    @property
    def calls_per_minute(self) -> int:
        """The limit on the trailing minute, as it is now."""
        return self._limit

    @property
    def calls_in_flight(self) -> int:
        """How many calls this process may have open now."""
        return self._allowed

    def calls_last_minute(self) -> int:
        """Calls that all processes of the machine began within the window."""
        return self._starts.count_since(time.monotonic_ns() - self._window_ns)

    def reasons(self) -> tuple[str, ...]:
        """Why calls do not start faster, a sentence each."""
        bound = bound_by_latency(
            calls_in_flight=self._allowed, calls_per_minute=self._limit, seconds_per_call=self._seconds_per_call
        )
        told = [bound] if bound else []
        if self._share < 1:
            told.append(f"Synapse was throttling: {self._share:.0%} of {self._asked} calls a minute are used")
        if self._allowed < self._target:
            told.append(f"Synapse counted more calls in flight: {self._allowed} of {self._target} at a time")
        return waiting_text(self.waiting_for.value, told)

    def _set_share(self, share: float) -> None:
        if share == self._share:
            return
        verb = "Synapse throttles" if share < self._share else "Synapse throttles no more"
        self._share = share
        self._limit = max(1, int(self._asked * share))
        self._grow_at = time.monotonic() + _EASED_SECONDS
        self._decisions.append(f"{verb}: {self._limit} calls a minute")

    def _grow_back(self) -> None:
        if self._share < 1 and time.monotonic() >= self._grow_at:
            self._set_share(recovered(self._share))

    def _learn_length(self, seconds: float) -> None:
        self._seconds_per_call += (seconds - self._seconds_per_call) * (_NEWEST_COUNTS if self._seconds_per_call else 1)

    async def _acquire(self) -> tuple[int, Start]:
        async with self._turn:
            try:
                number = await self._take_slot()
                try:
                    start = await self._take_start()
                except BaseException:  # nothing is swallowed: it is cleaned up and raised again
                    self._release(number)
                    raise
            finally:
                self.waiting_for = Wait.NOTHING
            return number, start

    async def _take_slot(self) -> int:
        self._keep_files_fresh()
        if not self._held or not self._others_wait():
            number = self._try_slots()
            if number is not None:
                return number
        self.waiting_for = Wait.SLOT
        self._enter_lane()
        try:
            poll = _SHORTEST_POLL
            while True:
                await self._until_something_may_be_free(poll)
                number = self._try_slots()
                if number is not None:
                    return number
                poll = min(poll * 1.5, _LONGEST_POLL)
        finally:
            self._leave_lane()

    async def _take_start(self) -> Start:
        while True:
            start = self._starts.try_start(now_ns=time.monotonic_ns(), limit=self._limit, window_ns=self._window_ns)
            if isinstance(start, Start):
                return start
            if start is None:
                await asyncio.sleep(_RING_POLL)
            else:
                self.waiting_for = Wait.MINUTE
                # not to the end at once: the limit may be raised meanwhile
                await asyncio.sleep(min(start / 1e9, _LOOK_AGAIN_SECONDS))

    async def _until_something_may_be_free(self, poll: float) -> None:
        self._freed.clear()
        if len(self._held) >= self._most():
            await self._freed.wait()
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(poll * random.uniform(0.5, 1.0)):  # noqa: S311 - spreads the polls
                    await self._freed.wait()
        if self._held and self._others_wait():
            await asyncio.sleep(_YIELD_SECONDS)

    def _most(self) -> int:
        if self._allowed < self._target and time.monotonic() >= self._recover_at:
            self._allowed += 1
            self._decisions.append(f"Synapse counts as we do again: {self._allowed} calls at a time")
            self._recover_at = time.monotonic() + _SLOWED_SECONDS
        return self._allowed

    def _try_slots(self) -> int | None:
        if len(self._held) >= self._most():
            return None
        for number, descriptor in enumerate(self._slots[: self._target]):
            if number not in self._held and try_lock(descriptor):
                self._held.add(number)
                return number
        return None

    def _release(self, number: int) -> None:
        self._held.discard(number)
        if self._slots:
            unlock(self._slots[number])
        self._freed.set()

    def _enter_lane(self) -> None:
        self._lane = next((number for number, lane in enumerate(self._lanes) if try_lock(lane)), None)

    def _leave_lane(self) -> None:
        if self._lane is not None and self._lanes:
            unlock(self._lanes[self._lane])
        self._lane = None

    def _others_wait(self) -> bool:
        for number, lane in enumerate(self._lanes):
            if number == self._lane:
                continue
            if not try_lock(lane):
                return True
            unlock(lane)
        return False

    def _open(self, name: str) -> int:
        return os.open(self._room / name, os.O_RDWR | os.O_CREAT, 0o600)

    def _keep_files_fresh(self) -> None:
        # cleaners of temporary folders remove what was not touched for days, and two sets of files are two limiters
        if time.monotonic() < self._fresh_until:
            return
        self._fresh_until = time.monotonic() + _FRESHEN_SECONDS
        for path in (self._room, *self._room.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                os.utime(path)


def _private_folder(folder: Path, name: str) -> Path:
    room = folder / name
    fix = "Set SYNAPSE_STATE_FOLDER to a folder of your own on this machine's disk."
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        room.mkdir(mode=0o700, exist_ok=True)
        found = room.lstat()
        ours = sys.platform == "win32" or (found.st_uid == os.getuid() and folder.stat().st_uid in {os.getuid(), 0})
        if not stat.S_ISDIR(found.st_mode) or not ours:
            raise UsageError(f"{room} is not a folder of yours, so it cannot hold the call limiter.", fix=fix)
        room.chmod(0o700)
    except OSError as error:
        raise UsageError(f"The call limiter cannot use {room}: {error}.", fix=fix) from error
    return room


def _forget_in_child() -> None:
    """Close inherited descriptors after a fork: an open copy in a child would keep a dead parent's slots taken."""
    for limiter in list(_alive):
        limiter.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
