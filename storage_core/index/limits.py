"""Two small files beside an index: the limits somebody asks for, and the speed of the run that works on it.

Files, because the index itself belongs to the process that has it open. Both are readable by their owner alone.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage_core.errors import UsageError
from storage_core.index.database import private_files
from storage_core.model.pace import Limits, Pace, Schedule, TimeWindow
from storage_core.plan.time_windows import window_of, window_text

_STALE_SECONDS = 30.0


def limits_path(index: Path) -> Path:
    """``x.duckdb`` has ``x.limits.json``."""
    return index.with_name(f"{index.stem}.limits.json")


def pace_path(index: Path) -> Path:
    """``x.duckdb`` has ``x.pace.json`` while a run works on it."""
    return index.with_name(f"{index.stem}.pace.json")


def write_schedule(index: Path, schedule: Schedule) -> None:
    """Ask for limits; a run that works on the index sees it within a second, a later one when it starts.

    Raises:
        UsageError: the folder cannot be written.
    """
    document = {
        **_limits_document(schedule.always),
        "zone": schedule.zone,
        "windows": [{"hours": window_text(window), **_limits_document(window.limits)} for window in schedule.windows],
    }
    try:
        _replace(limits_path(index), document)
    except OSError as error:
        raise UsageError(
            f"{limits_path(index)} cannot be written: {error.strerror or error}.",
            fix="Run as the user who owns the index.",
        ) from error


def clear_limits(index: Path) -> None:
    """Go back to the limits that runs are started with."""
    limits_path(index).unlink(missing_ok=True)


def limits_stamp(index: Path) -> int:
    """Another number whenever the limits asked for may be others; cheap enough to be asked every second."""
    try:
        return limits_path(index).stat().st_mtime_ns
    except OSError:
        return 0


def read_schedule(index: Path) -> Schedule:
    """What was asked for; nothing when there is no such file, or none that makes sense."""
    found = _read(limits_path(index))
    windows, zone = found.get("windows"), found.get("zone")
    return Schedule(
        always=_limits(found),
        windows=tuple(window for one in (windows if isinstance(windows, list) else ()) for window in _window(one)),
        zone=zone if isinstance(zone, str) and zone else None,
    )


def write_pace(index: Path, pace: Pace) -> None:
    """Say how fast the run is; raises OSError when that cannot be written.

    In place: it is written again and again, and a reader that meets a half-written one asks again.
    """
    document = {
        "at": pace.at.isoformat(),
        "callsLastMinute": pace.calls_last_minute,
        "callsPerMinute": pace.calls_per_minute,
        "callsInFlight": pace.calls_in_flight,
        "s3Connections": pace.s3_connections,
        "reasons": list(pace.reasons),
    }
    path = pace_path(index)
    with private_files():
        path.write_text(json.dumps(document), encoding="utf-8")


def remove_pace(index: Path) -> None:
    """The run has ended."""
    pace_path(index).unlink(missing_ok=True)


def read_pace(index: Path, now: datetime) -> Pace | None:
    """The speed of the run that works on the index; None when there is none, or it was killed."""
    found = _read(pace_path(index)) or _read(pace_path(index))
    try:
        pace = Pace(
            at=datetime.fromisoformat(found["at"]).astimezone(UTC),
            calls_last_minute=int(found["callsLastMinute"]),
            calls_per_minute=int(found["callsPerMinute"]),
            calls_in_flight=int(found["callsInFlight"]),
            s3_connections=int(found["s3Connections"]),
            reasons=tuple(str(reason) for reason in found["reasons"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return pace if (now - pace.at).total_seconds() < _STALE_SECONDS else None


def _replace(path: Path, document: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with private_files():
        draft.write_text(json.dumps(document), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _limits_document(limits: Limits) -> dict[str, Any]:
    return {
        "synapseCallsPerMinute": limits.calls_per_minute,
        "synapseCallsInFlight": limits.calls_in_flight,
        "s3Connections": limits.s3_connections,
    }


def _limits(found: dict[str, Any]) -> Limits:
    return Limits(
        calls_per_minute=_whole(found.get("synapseCallsPerMinute")),
        calls_in_flight=_whole(found.get("synapseCallsInFlight")),
        s3_connections=_whole(found.get("s3Connections")),
    )


def _window(found: object) -> tuple[TimeWindow, ...]:
    """The window, or nothing where it makes no sense: a run goes on as it was started, and `limits` shows that."""
    if not isinstance(found, dict):
        return ()
    try:
        return (window_of(str(found.get("hours")), _limits(found)),)
    except UsageError:
        return ()


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
