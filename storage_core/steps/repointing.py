"""Phase repoint: make places refer to their proven copies, expecting what was indexed."""

from collections.abc import Awaitable, Callable
from typing import assert_never

from storage_core.errors import AnswerLost, Forbidden, NotFound, PreconditionFailed, RestError, ServerFault
from storage_core.model.items import ReasonCode
from storage_core.model.repoints import (
    AddVersion,
    Repoint,
    Repointed,
    RepointFailed,
    RepointOutcome,
    SwapCellHandle,
    SwapVersionHandle,
)
from storage_core.model.works import RepointWork
from storage_core.plan.repointing import explain_refused_swap, explain_refused_version
from storage_core.ports.catalog import Catalog
from storage_core.steps.services import Emit, Services

_SENDINGS_AT_MOST = 3
"""How often a change is sent when its answer is lost and re-reading shows that it did not happen."""


async def repoint_entity(work: RepointWork, services: Services, emit: Emit) -> None:
    """Send the changes of one entity one after the other: they lock the same row (contract 6.6)."""
    for change in work.changes:
        if services.stop.is_set():
            return
        emit(await _settled(change, services.catalog))


async def _settled(change: Repoint, catalog: Catalog) -> RepointOutcome:
    """The outcome of one change, whatever the service answers to it."""
    try:
        return await _sent(change, catalog)
    except RestError as error:
        return RepointFailed(item_id=change.item_id, reason=reason_of(error), detail=error.what)


async def _sent(change: Repoint, catalog: Catalog) -> RepointOutcome:
    match change:
        case SwapVersionHandle():
            return await _swap(change, catalog)
        case AddVersion():
            return await _add(change, catalog)
        case SwapCellHandle():
            raise TypeError("cells are repointed in bulk, table by table, not one by one")
        case _:
            assert_never(change)


async def _swap(change: SwapVersionHandle, catalog: Catalog) -> RepointOutcome:
    async def send() -> RepointOutcome:
        await catalog.swap_version_handle(change)
        return Repointed(item_id=change.item_id)

    async def look() -> RepointOutcome | None:
        found = await catalog.file(change.place.entity_id, version=change.place.version)
        if found.handle_id == change.expect:
            return None
        return explain_refused_swap(change, found.handle_id)

    outcome = await _send_until_known(send, look)
    return outcome or explain_refused_swap(change, change.expect)


async def _add(change: AddVersion, catalog: Catalog) -> RepointOutcome:
    async def send() -> RepointOutcome:
        return Repointed(item_id=change.item_id, new_version=await catalog.add_version(change))

    async def look() -> RepointOutcome | None:
        found = await catalog.file(change.place.entity_id)
        if found.etag == change.etag:
            return None
        return explain_refused_version(change, found)

    outcome = await _send_until_known(send, look)
    return outcome or RepointFailed(
        item_id=change.item_id,
        reason=ReasonCode.REFUSED,
        detail="Synapse says the entity has changed, but reading it shows the same etag",
    )


async def _send_until_known(
    send: Callable[[], Awaitable[RepointOutcome]], look: Callable[[], Awaitable[RepointOutcome | None]]
) -> RepointOutcome | None:
    """Send; when the answer is lost or is a 412, look (contract 13.6). Never blind repetition.

    Returns:
        None when the service keeps refusing although nothing has changed.
    """
    for attempt in range(_SENDINGS_AT_MOST):
        try:
            return await send()
        except PreconditionFailed:
            seen = await look()
            if seen is not None or attempt > 0:
                return seen
        except AnswerLost:
            seen = await look()
            if seen is not None:
                return seen
            if attempt == _SENDINGS_AT_MOST - 1:
                raise
    return None


def reason_of(error: RestError) -> ReasonCode:
    """Why a change could not be made."""
    match error:
        case AnswerLost() | ServerFault():
            return ReasonCode.SERVICE_FAULT
        case Forbidden():
            return ReasonCode.NO_WRITE_ACCESS
        case NotFound():
            return ReasonCode.GONE
        case _:
            return ReasonCode.REFUSED
