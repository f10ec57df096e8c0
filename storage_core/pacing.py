"""A run that follows the limits asked for beside its index, and says there how fast it is and why."""

import asyncio
import contextlib
import queue
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage_core.errors import UsageError
from storage_core.index.limits import limits_stamp, read_schedule, remove_pace, write_pace
from storage_core.index.opening import resolved
from storage_core.model.pace import Limits, Pace, Schedule, TimeWindow
from storage_core.network import NetworkThread
from storage_core.plan.pacing import change_text
from storage_core.plan.time_windows import holding, limits_at, window_reason
from storage_core.ports.clock import Clock
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.slots import AdjustableSlots

_LOOK_SECONDS = 1.0
_TELL_EVERY = 5
"""Looks between two tellings: under the throttle a second holds less than two files, so what is done each second
counts."""


def local_time(moment: datetime, zone: str | None) -> datetime:
    """What the clock on the wall shows at *moment* (aware) in that time zone; None: on this machine.

    Raises:
        UsageError: this machine knows no such zone.
    """
    if zone is None:
        return moment.astimezone()
    try:
        return moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"There is no time zone {zone!r} on this machine.",
            fix="Name one as the time zone database does, such as Europe/Berlin or America/Los_Angeles.",
        ) from error


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
        self._schedule = Schedule()
        self._window: TimeWindow | None = None
        self._stamp = 0
        self._looks = 0
        self._has_news = False
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
            self._take(await asyncio.to_thread(read_schedule, self._index))
        self._keep_to_schedule()
        for decision in (*self._limiter.take_decisions(), *self._slots.take_decisions()):
            self._decide(decision)
        if self._has_news or self._looks % _TELL_EVERY == 0:
            with contextlib.suppress(OSError):  # a full disk must not stop a migration; `status` then says less
                await asyncio.to_thread(write_pace, self._index, self._pace())
        self._has_news = False
        self._looks += 1

    def _decide(self, decision: str) -> None:
        self._decided.put(decision)
        self._has_news = True

    def _take(self, schedule: Schedule) -> None:
        if schedule == self._schedule:
            return
        if schedule.always != self._schedule.always:
            self._decide(f"limits changed: {change_text(schedule.always)}")
        try:
            local_time(self._clock.now(), schedule.zone)
        except UsageError as error:
            # the machine that asked knew the zone, this one does not: no reason to stop, and none to keep silent
            self._decide(f"time windows are not kept: {error.what}")
            schedule = Schedule(always=schedule.always)
        self._schedule = schedule

    def _keep_to_schedule(self) -> None:
        local = local_time(self._clock.now(), self._schedule.zone)
        before, self._window = self._window, holding(self._schedule, local)
        if self._window is not None and self._window != before:
            self._decide(window_reason(self._window, self._schedule.zone))
        elif self._window is None and before is not None:
            self._decide(f"no time window holds any more: {change_text(self._schedule.always)}")
        self._apply(limits_at(self._schedule, local))

    def _apply(self, asked: Limits) -> None:
        if asked == self._applied:
            return
        wanted, self._applied = self._started.changed_by(asked), asked
        self._limiter.change_limits(calls_in_flight=wanted.calls_in_flight, calls_per_minute=wanted.calls_per_minute)
        if wanted.s3_connections is not None:
            self._slots.change(wanted.s3_connections)

    def _pace(self) -> Pace:
        window = () if self._window is None else (window_reason(self._window, self._schedule.zone),)
        slowed = ("S3 asked to slow down, not long ago",) if self._slots.is_slowed else ()
        return Pace(
            at=self._clock.now(),
            calls_last_minute=self._limiter.calls_last_minute(),
            calls_per_minute=self._limiter.calls_per_minute,
            calls_in_flight=self._limiter.calls_in_flight,
            s3_connections=self._slots.allowed,
            reasons=(*window, *self._limiter.reasons(), *slowed),
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
