"""Phase copy: make each distinct handle's bytes anew at the destination."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from storage_core.errors import NotFound, RestError
from storage_core.model.copies import Copied, CopyFailed, CopyRequest, SourceWithdrawn
from storage_core.model.engines import CopyChoice, SizeRange
from storage_core.model.handles import Association, AssociationKind, HandleRefusal
from storage_core.model.items import ReasonCode
from storage_core.plan.parts import LONG_COPY_BYTES
from storage_core.ports.ledger import Ledger
from storage_core.steps.services import Emit, Services

Choose = Callable[[CopyRequest], CopyChoice]
"""Says who makes a copy, and in which parts."""


class Length(StrEnum):
    """How long S3 takes for a copy. Long ones are a phase of their own, so that neither kind waits for the other."""

    SHORT = "short"
    LONG = "long"


_SIZES = {Length.SHORT: SizeRange(up_to_bytes=LONG_COPY_BYTES), Length.LONG: SizeRange(above_bytes=LONG_COPY_BYTES)}


def pending_copies(ledger: Ledger, after: int, limit: int, *, length: Length) -> tuple[CopyRequest, ...]:
    """The next copies of that length."""
    return ledger.pending_copies(after=after, limit=limit, sizes=_SIZES[length])


def claim_copies(ledger: Ledger, after: int, limit: int, *, length: Length, choose: Choose) -> tuple[CopyRequest, ...]:
    """The next copies of that length, each with its engine.

    Choices are committed before anything is begun, and are kept: a copy that a killed run has begun is finished by
    the same engine, in the same parts.
    """
    requests = pending_copies(ledger, after, limit, length=length)
    chosen = {request.copy_id: choose(request) for request in requests if request.engine is None}
    ledger.record_choices(tuple(chosen.values()))
    return tuple(_with(request, chosen.get(request.copy_id)) for request in requests)


def _with(request: CopyRequest, choice: CopyChoice | None) -> CopyRequest:
    if choice is None:
        return request
    return replace(request, engine=choice.engine, part_size_bytes=choice.part_size_bytes)


async def copy_handle(request: CopyRequest, services: Services, emit: Emit) -> None:
    """Copy one handle. The outcome, good or bad, is a value; it is committed before any place is touched."""
    outcome: Copied | CopyFailed | SourceWithdrawn = await services.engine.copy(request)
    if isinstance(outcome, CopyFailed) and outcome.reason is ReasonCode.NO_DOWNLOAD_ACCESS:
        outcome = await _explained(request, outcome, services)
    emit(outcome)


async def _explained(
    request: CopyRequest, refused: CopyFailed, services: Services
) -> Copied | CopyFailed | SourceWithdrawn:
    """Why the source may not be read: a right is missing, or the file it was read through has another handle by now.

    Synapse answers both alike (contract 8.4). One call more; two when the current version has another handle: an
    older one may refer to the source all the same, and then the file still gives the right to it.
    """
    association = request.association
    if association.kind is not AssociationKind.FILE:
        return refused  # a table keeps the right to a handle that was in it
    try:
        found = await services.catalog.file(association.object_id)
    except NotFound as error:
        return _withdrawn(request, ReasonCode.GONE, error.what)
    except RestError:
        return refused  # who may not even look at it lacks a right, whatever else is true
    is_readable = found.permissions is not None and found.permissions.can_download
    if not is_readable or found.handle_id == request.source.id:
        return refused
    if not await _is_withheld(association, services):
        return await services.engine.copy(request)  # the right may have come back between the calls
    detail = f"expected handle {request.source.id}, found {found.handle_id} in version {found.version}"
    return _withdrawn(request, ReasonCode.HANDLE_CHANGED, detail)


async def _is_withheld(association: Association, services: Services) -> bool:
    """Whether Synapse says that this object gives no right to the handle; when it says nothing, it may."""
    try:
        (answer,) = await services.catalog.handles((association,))
    except RestError:
        return False
    return answer.refusal is HandleRefusal.UNAUTHORIZED


def _withdrawn(request: CopyRequest, reason: ReasonCode, detail: str) -> SourceWithdrawn:
    return SourceWithdrawn(
        copy_id=request.copy_id,
        source=request.source.id,
        entity=request.association.object_id,
        reason=reason,
        detail=detail,
    )
