"""Hours in which other limits hold: by the clock on the wall, over midnight, and on days when clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import UsageError
from storage_core.model.pace import Limits, Schedule
from storage_core.plan.time_windows import (
    holding,
    holds,
    limits_at,
    schedule_lines,
    window_of,
    window_reason,
    window_text,
    with_window,
    without_window,
)

BERLIN = ZoneInfo("Europe/Berlin")
FAST, SLOW = Limits(calls_per_minute=600), Limits(calls_per_minute=100)
MONDAY = datetime(2026, 11, 23, tzinfo=BERLIN)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Monday is day 0."""
    return MONDAY.replace(hour=hour, minute=minute) + timedelta(days=day)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("22:00-06:00", "22:00-06:00"),
        (" 8:00 - 18:30 ", "08:00-18:30"),
        ("MON-FRI 08:00-18:00", "mon-fri 08:00-18:00"),
        ("sun,sat 00:00-24:00", "sat,sun 00:00-24:00"),
        ("fri-mon 20:00-24:00", "mon,fri,sat,sun 20:00-24:00"),
        ("mon-sun 01:00-02:00", "01:00-02:00"),
        ("tue 23:00-00:00", "tue 23:00-00:00"),
    ],
)
def test_every_spelling_of_a_window_is_told_in_one(text, told):
    window = window_of(text, FAST)
    assert told == window_text(window)
    assert window == window_of(told, FAST)


@pytest.mark.parametrize(
    "text", ["", "22-06", "25:00-26:00", "10:60-11:00", "10:00-10:00", "24:00-06:00", "mon 10:00", "nig 22:00-06:00"]
)
def test_what_names_no_hours_is_refused_with_an_example(text):
    with pytest.raises(UsageError) as told:
        window_of(text, FAST)
    assert "22:00-06:00" in told.value.fix


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins():
    nights = window_of("mon-fri 22:00-06:00", FAST)
    inside = [at(0, 22), at(0, 23, 59), at(1, 0), at(1, 5, 59), at(5, 5, 59)]
    outside = [at(0, 5), at(0, 21, 59), at(1, 6), at(5, 6), at(5, 22), at(6, 3)]
    assert [True] * 5 == [holds(nights, moment) for moment in inside]
    assert [False] * 6 == [holds(nights, moment) for moment in outside]


def test_of_several_windows_the_one_asked_for_last_counts_and_changes_only_what_it_names():
    always = Limits(calls_per_minute=300, s3_connections=64)
    windows = with_window(with_window((), window_of("08:00-18:00", SLOW)), window_of("12:00-13:00", FAST))
    schedule = Schedule(always=always, windows=windows)
    assert [300, 100, 600, 100, 300] == [
        limits_at(schedule, at(2, hour)).calls_per_minute for hour in (7, 8, 12, 13, 18)
    ]
    assert {64} == {limits_at(schedule, at(2, hour)).s3_connections for hour in range(24)}


def test_asking_again_for_the_same_hours_keeps_what_is_not_named():
    first = with_window((), window_of("mon-sun 8:00-18:00", SLOW))
    (both,) = with_window(first, window_of("08:00-18:00", Limits(s3_connections=8)))
    assert Limits(calls_per_minute=100, s3_connections=8) == both.limits
    assert () == without_window((both,), window_of("8:00-18:00", Limits()))
    assert (both,) == without_window((both,), window_of("8:00-19:00", Limits()))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC), 0),
        (datetime(2026, 3, 30, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, tzinfo=UTC), 2),
    ],
)
def test_an_hour_that_comes_twice_counts_twice_and_one_that_is_left_out_never(day, hours):
    """In Berlin clocks go from 2 to 3 on 29 March 2026, and from 3 to 2 on 25 October."""
    window = window_of("02:00-03:00", FAST)
    minutes = [day - timedelta(hours=3) + timedelta(minutes=n) for n in range(24 * 60)]
    assert 60 * hours == sum(holds(window, minute.astimezone(BERLIN)) for minute in minutes)


def test_a_night_keeps_its_ends_on_the_clock_when_clocks_are_changed():
    night = window_of("22:00-06:00", FAST)
    for evening, hours in ((datetime(2026, 3, 28, 12, tzinfo=UTC), 7), (datetime(2026, 10, 24, 12, tzinfo=UTC), 9)):
        minutes = [evening + timedelta(minutes=n) for n in range(24 * 60)]
        assert 60 * hours == sum(holds(night, minute.astimezone(BERLIN)) for minute in minutes)


@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.integers(0, 7 * 1440 - 1),
)
def test_a_window_holds_from_its_beginning_for_its_length_and_at_no_other_time(days, begin, end, minute):
    if begin == end:
        return
    names = ",".join(("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day] for day in days)
    text = f"{names} {begin // 60:02d}:{begin % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    length = end - begin if end > begin else end - begin + 1440
    expected = any((minute - (day * 1440 + begin)) % (7 * 1440) < length for day in days)
    assert expected == holds(window_of(text, FAST), datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=minute))


def test_the_reason_names_the_hours_and_what_they_bring():
    schedule = Schedule(windows=(window_of("22:00-06:00", FAST),), zone="Europe/Berlin")
    window = holding(schedule, at(0, 23))
    assert window is not None
    assert "the time window 22:00-06:00 (Europe/Berlin) holds: 600 Synapse calls a minute" == window_reason(
        window, schedule.zone
    )
    assert "  22:00-06:00: 600 Synapse calls a minute" in schedule_lines(schedule)
    assert () == schedule_lines(Schedule())
