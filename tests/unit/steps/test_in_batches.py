"""Files moved in batches that a launcher starts: each once, in order, not too many at once, none waited for in vain."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest

from storage_core.errors import AccessError, UsageError
from storage_core.model.trees import TransferFailure
from storage_core.network import NetworkThread
from storage_core.steps.driving import LoopLauncher, Ticket
from storage_core.steps.in_batches import BatchedMover
from storage_core.steps.side_by_side import or_failure

BatchCode = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
def network() -> Iterator[NetworkThread]:
    with NetworkThread() as running:
        yield running


class CountingLauncher:
    """Launches on the loop, and remembers what as."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = LoopLauncher(loop)
        self.launched: list[tuple[str, int]] = []

    def launch(self, phase: str, batch: int, run: BatchCode) -> Ticket:
        self.launched.append((phase, batch))
        return self._inner.launch(phase, batch, run)


class BrokenTicket:
    def done(self) -> bool:
        return True

    def raise_failure(self) -> None:
        raise ConnectionError("the orchestrator is gone")


class BrokenLauncher:
    """Takes every batch and begins none, as when an orchestrator cannot be reached."""

    def launch(self, phase: str, batch: int, run: BatchCode) -> Ticket:
        return BrokenTicket()


class LiveTicket:
    def done(self) -> bool:
        return False

    def raise_failure(self) -> None:
        """It has not ended."""


class LateLauncher:
    """Begins the batches once all are there, the last one first, as threads may."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batches: int) -> None:
        self._inner = LoopLauncher(loop)
        self._batches = batches
        self._waiting: list[BatchCode] = []

    def launch(self, phase: str, batch: int, run: BatchCode) -> Ticket:
        self._waiting.append(run)
        if len(self._waiting) < self._batches:
            return LiveTicket()
        return [self._inner.launch(phase, batch, code) for code in reversed(self._waiting)][-1]


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def test_every_file_moves_once_and_outcomes_come_in_order_whatever_batch_ends_first(network: NetworkThread) -> None:
    """23 files in batches of 5; failures of single files stay among the outcomes; four at once over all batches."""
    launcher = CountingLauncher(network.loop)
    mover = BatchedMover(network.loop, launcher, "move", files_per_batch=5)
    under_way, most, moved = 0, 0, []

    async def move_one(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001 * (number % 4))
        under_way -= 1
        moved.append(number)
        if number == 7:
            raise UsageError("Seven is no file.", fix="Leave it out.")
        return number * 10

    found = mover.run(mover(numbers(23), lambda number: or_failure(move_one(number), str(number)), at_once=4))

    assert list(range(23)) == sorted(moved)
    assert [*range(0, 70, 10), "7", *range(80, 230, 10)] == [
        one.what if isinstance(one, TransferFailure) else one for one in found
    ]
    assert 4 == most
    assert [("move", number) for number in range(1, 6)] == launcher.launched


def test_no_files_are_no_batches(network: NetworkThread) -> None:
    launcher = CountingLauncher(network.loop)
    mover = BatchedMover(network.loop, launcher, "move")

    async def move(number: int) -> int:
        return number

    assert [] == mover.run(mover(numbers(0), move))
    assert [] == launcher.launched


def test_an_error_that_all_would_meet_ends_the_whole_and_is_raised_as_it_is(network: NetworkThread) -> None:
    """The batches after those under way are not begun."""
    launcher = CountingLauncher(network.loop)
    mover = BatchedMover(network.loop, launcher, "move", files_per_batch=1)

    async def move(number: int) -> int:
        raise AccessError("The token is not valid any more.", fix="Make another.")

    with pytest.raises(AccessError, match="not valid"):
        mover.run(mover(numbers(50), move))

    assert len(launcher.launched) < 50


def test_a_batch_that_is_never_begun_is_not_waited_for(network: NetworkThread) -> None:
    """What kept it from beginning is raised instead."""
    mover = BatchedMover(network.loop, BrokenLauncher(), "move")

    async def move(number: int) -> int:
        return number

    with pytest.raises(ConnectionError, match="orchestrator is gone"):
        mover.run(mover(numbers(3), move))


class Busy:
    """Work whose files never end by themselves; tells what happened, the closing of what they use included."""

    def __init__(self, mover: BatchedMover) -> None:
        self._mover = mover
        self.began: list[int] = []
        self.happened: list[str] = []

    async def run(self, failing: int | None) -> list[int | TransferFailure]:
        try:
            return await self._mover(numbers(3), lambda number: self._move(number, failing))
        finally:
            self.happened.append("closed")

    async def _move(self, number: int, failing: int | None) -> int:
        self.began.append(number)
        try:
            while len(self.began) < 3 or number != failing:
                await asyncio.sleep(0.01)
        finally:
            self.happened.append("ended")
        raise AccessError("The token is not valid any more.", fix="Make another.")


def test_files_are_given_up_before_what_they_use_is_closed_when_somebody_ends_it() -> None:
    """None of them breaks because its connection is closed under it."""

    def look() -> None:
        if len(busy.began) == 3:
            raise UsageError("It was suspended.", fix="Resume it.")

    with NetworkThread() as network:
        mover = BatchedMover(network.loop, LoopLauncher(network.loop), "move", files_per_batch=1, look=look)
        busy = Busy(mover)
        with pytest.raises(UsageError, match="suspended"):
            mover.run(busy.run(None))

    assert ["ended", "ended", "ended", "closed"] == busy.happened


def test_files_are_given_up_before_what_they_use_is_closed_when_one_met_what_all_would(network: NetworkThread) -> None:
    mover = BatchedMover(network.loop, LoopLauncher(network.loop), "move", files_per_batch=1)
    busy = Busy(mover)

    with pytest.raises(AccessError, match="not valid"):
        mover.run(busy.run(1))

    assert ["ended", "ended", "ended", "closed"] == busy.happened


def test_a_file_may_wait_for_one_before_it_whichever_batch_begins_first(network: NetworkThread) -> None:
    """Each of nine waits for its predecessor, one place for all, and the last batch is begun first."""
    mover = BatchedMover(network.loop, LateLauncher(network.loop, 3), "move", files_per_batch=3)
    ended = [asyncio.Event() for _ in range(9)]

    async def move(number: int) -> int:
        if number:
            await ended[number - 1].wait()
        ended[number].set()
        return number

    async def all_of_them() -> list[int | TransferFailure]:
        return await asyncio.wait_for(mover(numbers(9), move, at_once=1), 60)

    assert list(range(9)) == mover.run(all_of_them())
