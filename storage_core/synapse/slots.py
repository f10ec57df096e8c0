"""Slots for requests to S3: how many there are can be changed, and S3's "SlowDown" makes them fewer for a while."""

import asyncio
import time
from collections import deque
from types import TracebackType
from typing import Final

_LET_IT_WORK_SECONDS: Final = 1.0
"""Requests that were under way when S3 asked for less are refused, too; they say nothing new."""

_RECOVER_SECONDS: Final = 10.0
_STEPS_BACK: Final = 10


class AdjustableSlots:
    """Entered around each request, on one event loop; first come, first served.

    Each time S3 asks for less the number is halved; then it grows back by a tenth of the whole every ten seconds.
    """

    def __init__(self, most: int) -> None:
        self._most = self._allowed = most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._slowed_at = -_LET_IT_WORK_SECONDS
        self._recover_at = 0.0
        self._decisions: list[str] = []

    @property
    def allowed(self) -> int:
        """How many may be taken now."""
        return self._allowed

    @property
    def is_slowed(self) -> bool:
        """Whether S3 has asked for less, not long ago."""
        return self._allowed < self._most

    def take_decisions(self) -> tuple[str, ...]:
        """What was decided since this was asked last."""
        decided, self._decisions = tuple(self._decisions), []
        return decided

    def change(self, most: int) -> None:
        """Set another number; requests under way stay under way."""
        self._most = self._allowed = most
        self._wake()

    def slow_down(self) -> None:
        """S3 asked for less."""
        now = time.monotonic()
        self._recover_at = now + _RECOVER_SECONDS
        if now - self._slowed_at < _LET_IT_WORK_SECONDS:
            return
        self._slowed_at = now
        self._allowed = max(1, self._allowed // 2)
        self._decisions.append(f"S3 asked to slow down: {self._allowed} requests at a time instead of {self._most}")

    async def __aenter__(self) -> None:
        self._recover()
        if self._taken < self._allowed and not self._waiting:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recover()
        self._give_back()

    def _give_back(self) -> None:
        self._taken -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._taken < self._allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)

    def _recover(self) -> None:
        if not self.is_slowed or time.monotonic() < self._recover_at:
            return
        self._recover_at = time.monotonic() + _RECOVER_SECONDS
        self._allowed = min(self._most, self._allowed + max(1, self._most // _STEPS_BACK))
        if self._allowed == self._most:
            self._decisions.append(f"S3 takes it again: {self._most} requests at a time")
        self._wake()
