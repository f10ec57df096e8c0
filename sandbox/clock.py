"""The sandbox's own time: it can be moved, and its waits can be shortened."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True, kw_only=True)
class SandboxClock:
    """Time of the sandbox.

    Attributes:
        shift: added to the machine's time; moving it forward expires addresses and tokens.
        wait_scale: every simulated wait is multiplied by it; 0 makes the sandbox answer at once.
    """

    shift: timedelta = timedelta()
    wait_scale: float = 1.0

    def now(self) -> datetime:
        """The present moment of the sandbox, UTC."""
        return datetime.now(UTC) + self.shift  # noqa: TID251 - this is a clock

    def stamp(self) -> str:
        """The present moment as the service writes it: ISO 8601 with milliseconds."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def wait(self, seconds: float) -> None:
        """Let a simulated duration pass."""
        if seconds > 0 and self.wait_scale > 0:
            await asyncio.sleep(seconds * self.wait_scale)
