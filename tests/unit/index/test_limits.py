"""The files beside an index through which a run's speed is changed and told."""

from datetime import UTC, datetime, timedelta

import pytest

from storage_core.index.limits import (
    clear_limits,
    limits_path,
    pace_path,
    read_pace,
    read_schedule,
    remove_pace,
    write_pace,
    write_schedule,
)
from storage_core.model.pace import Limits, Pace, Schedule
from storage_core.plan.time_windows import window_of

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PACE = Pace(
    at=NOW, calls_last_minute=412, calls_per_minute=600, calls_in_flight=3, s3_connections=64, reasons=("it is night",)
)


def test_limits_come_back_as_they_were_written_and_can_be_forgotten(tmp_path):
    index = tmp_path / "x.duckdb"
    assert Schedule() == read_schedule(index)
    asked = Schedule(
        always=Limits(calls_per_minute=300, s3_connections=8),
        windows=(
            window_of("mon-fri 08:00-18:00", Limits(calls_per_minute=100)),
            window_of("22:30-06:00", Limits(s3_connections=128)),
        ),
        zone="Europe/Berlin",
    )
    write_schedule(index, asked)
    assert asked == read_schedule(index)
    clear_limits(index)
    clear_limits(index)
    assert Schedule() == read_schedule(index)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        '{"zone": 1, "windows": 1}',
        '{"windows": [1, {"hours": "late"}, {}]}',
        '{"synapseCallsPerMinute": "many", "s3Connections": -1}',
    ],
)
def test_a_file_that_makes_no_sense_limits_nothing(tmp_path, text):
    index = tmp_path / "x.duckdb"
    limits_path(index).write_text(text)
    pace_path(index).write_text(text)
    assert Schedule() == read_schedule(index)
    assert read_pace(index, NOW) is None


def test_a_pace_is_believed_for_half_a_minute(tmp_path):
    """A run that was killed leaves its last word behind."""
    index = tmp_path / "x.duckdb"
    write_pace(index, PACE)
    assert PACE == read_pace(index, NOW + timedelta(seconds=20))
    assert read_pace(index, NOW + timedelta(seconds=40)) is None
    remove_pace(index)
    assert read_pace(index, NOW) is None


def test_both_are_for_their_owner_only(tmp_path):
    index = tmp_path / "x.duckdb"
    write_schedule(index, Schedule(always=Limits(calls_in_flight=1)))
    write_pace(index, PACE)
    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}


def test_asking_for_one_limit_leaves_the_others():
    before = Limits(calls_per_minute=300, calls_in_flight=2)
    assert Limits(calls_per_minute=100, calls_in_flight=2) == before.changed_by(Limits(calls_per_minute=100))
