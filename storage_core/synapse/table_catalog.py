"""The half of `ports.catalog.Catalog` that is about tables with files in their cells (contract 9)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.tables import (
    CellChange,
    FileColumn,
    FileRow,
    FileRows,
    RowReference,
    RowWindow,
    TableRow,
    TableVersion,
)
from storage_core.ports.clock import Clock
from storage_core.synapse.endpoints.tables import Tables
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_fields import nonsense
from storage_core.synapse.wire_tables import file_rows_sql

_BETWEEN_HANDLE_READS = timedelta(seconds=1)
_VERSIONS_PER_PAGE = 1000


class SynapseTableCatalog:
    """See ports.Catalog. One transaction per table at a time is the caller's business (contract 9.9)."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._tables = Tables(transport, clock)
        self._clock = clock
        self._handle_reads = asyncio.Lock()
        self._next_handle_read: datetime | None = None

    async def file_columns(self, table_id: EntityId) -> tuple[FileColumn, ...]:
        """The columns that hold files. One call."""
        columns = await self._tables.columns(table_id=table_id)
        return tuple(
            FileColumn(id=column.id, name=column.name)
            for column in columns
            if column.holds_file_handles and column.id is not None
        )

    async def file_rows(self, table_id: EntityId, columns: Sequence[FileColumn], window: RowWindow) -> FileRows:
        """Rows of the window: a start and one to three polls."""
        sql = file_rows_sql(table_id, columns, window)
        page = await self._tables.query(table_id=table_id, sql=sql, page_size=True)
        # the service cuts an answer at its own page size, whatever limit was asked for (contract 9.3)
        full_page = min(window.limit, page.rows_per_page or window.limit)
        return FileRows(rows=tuple(_file_row(row) for row in page.rows), is_complete=len(page.rows) < full_page)

    async def cell_handles(
        self, table_id: EntityId, columns: Sequence[FileColumn], rows: Sequence[RowReference]
    ) -> tuple[FileHandle, ...]:
        """The handles in the cells of these rows, each once. One call, at most one a second (contract 9.6)."""
        async with self._handle_reads:
            now = self._clock.now()
            begin = max(now, self._next_handle_read or now)
            self._next_handle_read = begin + _BETWEEN_HANDLE_READS
            if begin > now:
                await self._clock.sleep((begin - now).total_seconds())
        return await self._tables.row_handles(table_id=table_id, columns=[column.id for column in columns], rows=rows)

    async def change_cells(self, table_id: EntityId, changes: Sequence[CellChange]) -> None:
        """Write cells in one transaction: a start and two to five polls. AnswerLost: read the cells, then decide."""
        await self._tables.change_cells(table_id=table_id, changes=changes)

    async def table_versions(self, table_id: EntityId) -> tuple[TableVersion, ...]:
        """The frozen versions, newest first. One call per 1,000."""
        found: list[TableVersion] = []
        while True:
            page = await self._tables.versions_page(table_id=table_id, offset=len(found), limit=_VERSIONS_PER_PAGE)
            found += page
            if len(page) < _VERSIONS_PER_PAGE:
                return tuple(found)

    async def snapshot_table(self, table_id: EntityId, *, label: str, comment: str) -> int:
        """Freeze the present state as a version. One call. BadRequest when the label is taken (contract 9.8)."""
        return await self._tables.snapshot(table_id=table_id, label=label, comment=comment)


def _file_row(row: TableRow) -> FileRow:
    if row.row_id is None or row.version is None:
        raise nonsense("table query", "a row has no id or no version")
    return FileRow(
        row_id=row.row_id,
        version=row.version,
        handles=tuple(FileHandleId(value) if value else None for value in row.values),
    )
