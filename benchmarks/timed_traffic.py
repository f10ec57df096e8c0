"""What the sandbox was asked, and when."""

import time
from dataclasses import dataclass, field

from sandbox.synapse.traffic import LoggedCall, Traffic

_THROTTLED = 429


@dataclass(slots=True)
class TimedTraffic(Traffic):
    """Counts as always, and keeps times of the monotonic clock.

    Attributes:
        came: when each call came.
        ended_at: when the last answer went out.
        spans: by call, when the first and the last answer went out that was no refusal of the throttle.
    """

    came: list[float] = field(default_factory=list)
    ended_at: float = 0.0
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)

    def began(self) -> None:
        """See Traffic."""
        self.came.append(time.monotonic())
        Traffic.began(self)

    def ended(self, call: LoggedCall, api: str) -> None:
        """See Traffic."""
        self.ended_at = now = time.monotonic()
        if call.status != _THROTTLED:
            name = f"{call.method} {api}"
            self.spans[name] = (self.spans.get(name, (now, now))[0], now)
        Traffic.ended(self, call, api)
