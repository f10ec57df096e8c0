"""Phase describe tables: read the cells that hold files, page by page."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from storage_core.errors import BadRequest, Forbidden, NotFound, RestError
from storage_core.model.handles import Association, AssociationKind, HandleAnswer
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus, ReasonCode
from storage_core.model.places import TableCell
from storage_core.model.tables import FileColumn, FileRow, RowReference, RowWindow
from storage_core.model.works import Described, FoundEntity, LookFailed, TableDescribed, TablePage
from storage_core.plan.cells import rows_per_page
from storage_core.plan.selecting import judge_cell
from storage_core.ports.catalog import Catalog
from storage_core.steps.services import Emit, Services
from storage_core.steps.walking import look_failed

_BATCHES_BEFORE_BULK = 3
"""A read of whole rows shows any number of handles for one call, but only once a second; so up to three batches of
a hundred are better (contract 9.6)."""

_PER_BATCH = 100


async def describe_table(found: FoundEntity, services: Services, emit: Emit) -> None:
    """Read all cells of one table; when that does not succeed to the end, the table counts as not read at all."""
    try:
        columns = await services.catalog.file_columns(found.entity_id)
        if columns:
            await _read_cells(found, columns, services, emit)
        else:
            emit(_without_files(found, "it has no column for files"))
    except NotFound:
        gone = IndexedItem(facts=_table_facts(found), status=ItemStatus.SKIPPED, reason=ReasonCode.GONE)
        emit(Described(seq=found.seq, entity_id=found.entity_id, items=(gone,)))
    except RestError as error:
        emit(look_failed(found, error))


async def _read_cells(found: FoundEntity, columns: Sequence[FileColumn], services: Services, emit: Emit) -> None:
    number = cells = 0
    try:
        async for rows in _pages(found.entity_id, columns, services.catalog):
            items = await _items(found, columns, rows, services)
            if items:
                number, cells = number + 1, cells + len(items)
                emit(TablePage(seq=found.seq, table_id=found.entity_id, number=number, items=items))
            if services.stop.is_set():
                return
    except Forbidden as error:
        # the columns could be read, so what is missing is the right to download (contract 9.2)
        emit(_not_downloadable(found, error))
        return
    if cells:
        emit(TableDescribed(seq=found.seq, table_id=found.entity_id, cells=cells))
    else:
        emit(_without_files(found, "none of its cells holds a file"))


async def _pages(
    table_id: EntityId, columns: Sequence[FileColumn], catalog: Catalog
) -> AsyncIterator[tuple[FileRow, ...]]:
    """All rows, by row id: rows that come or go meanwhile shift nothing (contract 9.3)."""
    after = -1
    while True:
        window = RowWindow(after=after, until=None, limit=rows_per_page(len(columns)))
        page = await catalog.file_rows(table_id, columns, window)
        yield page.rows
        if page.is_complete or not page.rows:
            return
        after = page.rows[-1].row_id


async def _items(
    found: FoundEntity, columns: Sequence[FileColumn], rows: Sequence[FileRow], services: Services
) -> tuple[IndexedItem, ...]:
    """The verdict on every cell with a file, row by row."""
    answers = await _answers(found.entity_id, columns, rows, services.catalog)
    items: list[IndexedItem] = []
    for row in rows:
        for column, handle_id in zip(columns, row.handles, strict=True):
            if handle_id is not None:
                answer = answers[handle_id]
                facts = _cell_facts(found, column, row, answer)
                items.append(judge_cell(facts, answer.refusal, services.settings))
    return tuple(items)


async def _answers(
    table_id: EntityId, columns: Sequence[FileColumn], rows: Sequence[FileRow], catalog: Catalog
) -> dict[FileHandleId, HandleAnswer]:
    """What Synapse shows of each distinct handle: in bulk where that is less work, the rest by the hundred."""
    wanted = dict.fromkeys(handle_id for row in rows for handle_id in row.handles if handle_id is not None)
    answers: dict[FileHandleId, HandleAnswer] = {}
    if len(wanted) > _BATCHES_BEFORE_BULK * _PER_BATCH:
        answers = await _in_bulk(table_id, columns, rows, catalog)
    missing = [handle_id for handle_id in wanted if handle_id not in answers]
    associations = [Association(handle_id=one, object_id=table_id, kind=AssociationKind.TABLE) for one in missing]
    shown = await catalog.handles(associations) if associations else ()
    return answers | dict(zip(missing, shown, strict=True))


async def _in_bulk(
    table_id: EntityId, columns: Sequence[FileColumn], rows: Sequence[FileRow], catalog: Catalog
) -> dict[FileHandleId, HandleAnswer]:
    """Handles of whole rows. What is not among them, also because all was refused, is asked for singly later."""
    references = [RowReference(row_id=row.row_id, version=row.version) for row in rows if any(row.handles)]
    try:
        handles = await catalog.cell_handles(table_id, columns, references)
    except (BadRequest, NotFound):
        return {}
    return {handle.id: HandleAnswer(handle_id=handle.id, handle=handle) for handle in handles}


def _cell_facts(found: FoundEntity, column: FileColumn, row: FileRow, answer: HandleAnswer) -> ItemFacts:
    return replace(
        _table_facts(found),
        place=TableCell(table_id=found.entity_id, row_id=row.row_id, column_id=column.id, row_version=row.version),
        handle_id=answer.handle_id,
        handle=answer.handle,
        column_name=column.name,
    )


def _table_facts(found: FoundEntity) -> ItemFacts:
    return ItemFacts(entity_id=found.entity_id, parent_id=found.parent_id, name=found.name, place=None)


def _without_files(found: FoundEntity, why: str) -> Described:
    item = IndexedItem(
        facts=_table_facts(found), status=ItemStatus.SKIPPED, reason=ReasonCode.NO_FILE_HANDLE, detail=why
    )
    return Described(seq=found.seq, entity_id=found.entity_id, items=(item,))


def _not_downloadable(found: FoundEntity, error: RestError) -> LookFailed:
    return replace(look_failed(found, error), reason=ReasonCode.NO_DOWNLOAD_ACCESS)
