"""Moves many files at once; one that fails does not stop the others."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol, TypeVar

from storage_core.errors import RestError, TransferFailed, UsageError, VerificationMismatch
from storage_core.model.ids import EntityId
from storage_core.model.trees import TransferFailure

Order = TypeVar("Order")
Done = TypeVar("Done")

AT_ONCE = 16
"""Files under way at once. Calls to Synapse are limited elsewhere; this keeps the line to the storage busy."""
OF_ONE_FILE = (RestError, TransferFailed, UsageError, VerificationMismatch)
"""What is one file's own trouble. Everything else, like a refused token, would meet all of them."""


class Mover(Protocol):
    """Moves many files; `side_by_side` is one, and what batches use another."""

    async def __call__(
        self,
        orders: AsyncIterable[Order],
        move: Callable[[Order], Awaitable[Done | TransferFailure]],
    ) -> list[Done | TransferFailure]:
        """See `side_by_side`."""
        ...


async def side_by_side(
    orders: AsyncIterable[Order],
    move: Callable[[Order], Awaitable[Done | TransferFailure]],
    *,
    at_once: int = AT_ONCE,
) -> list[Done | TransferFailure]:
    """Move all of them; what became of each, in the order they came.

    Orders are taken as places become free, so they may be found while others are moving.

    Raises:
        AccessError, ServiceUnavailable: nothing more makes sense; files under way were given up.
    """
    outcomes: dict[int, Done | TransferFailure] = {}
    room = asyncio.Semaphore(at_once)

    async def one(number: int, order: Order) -> None:
        try:
            outcomes[number] = await move(order)
        finally:
            room.release()

    try:
        async with asyncio.TaskGroup() as group:
            number = 0
            async for order in orders:
                await room.acquire()
                group.create_task(one(number, order))
                number += 1
    except BaseExceptionGroup as together:
        # callers tell errors apart by their type, so they get the error and not the group
        raise together.exceptions[0] from together
    return [outcomes[number] for number in sorted(outcomes)]


async def or_failure(work: Awaitable[Done], what: str, *, entity_id: EntityId | None = None) -> Done | TransferFailure:
    """The result of *work*, or the trouble of this one file as a value."""
    try:
        return await work
    except OF_ONE_FILE as error:
        return TransferFailure(what=what, error=error, entity_id=entity_id)
