"""A run follows the limits beside its index as the hours pass, and says why it is as fast as it is."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage_core.index.limits import read_pace, write_schedule
from storage_core.model.pace import Limits, Schedule
from storage_core.pacing import Pacer
from storage_core.plan.time_windows import window_of
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.slots import AdjustableSlots
from storage_core.testing.fake_clock import FakeClock

STARTED = Limits(calls_per_minute=600, calls_in_flight=3, s3_connections=64)
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
"""The fake clock's first moment, a Thursday; in Berlin it is one o'clock."""


class Run:
    """A run at whose limits one can look."""

    def __init__(self, folder: Path) -> None:
        self.index = folder / "x.duckdb"
        self.clock = FakeClock()
        self.slots = AdjustableSlots(64)
        self.limiter = CallLimiter(
            folder=folder / "state", endpoint="http://127.0.0.1:1", calls_in_flight=3, calls_per_minute=600
        )
        self._pacer = Pacer(self.index, self.limiter, self.slots, self.clock, STARTED)

    def at(self, hours: float) -> tuple[int, int]:
        """Calls a minute and connections to S3 so many hours after midnight."""
        self.clock.move_on((MIDNIGHT + timedelta(hours=hours) - self.clock.now()).total_seconds())
        asyncio.run(self._pacer.look())
        return self.limiter.calls_per_minute, self.slots.allowed

    def decided(self) -> list[str]:
        return list(self._pacer.take_decisions())

    def reasons(self) -> tuple[str, ...]:
        pace = read_pace(self.index, self.clock.now())
        assert pace is not None
        return pace.reasons


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path)
    yield made
    made.limiter.close()


def test_other_limits_hold_in_their_hours_and_no_longer(run: Run) -> None:
    night = window_of("22:00-06:00", Limits(calls_per_minute=900, s3_connections=128))
    write_schedule(run.index, Schedule(always=Limits(calls_per_minute=300), windows=(night,), zone="UTC"))

    assert [(900, 128), (900, 128), (300, 64), (300, 64), (900, 128), (900, 128)] == [
        run.at(hours) for hours in (1, 5.99, 6, 21.99, 22, 24.5)
    ]


def test_each_beginning_and_end_is_decided_once_and_told_with_its_reason(run: Run) -> None:
    window = window_of("02:00-03:00", Limits(calls_per_minute=100))
    write_schedule(run.index, Schedule(windows=(window,), zone="Europe/Berlin"))
    run.at(0)
    assert [] == run.decided()

    holds = "the time window 02:00-03:00 (Europe/Berlin) holds: 100 Synapse calls a minute"
    assert (100, 64) == run.at(1)
    assert holds in run.reasons(), "at once, not when the speed is told the next time"
    run.at(1.5)
    assert [holds] == run.decided()

    assert (600, 64) == run.at(2)
    assert not any("time window" in reason for reason in run.reasons())
    run.at(2.5)
    assert ["no time window holds any more: as the run was started"] == run.decided()


def test_windows_change_while_one_holds(run: Run) -> None:
    write_schedule(run.index, Schedule(windows=(window_of("00:00-24:00", Limits(s3_connections=5)),), zone="UTC"))
    assert (600, 5) == run.at(1)
    write_schedule(run.index, Schedule(windows=(window_of("00:00-24:00", Limits(s3_connections=9)),), zone="UTC"))
    assert (600, 9) == run.at(2)
    write_schedule(run.index, Schedule())
    assert (600, 64) == run.at(3)


def test_a_zone_that_this_machine_does_not_know_leaves_the_windows_out_and_says_so(run: Run) -> None:
    window = window_of("00:00-24:00", Limits(calls_per_minute=100))
    write_schedule(run.index, Schedule(always=Limits(s3_connections=7), windows=(window,), zone="Middle/Earth"))

    assert (600, 7) == run.at(1)
    assert any("time windows are not kept" in decision for decision in run.decided())
    assert (600, 7) == run.at(2)
