"""A clock that tests turn."""

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Implements `ports.clock.Clock`: sleeping costs no time, and moves the clock on."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The present moment."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Move on by *seconds*; others get their turn."""
        self.slept.append(seconds)
        self.move_on(seconds)
        await asyncio.sleep(0)

    def move_on(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
