"""Slots for requests to S3: how many there are can be changed, and S3's "SlowDown" makes them fewer for a while."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final

_LET_IT_WORK_SECONDS: Final = 1.0
"""Requests that were under way when S3 asked for less are refused, too; they say nothing new."""

_RECOVER_SECONDS: Final = 10.0
_STEPS_BACK: Final = 10
_KEPT_FREE: Final = 8
"""One slot in so many is never taken by a request that takes long."""


Turns = deque[asyncio.Future[None]]


Leave = Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], Awaitable[None]]


class _LongSlots:
    """Slots as a request that takes long enters them."""

    def __init__(self, enter: Callable[[], Awaitable[None]], leave: Leave) -> None:
        self._enter = enter
        self._leave = leave

    async def __aenter__(self) -> None:
        await self._enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave(kind, error, trace)


class AdjustableSlots:
    """Entered around each request, on one event loop; first come, first served.

    Requests that take long enter `for_long` instead. They stand behind all others and leave some slots to those: a
    small file is never kept waiting, with its calls to Synapse still to be spent, until gigabytes have been copied.

    Each time S3 asks for less the number is halved; then it grows back by a tenth of the whole every ten seconds.

    Attributes:
        for_long: the same slots, as requests that take long enter them.
    """

    def __init__(self, most: int) -> None:
        self._most = self._allowed = most
        self._taken = 0
        self._waiting: Turns = deque()
        self._long: Turns = deque()
        self.for_long = _LongSlots(self._enter_long, self.__aexit__)
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
        await self._enter(self._waiting)

    async def _enter_long(self) -> None:
        await self._enter(self._long)

    async def _enter(self, waiting: Turns) -> None:
        self._recover()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        self._wake()
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
        self._call(self._waiting, self._allowed)
        self._call(self._long, self._allowed - self._allowed // _KEPT_FREE)

    def _call(self, waiting: Turns, most: int) -> None:
        while waiting and self._taken < most:
            turn = waiting.popleft()
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
