"""A run that follows the limits asked for beside its index, and says there how fast it is and why."""

import asyncio
import contextlib
import queue
from collections.abc import Iterator
from pathlib import Path

from storage_core.index.limits import limits_stamp, read_limits, remove_pace, write_pace
from storage_core.index.opening import resolved
from storage_core.model.pace import Limits, Pace
from storage_core.network import NetworkThread
from storage_core.plan.pacing import change_text
from storage_core.ports import Clock
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.slots import AdjustableSlots

_LOOK_SECONDS = 1.0
_TELL_EVERY = 5
"""Looks between two tellings: under the throttle a second holds less than two files, so what is done each second
counts."""


class Pacer:
    """Looks once a second, on the network loop. Its decisions are taken by the thread that owns the index."""

    def __init__(
        self, index: Path, limiter: CallLimiter, slots: AdjustableSlots, clock: Clock, started: Limits
    ) -> None:
        self._index = resolved(index)
        self._limiter = limiter
        self._slots = slots
        self._clock = clock
        self._started = started
        self._applied = Limits()
        self._stamp = 0
        self._looks = 0
        self._decided: queue.SimpleQueue[str] = queue.SimpleQueue()

    def take_decisions(self) -> tuple[str, ...]:
        """What was decided about the speed since this was asked last, each with its reason. From any thread."""
        taken = []
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._decided.get_nowait())
        return tuple(taken)

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Apply what is asked for, collect what was decided, say now and then how it stands."""
        stamp = limits_stamp(self._index)
        if stamp != self._stamp:
            self._stamp = stamp
            self._apply(await asyncio.to_thread(read_limits, self._index))
        decisions = (*self._limiter.take_decisions(), *self._slots.take_decisions())
        for decision in decisions:
            self._decided.put(decision)
        if decisions or self._looks % _TELL_EVERY == 0:
            with contextlib.suppress(OSError):  # a full disk must not stop a migration; `status` then says less
                await asyncio.to_thread(write_pace, self._index, self._pace())
        self._looks += 1

    def _apply(self, asked: Limits) -> None:
        if asked == self._applied:
            return
        wanted, self._applied = self._started.changed_by(asked), asked
        self._limiter.change_limits(calls_in_flight=wanted.calls_in_flight, calls_per_minute=wanted.calls_per_minute)
        if wanted.s3_connections is not None:
            self._slots.change(wanted.s3_connections)
        self._decided.put(f"limits changed: {change_text(asked)}")

    def _pace(self) -> Pace:
        slowed = ("S3 asked to slow down, not long ago",) if self._slots.is_slowed else ()
        return Pace(
            at=self._clock.now(),
            calls_last_minute=self._limiter.calls_last_minute(),
            calls_per_minute=self._limiter.calls_per_minute,
            calls_in_flight=self._limiter.calls_in_flight,
            s3_connections=self._slots.allowed,
            reasons=(*self._limiter.reasons(), *slowed),
        )


@contextlib.contextmanager
def pacing(index: Path, network: NetworkThread, pacer: Pacer) -> Iterator[Pacer]:
    """Have *pacer* follow the limits of *index* as long as the block lasts."""
    network.run(pacer.look())
    following = asyncio.run_coroutine_threadsafe(pacer.follow(), network.loop)
    try:
        yield pacer
    finally:
        following.cancel()
        remove_pace(resolved(index))
