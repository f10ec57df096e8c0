"""Phase copy: make each distinct handle's bytes anew at the destination."""

from storage_core.model.copies import CopyRequest
from storage_core.steps.services import Emit, Services


async def copy_handle(request: CopyRequest, services: Services, emit: Emit) -> None:
    """Copy one handle. The outcome, good or bad, is a value; it is committed before any place is touched."""
    emit(await services.engine.copy(request))
