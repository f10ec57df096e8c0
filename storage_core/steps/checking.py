"""Phases of a deep verification: read places themselves, and objects to their end. Nothing in Synapse is changed."""

from collections.abc import Sequence

from storage_core.errors import Forbidden, NotFound, RestError, ServerFault
from storage_core.model.checks import BytesCheck, BytesDiffer, BytesUnread, CellsCheck, PlaceCheck, PlaceOutcome
from storage_core.model.handles import HandleAnswer
from storage_core.model.ids import FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, TableCell
from storage_core.model.repoints import Drifted
from storage_core.model.works import VerifyFailed
from storage_core.plan.proving import judge_again
from storage_core.ports.catalog import Catalog
from storage_core.steps.reading_cells import CellReader, Row
from storage_core.steps.services import Emit, Services
from storage_core.steps.verifying import compare


async def check_file(check: PlaceCheck, services: Services, emit: Emit) -> None:
    """Read one file version: does it refer to its new handle, and is that what it should be? One call."""
    emit(await _file_outcome(check, check.place, services.catalog))


async def check_cells(work: CellsCheck, services: Services, emit: Emit) -> None:
    """Read cells of one table, and their handles by the hundred; emits all outcomes together."""
    emit(await _cell_outcomes(work, services.catalog))


async def check_bytes(check: BytesCheck, services: Services, emit: Emit) -> None:
    """Read one object to its end and hash it. One call, and the bytes."""
    try:
        emit(judge_again(check, await services.reader.md5_of(check.association)))
    except NotFound as error:
        emit(BytesDiffer(copy_id=check.copy_id, detail=error.what))
    except RestError as error:
        emit(BytesUnread(copy_id=check.copy_id, reason=_reason(error), detail=error.what))


async def _file_outcome(check: PlaceCheck, place: FileVersion | TableCell, catalog: Catalog) -> PlaceOutcome:
    if isinstance(place, TableCell):
        raise TypeError("cells are read by table, not one by one")
    try:
        found = await catalog.file(place.entity_id, version=place.version)
        if found.handle_id is not None and found.handle_id != check.handle:
            return _refers_to(check, found.handle_id)
        if found.handle is not None:
            return compare(check.work, HandleAnswer(handle_id=check.handle, handle=found.handle))
        # the bundle shows no handle to those who may not download; a batch says whether that is so
        (answer,) = await catalog.handles([check.work.association])
        return compare(check.work, answer)
    except NotFound:
        return _gone(check, f"version {place.version} is gone")
    except RestError as error:
        return VerifyFailed(item_id=check.item_id, reason=_reason(error), detail=error.what)


async def _cell_outcomes(work: CellsCheck, catalog: Catalog) -> tuple[PlaceOutcome, ...]:
    reader = CellReader(work.table_id, catalog)
    cells = [check.place for check in work.checks if isinstance(check.place, TableCell)]
    try:
        rows = await reader.rows(cells)
        moved = {
            check.item_id: _moved(check, cell, rows, reader) for check, cell in zip(work.checks, cells, strict=True)
        }
        standing = [check for check in work.checks if moved[check.item_id] is None]
        answers = await _answers(standing, catalog)
    except NotFound:
        return tuple(_gone(check, "the table is gone") for check in work.checks)
    except RestError as error:
        return tuple(
            VerifyFailed(item_id=check.item_id, reason=_reason(error), detail=error.what) for check in work.checks
        )
    return tuple(moved[check.item_id] or compare(check.work, answers[check.handle]) for check in work.checks)


async def _answers(checks: Sequence[PlaceCheck], catalog: Catalog) -> dict[FileHandleId, HandleAnswer]:
    """Each distinct handle once, however many cells hold it."""
    associations = {check.handle: check.work.association for check in checks}
    shown = await catalog.handles(list(associations.values())) if associations else ()
    return dict(zip(associations, shown, strict=True))


def _moved(check: PlaceCheck, cell: TableCell, rows: dict[int, Row], reader: CellReader) -> Drifted | None:
    """Why the cell does not refer to its new handle; None when it does."""
    if not reader.has_column(cell.column_id):
        return _gone(check, f"column {cell.column_id} is not in the table any more")
    row = rows.get(cell.row_id)
    if row is None:
        return _gone(check, f"row {cell.row_id} is gone")
    held = row[cell.column_id]
    return None if held == check.handle else _refers_to(check, held)


def _refers_to(check: PlaceCheck, held: FileHandleId | None) -> Drifted:
    return Drifted(
        item_id=check.item_id,
        reason=ReasonCode.HANDLE_CHANGED,
        detail=f"was migrated to handle {check.handle}, refers to {held or 'nothing'} now",
    )


def _gone(check: PlaceCheck, detail: str) -> Drifted:
    return Drifted(item_id=check.item_id, reason=ReasonCode.GONE, detail=detail)


def _reason(error: RestError) -> ReasonCode:
    """Why something could not be read."""
    if isinstance(error, ServerFault):
        return ReasonCode.SERVICE_FAULT
    return ReasonCode.NO_READ_ACCESS if isinstance(error, Forbidden) else ReasonCode.REFUSED
