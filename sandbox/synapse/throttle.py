"""The service's three throttles (contract 1.5), switchable and with limits that can be changed while running."""

from collections import defaultdict
from dataclasses import dataclass, field

from sandbox.clock import SandboxClock


@dataclass(slots=True, kw_only=True)
class Window:
    """At most `calls` accepted calls in each fixed window of `seconds`."""

    calls: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class ThrottleLimits:
    """The limits in force.

    Attributes:
        per_api: windows for single normalised paths such as ``/entity/#/column``.
    """

    enabled: bool = True
    concurrent: int = 3
    frequency: Window = field(default_factory=lambda: Window(calls=600, seconds=60))
    per_api: dict[str, Window] = field(default_factory=dict)


@dataclass(slots=True)
class _Count:
    started: float
    calls: int = 0


class Throttled(Exception):  # noqa: N818 - a refusal like any other, with a body of its own
    """The call is refused with 429. `body` is exact, trailing newline included; there is no Retry-After."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.body = f'{{"reason": "{reason}"}}\n'.encode()


class Throttle:
    """Counts calls per user-machine. Every admitted call must be released."""

    def __init__(self, clock: SandboxClock) -> None:
        self.limits = ThrottleLimits()
        self._clock = clock
        self._in_flight: defaultdict[str, int] = defaultdict(int)
        self._counts: dict[tuple[str, str], _Count] = {}

    def admit(self, key: str, api: str) -> None:
        """Take a slot for the call, or raise Throttled; a refused call holds no slot and is not counted.

        A call that a per-API rule refuses has already used up its place in the frequency window.
        """
        limits = self.limits
        if self._in_flight[key] >= limits.concurrent:
            raise Throttled(
                f"Too many concurrent requests. Allowed {limits.concurrent} concurrent connections at any time."
            )
        now = self._clock.now().timestamp()
        if not self._counted(("", key), limits.frequency, now):
            raise Throttled(
                f"Requests are too frequent. Allowed {limits.frequency.calls} requests "
                f"every {limits.frequency.seconds:g} seconds."
            )
        rule = limits.per_api.get(api)
        if rule is not None and not self._counted((api, key), rule, now):
            raise Throttled(
                f"Requests are too frequent for API call: {api}. Allowed {rule.calls} requests "
                f"every {rule.seconds:g} seconds."
            )
        self._in_flight[key] += 1

    def release(self, key: str) -> None:
        """Give the slot of an admitted call back."""
        self._in_flight[key] -= 1
        if self._in_flight[key] <= 0:
            del self._in_flight[key]

    def forget(self) -> None:
        """Start all windows anew."""
        self._counts.clear()

    def _counted(self, counter: tuple[str, str], window: Window, now: float) -> bool:
        count = self._counts.get(counter)
        if count is None or now - count.started >= window.seconds:
            count = self._counts[counter] = _Count(now)
        if count.calls >= window.calls:
            return False
        count.calls += 1
        return True
