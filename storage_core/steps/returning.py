"""Phase old handles: see which handles can be referred to again, before any place is changed back."""

from storage_core.errors import RestError
from storage_core.model.handles import HandleAnswer, HandleRefusal, HandleStatus
from storage_core.model.ids import PrincipalId
from storage_core.model.items import ReasonCode
from storage_core.model.returns import HandleOutcome, HandleToReturn, OldHandle, ReturnRefused
from storage_core.steps.services import Emit, Services


async def prepare_handles(chunk: tuple[OldHandle, ...], services: Services, emit: Emit, *, me: PrincipalId) -> None:
    """Read up to 100 old handles in one call; of those that others created, make records of our own in another.

    Synapse lets nobody attach a handle that somebody else created (contract 6.6, 9.7). A record of the same object
    is no copy of bytes (contract 7.5). A run that is killed in between leaves a few records that nothing refers to.
    """
    try:
        answers = await services.catalog.handles([old.association for old in chunk])
        foreign = [old for old, seen in zip(chunk, answers, strict=True) if _is_there(seen) and old.owner != me]
        made = await services.catalog.copy_handle_records([old.association for old in foreign]) if foreign else ()
    except RestError as error:
        for old in chunk:
            emit(ReturnRefused(copy_id=old.copy_id, reason=ReasonCode.SERVICE_FAULT, detail=error.what))
        return
    records = dict(zip((old.copy_id for old in foreign), made, strict=True))
    for old, seen in zip(chunk, answers, strict=True):
        emit(_outcome(old, seen, records.get(old.copy_id)))


def _is_there(seen: HandleAnswer) -> bool:
    return seen.handle is not None and seen.handle.status is not HandleStatus.ARCHIVED


def _outcome(old: OldHandle, seen: HandleAnswer, made: HandleAnswer | None) -> HandleOutcome:
    refusal = seen.refusal if made is None else made.refusal
    if refusal is HandleRefusal.NOT_FOUND:
        return _refused(old, ReasonCode.GONE, f"old handle {old.id} was deleted")
    if refusal is not None:
        return _refused(old, ReasonCode.NOT_OWN_HANDLE, f"old handle {old.id} was created by user {old.owner}")
    if not _is_there(seen):
        return _refused(old, ReasonCode.ARCHIVED, f"the bytes of old handle {old.id} are archived")
    if made is not None and made.handle is not None:
        return HandleToReturn(copy_id=old.copy_id, handle=made.handle.id)
    return HandleToReturn(copy_id=old.copy_id, handle=old.id)


def _refused(old: OldHandle, reason: ReasonCode, detail: str) -> ReturnRefused:
    return ReturnRefused(copy_id=old.copy_id, reason=reason, detail=detail)
