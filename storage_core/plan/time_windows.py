"""Hours of the day in which other limits hold: how they are written, and which hold at a moment.

A window is told by the clock on the wall where it is meant. So nothing is computed over the days on which clocks are
changed: an hour that comes twice is in the window twice, an hour that is left out is in no window.
"""

import re
from collections.abc import Sequence
from datetime import datetime, time

from storage_core.errors import UsageError
from storage_core.model.pace import Limits, Schedule, TimeWindow
from storage_core.plan.pacing import change_text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL_DAYS = tuple(range(7))
_WINDOW = re.compile(
    r"(?:(?P<days>[a-z]{3}(?:[-,][a-z]{3})*)\s+)?(?P<begin>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})", re.IGNORECASE
)
_FIX = "Write for example 22:00-06:00, or mon-fri 08:00-18:00, or sat,sun 00:00-24:00."


def window_of(text: str, limits: Limits) -> TimeWindow:
    """The window that *text* names.

    Raises:
        UsageError: it names none; says how one is written.
    """
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no time window.", fix=_FIX)
    begin, end = _minutes(found["begin"], text), _minutes(found["end"], text)
    if begin in {end, 24 * 60}:
        raise UsageError(f"{text!r} is empty, or begins after the end of a day.", fix=_FIX)
    return TimeWindow(days=_days(found["days"], text), begin_minute=begin, end_minute=end, limits=limits)


def window_text(window: TimeWindow) -> str:
    """The window as it is written; every spelling of it gives the same."""
    days = "" if window.days == _ALL_DAYS else f"{_days_text(window.days)} "
    return f"{days}{_clock(window.begin_minute)}-{_clock(window.end_minute)}"


def holds(window: TimeWindow, local: datetime) -> bool:
    """Whether the window holds when the clock on the wall shows *local*.

    One that goes over midnight belongs to the day on which it begins.
    """
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if window.begin_minute < window.end_minute:
        return today in window.days and window.begin_minute <= minute < window.end_minute
    yesterday = (today - 1) % 7
    return (today in window.days and minute >= window.begin_minute) or (
        yesterday in window.days and minute < window.end_minute
    )


def holding(schedule: Schedule, local: datetime) -> TimeWindow | None:
    """The window that holds now; where several do, the one that was asked for last."""
    return next((window for window in reversed(schedule.windows) if holds(window, local)), None)


def limits_at(schedule: Schedule, local: datetime) -> Limits:
    """The limits asked for at that moment: those of the window that holds, before those that always hold."""
    window = holding(schedule, local)
    return schedule.always if window is None else schedule.always.changed_by(window.limits)


def with_window(windows: Sequence[TimeWindow], window: TimeWindow) -> tuple[TimeWindow, ...]:
    """The windows with one more, the last; what was asked for in the same hours before is kept where it says less."""
    same = [one for one in windows if window_text(one) == window_text(window)]
    limits = same[0].limits.changed_by(window.limits) if same else window.limits
    others = without_window(windows, window)
    return (
        *others,
        TimeWindow(days=window.days, begin_minute=window.begin_minute, end_minute=window.end_minute, limits=limits),
    )


def without_window(windows: Sequence[TimeWindow], window: TimeWindow) -> tuple[TimeWindow, ...]:
    """The windows but for the one of the same hours."""
    return tuple(one for one in windows if window_text(one) != window_text(window))


def window_reason(window: TimeWindow, zone: str | None) -> str:
    """Why other limits hold now."""
    place = f" ({zone})" if zone else ""
    return f"the time window {window_text(window)}{place} holds: {change_text(window.limits)}"


def schedule_lines(schedule: Schedule) -> tuple[str, ...]:
    """The windows, for people; nothing when there are none."""
    if not schedule.windows:
        return ()
    where = schedule.zone or "the local time of the machine that migrates"
    told = (f"  {window_text(window)}: {change_text(window.limits)}" for window in schedule.windows)
    return (f"Time windows, in {where}; the last one that holds counts:", *told)


def _minutes(text: str, whole: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    if (hours, minutes) == (24, 0):
        return 24 * 60
    try:
        moment = time(hours, minutes)
    except ValueError as error:
        raise UsageError(f"{whole!r} is no time window: {text} is no time of day.", fix=_FIX) from error
    return moment.hour * 60 + moment.minute


def _days(text: str | None, whole: str) -> tuple[int, ...]:
    if text is None:
        return _ALL_DAYS
    found: set[int] = set()
    for part in text.lower().split(","):
        ends = part.split("-")
        if len(ends) not in {1, 2} or any(name not in DAYS for name in ends):
            raise UsageError(f"{whole!r} is no time window: {part} are no days.", fix=_FIX)
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        found.update((first + n) % 7 for n in range((last - first) % 7 + 1))
    return tuple(sorted(found))


def _days_text(days: tuple[int, ...]) -> str:
    is_range = len(days) > 2 and days == tuple(range(days[0], days[-1] + 1))  # noqa: PLR2004 - two days are a list
    return f"{DAYS[days[0]]}-{DAYS[days[-1]]}" if is_range else ",".join(DAYS[day] for day in days)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
