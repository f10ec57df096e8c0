"""Tables: columns, rows, the handles in cells, changes of cells, snapshots (contract 9)."""

from collections.abc import Sequence
from urllib.parse import quote

from storage_core.model.handles import FileHandle
from storage_core.model.ids import ColumnId, EntityId
from storage_core.model.tables import CellChange, RowReference, TableColumn, TableVersion
from storage_core.ports.clock import Clock
from storage_core.synapse import wire_tables
from storage_core.synapse.calls import RestCall
from storage_core.synapse.endpoints.async_jobs import AsyncJobs
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_tables import CellsChanged, CsvResult, QueryPage


class Tables:
    """Run one transaction per table at a time (contract 9.9); this class does not look after that."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._jobs = AsyncJobs(transport, clock)

    async def columns(self, *, table_id: EntityId) -> tuple[TableColumn, ...]:
        """The columns, in one call that the column throttle does not touch (contract 9.1). Repeat-safe: it reads."""
        call = RestCall(
            method="POST", path=f"{_path(table_id)}/bundle2", body=wire_tables.table_bundle_request(), repeat_safe=True
        )
        return wire_tables.read_columns(await self._transport.send(call))

    async def query(
        self,
        *,
        table_id: EntityId,
        sql: str,
        limit: int | None = None,
        count: bool = False,
        page_size: bool = False,
    ) -> QueryPage:
        """One page of rows (contract 9.2): a start and one to three polls. Repeat-safe: it reads.

        Go on with ``WHERE ROW_ID > last ORDER BY ROW_ID`` (contract 9.3). BadRequest for a mistake in *sql*.
        """
        body = wire_tables.query_request(table_id, sql, limit=limit, count=count, page_size=page_size)
        answer = await self._jobs.run(path=f"{_path(table_id)}/table/query/async", body=body, repeat_safe=True)
        return wire_tables.read_page(answer)

    async def csv(self, *, table_id: EntityId, sql: str) -> CsvResult:
        """All rows as a CSV file of the caller's own (contract 9.5): about four calls. Repeat-safe: it reads."""
        body = wire_tables.csv_request(table_id, sql)
        path = f"{_path(table_id)}/table/download/csv/async"
        return wire_tables.read_csv(await self._jobs.run(path=path, body=body, repeat_safe=True))

    async def row_handles(
        self, *, table_id: EntityId, columns: Sequence[ColumnId], rows: Sequence[RowReference]
    ) -> tuple[FileHandle, ...]:
        """The handles in cells, each once, up to about 40,000 rows in one call (contract 9.6). Repeat-safe: it reads.

        The service allows this call once a second. Match by handle id: rows that are gone are left out.
        """
        body = wire_tables.row_handles_request(table_id, columns, rows)
        call = RestCall(method="POST", path=f"{_path(table_id)}/table/filehandles", body=body, repeat_safe=True)
        # a table that is being rebuilt answers 202 and its status (contract 9.9)
        return wire_tables.read_row_handles(await self._jobs.until_ready(call=call))

    async def change_cells(
        self, *, table_id: EntityId, changes: Sequence[CellChange], snapshot_comment: str | None = None
    ) -> CellsChanged:
        """Write cells in one transaction (contract 9.7): a start and two to five polls.

        There is no guard: the last writer wins, so read the cells right before. Not repeat-safe, because a repeat
        would write over what somebody wrote in between: after `AnswerLost` read the cells. Forbidden when a handle
        is neither the caller's own nor in the table already.
        """
        body = wire_tables.change_request(table_id, changes, snapshot_comment=snapshot_comment)
        path = f"{_path(table_id)}/table/transaction/async"
        return wire_tables.read_changed(await self._jobs.run(path=path, body=body, repeat_safe=False))

    async def snapshot(self, *, table_id: EntityId, comment: str, label: str | None = None) -> int:
        """Freeze the present state as a version (contract 9.8); not repeat-safe.

        A repeat makes one more, unless it has a *label*: then it is BadRequest when the first one was carried out.
        """
        body = wire_tables.snapshot_request(comment, label)
        call = RestCall(method="POST", path=f"{_path(table_id)}/table/snapshot", body=body, repeat_safe=False)
        return wire_tables.read_snapshot(await self._transport.send(call))

    async def versions_page(self, *, table_id: EntityId, offset: int, limit: int) -> tuple[TableVersion, ...]:
        """Frozen versions, newest first; the service sets no highest limit (contract 6.3). Repeat-safe: it reads."""
        query = (("offset", str(offset)), ("limit", str(limit)))
        call = RestCall(method="GET", path=f"{_path(table_id)}/version", query=query, repeat_safe=True)
        return wire_tables.read_versions(await self._transport.send(call), table_id)


def _path(table_id: EntityId) -> str:
    return f"/entity/{quote(table_id, safe='')}"
