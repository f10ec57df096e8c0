"""The tables of the small Synapse: what every cell must hold, and every write held against it."""

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.handles import FileHandle
from storage_core.model.ids import ColumnId, EntityId, FileHandleId
from storage_core.model.tables import CellChange, FileColumn, FileRows, RowReference, RowWindow, TableVersion
from storage_core.testing.fake_tables import FakeTable, FakeTables

T = TypeVar("T")

Cell = tuple[EntityId, int, ColumnId]


class WatchedTables(FakeTables):
    """Beside files: tables that people edit, each call between two boundaries.

    Synapse has no guard for a cell: whoever writes between our reading and our writing is overwritten by any client
    (contract 9.7). So nobody edits there; everywhere else they may.

    Attributes:
        cells: the MD5 of the bytes that each cell must have, None for an empty one, as its owner left it.
    """

    containers: dict[EntityId, list[EntityHeader]]
    violations: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.cells: dict[Cell, str | None] = {}
        self._written: set[EntityId] = set()
        self._next_row = 100

    def upload(self, *, like: FileHandleId | None = None) -> FileHandleId:
        """Somebody uploads bytes."""
        raise NotImplementedError

    def md5_behind(self, handle_id: FileHandleId) -> str:
        """The MD5 of the bytes that are really there."""
        raise NotImplementedError

    async def between(self, call: Coroutine[Any, Any, T], *, is_racing: str = "") -> T:
        """A call between two boundaries; nobody edits at those that *is_racing* names: "before", "after"."""
        raise NotImplementedError

    # ------------------------------------------------------------------ what people do

    def create_table(self, root: EntityId, number: int, rows: Sequence[Sequence[FileHandleId | None]]) -> None:
        """Somebody makes a table of two file columns."""
        table_id = EntityId(f"syn{number}")
        columns = [f"{number}1", f"{number}2"]
        self.add_table(table_id, columns, dict(enumerate(rows, start=1)))
        self.containers[root].append(EntityHeader(id=table_id, name=table_id, kind=EntityKind.TABLE))
        for row_id, handles in enumerate(rows, start=1):
            for column, handle_id in zip(columns, handles, strict=True):
                self._is_left(table_id, row_id, ColumnId(column), handle_id)

    def edit_cell(self, cell: Cell, *, is_emptied: bool = False) -> None:
        """Somebody puts other bytes into a cell, or none."""
        table_id, row_id, column = cell
        table = self.tables[table_id]
        handle_id = None if is_emptied else self.upload()
        table.rows[row_id][column] = handle_id
        table.version += 1
        self._is_left(table_id, row_id, column, handle_id)

    def add_row(self, table_id: EntityId) -> None:
        """Somebody adds a row with one file."""
        self._next_row += 1
        table = self.tables[table_id]
        table.rows[self._next_row] = dict.fromkeys(table.columns)
        for column in table.columns:
            self._is_left(table_id, self._next_row, column, None)
        if table.columns:
            self.edit_cell((table_id, self._next_row, next(iter(table.columns))))

    def delete_row(self, table_id: EntityId, row_id: int) -> None:
        """Somebody deletes a row."""
        del self.tables[table_id].rows[row_id]
        self.cells = {cell: md5 for cell, md5 in self.cells.items() if cell[:2] != (table_id, row_id)}

    def drop_column(self, table_id: EntityId, column: ColumnId) -> None:
        """Somebody drops a column."""
        table = self.tables[table_id]
        del table.columns[column]
        for row in table.rows.values():
            row.pop(column, None)
        self.cells = {cell: md5 for cell, md5 in self.cells.items() if (cell[0], cell[2]) != (table_id, column)}

    def delete_table(self, table_id: EntityId) -> None:
        """Somebody throws a table away."""
        del self.tables[table_id]
        for listed in self.containers.values():
            listed[:] = [child for child in listed if child.id != table_id]
        self.cells = {cell: md5 for cell, md5 in self.cells.items() if cell[0] != table_id}

    def _is_left(self, table_id: EntityId, row_id: int, column: ColumnId, handle_id: FileHandleId | None) -> None:
        self.cells[table_id, row_id, column] = None if handle_id is None else self.md5_behind(handle_id)

    # ------------------------------------------------------------------ what we do

    async def file_columns(self, table_id: EntityId) -> tuple[FileColumn, ...]:
        """See ports.TableCatalog."""
        return await self.between(super().file_columns(table_id))

    async def file_rows(self, table_id: EntityId, columns: Sequence[FileColumn], window: RowWindow) -> FileRows:
        """See ports.TableCatalog; what is read may be written to next."""
        return await self.between(super().file_rows(table_id, columns, window), is_racing="after")

    async def cell_handles(
        self, table_id: EntityId, columns: Sequence[FileColumn], rows: Sequence[RowReference]
    ) -> tuple[FileHandle, ...]:
        """See ports.TableCatalog."""
        return await self.between(super().cell_handles(table_id, columns, rows))

    async def change_cells(self, table_id: EntityId, changes: Sequence[CellChange]) -> None:
        """See ports.TableCatalog; each cell that is changed is held against what it held."""
        table = self.tables.get(table_id)
        before = _held(table, changes)
        try:
            await self.between(super().change_cells(table_id, changes), is_racing="before")
        finally:
            self._check_cells(table_id, before, _held(table, changes))

    async def table_versions(self, table_id: EntityId) -> tuple[TableVersion, ...]:
        """See ports.TableCatalog."""
        return await self.between(super().table_versions(table_id))

    async def snapshot_table(self, table_id: EntityId, *, label: str, comment: str) -> int:
        """See ports.TableCatalog; a table is frozen once, and before it is changed."""
        table = self.tables.get(table_id)
        before = len(table.snapshots) if table else 0
        try:
            return await self.between(super().snapshot_table(table_id, label=label, comment=comment))
        finally:
            if table is not None and len(table.snapshots) > before:
                self._check_frozen(table, comment)

    def _check_cells(self, table_id: EntityId, before: dict[Cell, Any], after: dict[Cell, Any]) -> None:
        changed = {cell: (was, after.get(cell)) for cell, was in before.items() if after.get(cell) != was}
        if not changed:
            return
        if not self.tables[table_id].snapshots:
            self.violations.append(f"{table_id} was changed before it was frozen")
        self._written.add(table_id)
        for cell, (was, now) in changed.items():
            if was is None or now is None or self.md5_behind(now) != self.md5_behind(was):
                self.violations.append(f"{cell} held {was} and was given {now}, which has other bytes")

    def _check_frozen(self, table: FakeTable, comment: str) -> None:
        if table.id in self._written:
            self.violations.append(f"{table.id} was frozen after it was changed")
        if sum(one.comment == comment for one in table.snapshots) > 1:
            self.violations.append(f"{table.id} was frozen twice")

    # ------------------------------------------------------------------ what must be true at any time

    def broken_cells(self) -> list[str]:
        """Cells whose bytes are not those that their owner left there; rows and cells that came or went."""
        held = {
            (table.id, row_id, column): handle_id
            for table in self.tables.values()
            for row_id, row in table.rows.items()
            for column, handle_id in row.items()
        }
        wrong = [f"{cell} came or went by itself" for cell in held.keys() ^ self.cells.keys()]
        for cell in held.keys() & self.cells.keys():
            handle_id, md5 = held[cell], self.cells[cell]
            if (None if handle_id is None else self.md5_behind(handle_id)) != md5:
                wrong.append(f"{cell} holds {handle_id}, whose bytes are not what was left there")
        return wrong

    def in_cells(self) -> set[FileHandleId]:
        """The handles that cells refer to."""
        rows = [row for table in self.tables.values() for row in table.rows.values()]
        return {handle_id for row in rows for handle_id in row.values() if handle_id is not None}


def _held(table: FakeTable | None, changes: Sequence[CellChange]) -> dict[Cell, FileHandleId | None]:
    if table is None:
        return {}
    return {
        (table.id, one.row_id, one.column_id): table.rows[one.row_id].get(one.column_id)
        for one in changes
        if one.row_id in table.rows
    }
