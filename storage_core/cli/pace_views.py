"""How a run's limits and its speed are shown."""

from typing import Any

from storage_core.model.pace import Limits, Pace, Schedule
from storage_core.plan.time_windows import window_text
from storage_core.reports.wording import count_text, stamp_text


def schedule_document(schedule: Schedule) -> dict[str, Any]:
    """The limits asked for, and when others hold; null where the run keeps what it was started with."""
    return {
        **_limits_document(schedule.always),
        "zone": schedule.zone,
        "windows": [{"hours": window_text(window), **_limits_document(window.limits)} for window in schedule.windows],
    }


def _limits_document(limits: Limits) -> dict[str, Any]:
    return {
        "synapse_calls_per_minute": limits.calls_per_minute,
        "synapse_calls_in_flight": limits.calls_in_flight,
        "s3_connections": limits.s3_connections,
    }


def pace_document(pace: Pace | None) -> dict[str, Any] | None:
    """The present speed; null when nothing runs."""
    if pace is None:
        return None
    return {
        "at": stamp_text(pace.at),
        "synapse_calls_last_minute": pace.calls_last_minute,
        "synapse_calls_per_minute": pace.calls_per_minute,
        "synapse_calls_in_flight": pace.calls_in_flight,
        "s3_connections": pace.s3_connections,
        "reasons": list(pace.reasons),
    }


def pace_lines(pace: Pace | None) -> tuple[str, ...]:
    """The present speed and why it is not higher; nothing when nothing runs."""
    if pace is None:
        return ()
    speed = (
        f"Speed: {count_text(pace.calls_last_minute)} Synapse calls in the last minute of"
        f" {count_text(pace.calls_per_minute)} allowed, {pace.calls_in_flight} at a time;"
        f" {count_text(pace.s3_connections)} requests to S3 at a time."
    )
    return (speed, *(f"  Because {reason}." for reason in pace.reasons))
