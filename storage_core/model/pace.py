"""How fast a run may go, how fast it goes, and why."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What somebody wants a running migration to keep to; None leaves that limit as the run was started."""

    calls_per_minute: int | None = None
    calls_in_flight: int | None = None
    s3_connections: int | None = None

    def changed_by(self, other: "Limits") -> "Limits":
        """These limits, with those of *other* that say something."""
        return Limits(
            calls_per_minute=self.calls_per_minute if other.calls_per_minute is None else other.calls_per_minute,
            calls_in_flight=self.calls_in_flight if other.calls_in_flight is None else other.calls_in_flight,
            s3_connections=self.s3_connections if other.s3_connections is None else other.s3_connections,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """Hours of some days of the week in which other limits hold, by the clock on the wall.

    Attributes:
        days: on which it begins; 0 is Monday, ascending, at least one.
        begin_minute: of the day, 0 to 1439.
        end_minute: the first that is outside, 0 to 1440; before or at `begin_minute` it is one of the next day.
        limits: what it changes; the rest stays as it is at other times.
    """

    days: tuple[int, ...]
    begin_minute: int
    end_minute: int
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What somebody wants a migration to keep to, and when.

    Attributes:
        always: holds where no window says otherwise.
        windows: in the order in which they were asked for; of those that hold the last one counts.
        zone: whose clock is meant, such as ``Europe/Berlin``; None: that of the machine that migrates.
    """

    always: Limits = Limits()
    windows: tuple[TimeWindow, ...] = ()
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The speed of a run at one moment.

    Attributes:
        at: the moment (aware, UTC).
        calls_last_minute: Synapse calls that all processes of the machine began within the last minute.
        calls_per_minute: the limit on that now; it may be lower than what was asked for, see `reasons`.
        calls_in_flight: Synapse calls this process may have open now.
        s3_connections: requests to S3 that it may have open now.
        reasons: why it is not faster, a sentence each; empty when nothing waits.
    """

    at: datetime
    calls_last_minute: int
    calls_per_minute: int
    calls_in_flight: int
    s3_connections: int
    reasons: tuple[str, ...]
