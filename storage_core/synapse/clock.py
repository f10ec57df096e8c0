"""The real clock behind the port `Clock`."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Implements `ports.clock.Clock` with the machine's clock and the running event loop."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the adapter behind the port

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass without blocking anybody else."""
        await asyncio.sleep(seconds)
