"""What the sandbox was asked: counters and a log that tests and benchmarks read."""

from collections import Counter, deque
from dataclasses import dataclass, field

from sandbox.synapse.http import Json

_LOG_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One answered call. A status of 0 means the connection was cut."""

    method: str
    path: str
    user_id: str
    status: int


@dataclass(slots=True)
class Traffic:
    """Counters since the start or the last reset, for calls of the service only (never the control calls)."""

    by_call: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    log: deque[LoggedCall] = field(default_factory=lambda: deque(maxlen=_LOG_LENGTH))

    def began(self) -> None:
        """A call has arrived."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def ended(self, call: LoggedCall, api: str) -> None:
        """The call was answered. *api* is its normalised path."""
        self.in_flight -= 1
        self.by_call[f"{call.method} {api}"] += 1
        self.by_status[call.status] += 1
        self.log.append(call)

    def reset(self) -> None:
        """Start counting anew; calls in flight stay known."""
        self.by_call.clear()
        self.by_status.clear()
        self.log.clear()
        self.most_in_flight = self.in_flight

    def as_json(self) -> Json:
        """The counters as the control call shows them."""
        return {
            "total": self.by_status.total(),
            "byCall": dict(sorted(self.by_call.items())),
            "byStatus": {str(status): number for status, number in sorted(self.by_status.items())},
            "throttled": self.by_status[429],
            "inFlight": self.in_flight,
            "mostInFlight": self.most_in_flight,
        }
