"""What bounds a run's speed, in words, and what throttling teaches."""

from collections.abc import Sequence

from storage_core.model.pace import Limits

EASE_AFTER = 3
"""Throttled answers within a minute that show that others spend of the same budget; one or two are chance."""

EASE_STEP = 0.1
EASE_AT_MOST = 0.5
"""By which share the budget is taken smaller each time, and at most in all; it grows back by a step a minute."""


def eased(share: float) -> float:
    """The next smaller share of the budget."""
    return max(EASE_AT_MOST, round(share - EASE_STEP, 2))


def recovered(share: float) -> float:
    """The next larger share of the budget."""
    return min(1.0, round(share + EASE_STEP, 2))


def bound_by_latency(*, calls_in_flight: int, calls_per_minute: int, seconds_per_call: float) -> str | None:
    """What to say when the calls in flight, not the minute's budget, are what bounds the speed; else None."""
    if seconds_per_call <= 0:
        return None
    reachable = calls_in_flight * 60 / seconds_per_call
    if reachable >= calls_per_minute:
        return None
    return (
        f"calls take {seconds_per_call * 1000:.0f} ms each: {calls_in_flight} in flight make {reachable:.0f} a minute,"
        f" less than the {calls_per_minute} allowed"
    )


def change_text(limits: Limits) -> str:
    """What a person asked for, as the journal keeps it."""
    asked = (
        ("Synapse calls a minute", limits.calls_per_minute),
        ("Synapse calls in flight", limits.calls_in_flight),
        ("S3 connections", limits.s3_connections),
    )
    told = [f"{number} {what}" for what, number in asked if number is not None]
    return ", ".join(told) if told else "as the run was started"


def waiting_text(waiting_for: str, reasons: Sequence[str]) -> tuple[str, ...]:
    """All reasons for the present speed, what the next call waits for first."""
    first = () if waiting_for == "nothing" else (f"the next call waits for {waiting_for}",)
    return (*first, *reasons)
