"""The half of the fake Synapse that is about tables: rows by id, transactions, frozen versions, refusals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from storage_core.errors import AnswerLost, BadRequest, Forbidden, NotFound, RestError, ServerFault
from storage_core.model.handles import FileHandle
from storage_core.model.ids import ColumnId, EntityId, FileHandleId
from storage_core.model.tables import CellChange, FileColumn, FileRow, FileRows, RowReference, RowWindow, TableVersion

_Cells = dict[ColumnId, FileHandleId | None]


@dataclass(slots=True)
class FakeTable:
    """One table.

    Attributes:
        rows: what is in the file columns, by row id.
        most_rows: the service's own page size.
        transactions: how many cells each acknowledged or lost transaction wrote.
        labels: of the frozen versions; none can be taken twice.
        late: labels and comments of versions that are made only when somebody writes next, their answers lost.
    """

    id: EntityId
    columns: dict[ColumnId, FileColumn]
    rows: dict[int, _Cells]
    most_rows: int = 100_000
    version: int = 1
    snapshots: list[TableVersion] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    late: list[tuple[str, str]] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)

    def held(self, row_id: int, column: str) -> FileHandleId | None:
        """What a cell holds."""
        return self.rows[row_id][ColumnId(column)]

    def freeze(self, label: str, comment: str) -> int | None:
        """Make a version with this label; its number, or None when there is one."""
        if label in self.labels:
            return None
        self.labels.add(label)
        number = len(self.snapshots) + 1
        self.snapshots.append(TableVersion(table_id=self.id, number=number, comment=comment))
        return number

    def carry_out_late(self) -> None:
        """What nobody waits for any more is done after all."""
        for label, comment in self.late:
            self.freeze(label, comment)
        self.late.clear()

    def put(self, row_id: int, column: str, handle_id: str) -> None:
        """Somebody writes a cell."""
        self.rows[row_id][ColumnId(column)] = FileHandleId(handle_id)


class FakeTables:
    """Implements `ports.tables.TableCatalog`.

    Attributes:
        foreign: handles that are neither the caller's nor in a table; writing them is refused.
        hidden_handles: handles that the bulk read leaves out.
        table_trouble: what happens to the next transactions or snapshots, in order: 'lost before', 'lost after',
            'forbidden', 'bad', 'fault'; an empty text is none. A snapshot may be 'late': lost, and made when somebody
            writes next; a transaction is then made at once.
        on_read, on_write: called with the table after each reading, before each transaction is applied.
    """

    def __init__(self) -> None:
        self.tables: dict[EntityId, FakeTable] = {}
        self.calls: dict[str, int] = {}
        self.handle_records: dict[FileHandleId, FileHandle] = {}
        self.foreign: set[FileHandleId] = set()
        self.hidden_handles: set[FileHandleId] = set()
        self.table_trouble: list[str] = []
        self.on_read: Callable[[FakeTable], None] = lambda _: None
        self.on_write: Callable[[FakeTable], None] = lambda _: None

    def add_table(self, table_id: str, columns: Sequence[str], rows: dict[int, Sequence[str | None]]) -> FakeTable:
        """Make a table with these file columns (ids; the names are "name of" them) and rows."""
        ids = [ColumnId(column) for column in columns]
        table = FakeTable(
            id=EntityId(table_id),
            columns={column: FileColumn(id=column, name=f"name of {column}") for column in ids},
            rows={
                row_id: dict(zip(ids, (FileHandleId(one) if one else None for one in cells), strict=True))
                for row_id, cells in rows.items()
            },
        )
        self.tables[table.id] = table
        return table

    async def file_columns(self, table_id: EntityId) -> tuple[FileColumn, ...]:
        """The columns as they are now."""
        self._count("file_columns")
        return tuple(self._table(table_id).columns.values())

    async def file_rows(self, table_id: EntityId, columns: Sequence[FileColumn], window: RowWindow) -> FileRows:
        """A page, never larger than the service's own size."""
        self._count("file_rows")
        table = self._table(table_id)
        if any(column.id not in table.columns for column in columns):
            raise _error(BadRequest, 400)
        until = max(table.rows, default=0) if window.until is None else window.until
        found = [row_id for row_id in sorted(table.rows) if window.after < row_id <= until]
        limit = min(window.limit, table.most_rows)
        page = tuple(
            FileRow(
                row_id=row_id,
                version=table.version,
                handles=tuple(table.rows[row_id].get(column.id) for column in columns),
            )
            for row_id in found[:limit]
        )
        self.on_read(table)
        return FileRows(rows=page, is_complete=len(page) < limit)

    async def cell_handles(
        self, table_id: EntityId, columns: Sequence[FileColumn], rows: Sequence[RowReference]
    ) -> tuple[FileHandle, ...]:
        """Every handle that exists and is not hidden."""
        self._count("cell_handles")
        table = self._table(table_id)
        ids = {table.rows[row.row_id].get(column.id) for row in rows for column in columns if row.row_id in table.rows}
        return tuple(
            handle for key, handle in self.handle_records.items() if key in ids and key not in self.hidden_handles
        )

    async def change_cells(self, table_id: EntityId, changes: Sequence[CellChange]) -> None:
        """All or nothing; the last writer wins."""
        self._count("change_cells")
        table = self._table(table_id)
        self.on_write(table)
        trouble = self._take_trouble()
        refused = {change.handle_id for change in changes} & self.foreign
        if refused or trouble == "forbidden":
            raise _error(Forbidden, 403, f"not yours: {', '.join(sorted(refused))}")
        if any(change.row_id not in table.rows or change.column_id not in table.columns for change in changes):
            raise _error(BadRequest, 400)
        for change in changes:
            table.rows[change.row_id][change.column_id] = change.handle_id
        table.version += 1
        table.carry_out_late()
        table.transactions.append(len(changes))
        if trouble == "lost after":
            raise _error(AnswerLost, 504)

    async def table_versions(self, table_id: EntityId) -> tuple[TableVersion, ...]:
        """Newest first."""
        self._count("table_versions")
        return tuple(reversed(self._table(table_id).snapshots))

    async def snapshot_table(self, table_id: EntityId, *, label: str, comment: str) -> int:
        """One more version, unless the label is taken."""
        self._count("snapshot_table")
        table = self._table(table_id)
        trouble = self._take_trouble()
        if trouble == "forbidden":
            raise _error(Forbidden, 403)
        if trouble == "late":
            table.late.append((label, comment))
            raise _error(AnswerLost, 504)
        number = table.freeze(label, comment)
        table.carry_out_late()
        if number is None:
            raise _error(BadRequest, 400)
        if trouble == "lost after":
            raise _error(AnswerLost, 504)
        return number

    def _table(self, table_id: EntityId) -> FakeTable:
        if table_id not in self.tables:
            raise _error(NotFound, 404)
        return self.tables[table_id]

    def _take_trouble(self) -> str:
        """The next trouble; raises those that happen before anything else does."""
        trouble = self.table_trouble.pop(0) if self.table_trouble else ""
        before: dict[str, tuple[type[RestError], int]] = {
            "lost before": (AnswerLost, 504),
            "bad": (BadRequest, 400),
            "fault": (ServerFault, 500),
        }
        if trouble in before:
            raise _error(*before[trouble])
        return trouble

    def _count(self, method: str, calls: int = 1) -> None:
        self.calls[method] = self.calls.get(method, 0) + calls


def _error(kind: type[RestError], status: int, reason: str = "as planned") -> RestError:
    return kind(call="FAKE /table", status=status, reason=reason)
