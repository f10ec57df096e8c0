"""Phase copy: make each distinct handle's bytes anew at the destination."""

from collections.abc import Callable
from dataclasses import replace

from storage_core.model.copies import CopyRequest
from storage_core.model.engines import CopyChoice
from storage_core.ports import Ledger
from storage_core.steps.services import Emit, Services

Choose = Callable[[CopyRequest], CopyChoice]
"""Says who makes a copy, and in which parts."""


def claim_copies(ledger: Ledger, after: int, limit: int, *, choose: Choose) -> tuple[CopyRequest, ...]:
    """The next copies, each with its engine.

    Choices are committed before anything is begun, and are kept: a copy that a killed run has begun is finished by
    the same engine, in the same parts.
    """
    requests = ledger.pending_copies(after=after, limit=limit)
    chosen = {request.copy_id: choose(request) for request in requests if request.engine is None}
    ledger.record_choices(tuple(chosen.values()))
    return tuple(_with(request, chosen.get(request.copy_id)) for request in requests)


def _with(request: CopyRequest, choice: CopyChoice | None) -> CopyRequest:
    if choice is None:
        return request
    return replace(request, engine=choice.engine, part_size_bytes=choice.part_size_bytes)


async def copy_handle(request: CopyRequest, services: Services, emit: Emit) -> None:
    """Copy one handle. The outcome, good or bad, is a value; it is committed before any place is touched."""
    emit(await services.engine.copy(request))
