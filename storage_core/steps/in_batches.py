"""Moving many files in batches that somebody else starts, so that an orchestrator sees what runs and counts it.

The files are found, moved and counted on the network loop. The thread that asked for it all launches the batches, each
where its launcher says. A file that fails fails alone; an error that all would meet ends the whole.
"""

import asyncio
import queue
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from storage_core.model.trees import TransferFailure
from storage_core.steps.driving import Launcher, Ticket
from storage_core.steps.side_by_side import AT_ONCE, side_by_side

Order = TypeVar("Order")
Done = TypeVar("Done")
T = TypeVar("T")

FILES_PER_BATCH = 500
"""2 million files then are 4,000 batches, within the 5,000 that an orchestrator keeps well."""

BATCHES_AT_ONCE = 3
"""While one waits for its last large file, the next ones move."""

_LOOK_EVERY_SECONDS = 1.0

_BatchCode = Callable[[], Coroutine[Any, Any, None]]


class BatchedMover:
    """A `side_by_side.Mover` for one tree: moves its files in batches that `run` launches as *name*."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        launcher: Launcher,
        name: str,
        *,
        files_per_batch: int = FILES_PER_BATCH,
        look: Callable[[], None] | None = None,
    ) -> None:
        """*look* is called once a second or oftener while files move; what it raises ends the whole."""
        self._loop = loop
        self._launcher = launcher
        self._name = name
        self._files_per_batch = files_per_batch
        self._look = look
        self._asked: queue.SimpleQueue[_BatchCode | None] = queue.SimpleQueue()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._is_given_up = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* on the loop, launch the batches it asks for from this thread, and return its result.

        Raises:
            What *work* raises, what a batch raised that could not be launched, or what looking raised; files under way
            are given up then.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(lambda _: self._asked.put(None))
        try:
            self._launch_until_over()
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            future.cancel()
            raise
        return future.result()

    async def __call__(
        self,
        orders: AsyncIterable[Order],
        move: Callable[[Order], Awaitable[Done | TransferFailure]],
        *,
        at_once: int = AT_ONCE,
    ) -> list[Done | TransferFailure]:
        """See `side_by_side`; *at_once* counts for all batches together. To be awaited within `run`.

        Files get their places in the order they come, whichever batch the launcher begins first; so one may wait for
        another that came before it.
        """
        places = asyncio.Semaphore(at_once)
        room = asyncio.Semaphore(BATCHES_AT_ONCE)
        batches: list[asyncio.Future[list[Done | TransferFailure]]] = []
        turn = asyncio.Event()
        turn.set()

        try:
            async for batch in _in_batches(orders, self._files_per_batch):
                await room.acquire()
                _raise_first(batches)
                done: asyncio.Future[list[Done | TransferFailure]] = self._loop.create_future()
                done.add_done_callback(lambda ended: _let_in_the_next(ended, room))
                batches.append(done)
                in_line = _InLine(places=places, files=len(batch), turn=turn)
                turn = in_line.next_turn
                moved = partial(_move_batch, batch, partial(in_line.move, move), in_line, done)
                self._asked.put(partial(self._counted, moved, done))
            return [outcome for outcomes in await asyncio.gather(*batches) for outcome in outcomes]
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            await self._give_up(batches)
            raise

    async def _counted(self, moved: _BatchCode, done: "asyncio.Future[Any]") -> None:
        """Move one batch, unless it was given up before it began."""
        if done.cancelled():
            raise asyncio.CancelledError
        task = asyncio.create_task(moved())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await task

    async def _give_up(self, batches: "Sequence[asyncio.Future[Any]]") -> None:
        """End the batches under way before anything is closed that they use."""
        self._is_given_up = True
        for one in batches:
            one.cancel()
        ending = list(self._under_way)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _launch_until_over(self) -> None:
        live: list[Ticket] = []
        number = 0
        while True:
            if self._look is not None:
                self._look()
            try:
                code = self._asked.get(timeout=_LOOK_EVERY_SECONDS)
            except queue.Empty:
                # a batch that never began, because its launcher failed, would be waited for in vain
                if not self._is_given_up:
                    live = _still_live(live)
                continue
            if code is None:
                return
            number += 1
            live.append(self._launcher.launch(self._name, number, code))


@dataclass(slots=True, kw_only=True)
class _InLine:
    """The files of one batch in the line for *places*, behind those of the batch before.

    Attributes:
        files: how many there are.
        turn: set when all files of the batch before stand in the line.
        next_turn: the same of this one.
    """

    places: asyncio.Semaphore
    files: int
    turn: asyncio.Event
    next_turn: asyncio.Event = field(default_factory=asyncio.Event)

    async def move(self, move: Callable[[Order], Awaitable[Done]], order: Order) -> Done:
        """Move one file when it has a place. A semaphore gives places in the order they are asked for."""
        self.files -= 1
        if self.files == 0:
            self.next_turn.set()
        async with self.places:
            return await move(order)


async def _move_batch(
    batch: Sequence[Order],
    move: Callable[[Order], Awaitable[Done | TransferFailure]],
    in_line: _InLine,
    done: "asyncio.Future[list[Done | TransferFailure]]",
) -> None:
    """Move one batch and hand over its outcomes; the batch itself fails with what all files would meet."""
    try:
        await in_line.turn.wait()
        outcomes = await side_by_side(_each(batch), move, at_once=len(batch))
    except BaseException as failure:
        if not done.done():
            done.set_exception(failure) if isinstance(failure, Exception) else done.cancel()
        raise
    finally:
        in_line.next_turn.set()
    if not done.done():
        done.set_result(outcomes)


def _let_in_the_next(ended: "asyncio.Future[Any]", room: asyncio.Semaphore) -> None:
    room.release()
    if not ended.cancelled():
        # looked at here: when several fail, the first one is raised, and the others are no surprise to anybody
        ended.exception()


def _raise_first(batches: "Sequence[asyncio.Future[Any]]") -> None:
    """An error that ended one batch ends all, before another is begun."""
    for one in batches:
        if one.done():
            one.result()


def _still_live(tickets: Sequence[Ticket]) -> list[Ticket]:
    for ticket in tickets:
        if ticket.done():
            ticket.raise_failure()
    return [ticket for ticket in tickets if not ticket.done()]


async def _in_batches(orders: AsyncIterable[Order], size: int) -> AsyncIterator[list[Order]]:
    batch: list[Order] = []
    async for order in orders:
        batch.append(order)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def _each(batch: Sequence[Order]) -> AsyncIterator[Order]:
    for order in batch:
        yield order
