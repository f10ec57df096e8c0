"""Tables with files in their cells: columns, rows, changes of cells, frozen versions (contract 9)."""

from dataclasses import dataclass

from storage_core.model.ids import ColumnId, EntityId, FileHandleId


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column; `id` is None for a column that a query made up."""

    id: ColumnId | None
    name: str
    column_type: str

    @property
    def holds_file_handles(self) -> bool:
        """Whether its cells are file handle ids."""
        return self.column_type == "FILEHANDLEID"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """A column of file handles, as the table has it now."""

    id: ColumnId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of a query. `values` are texts or None, in the order of the columns; `etag` is of a view's entity."""

    row_id: int | None
    version: int | None
    values: tuple[str | None, ...]
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One row as far as its files go: a handle, or None for an empty cell, per column that was asked for."""

    row_id: int
    version: int
    handles: tuple[FileHandleId | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWindow:
    """Rows to be read: ids above `after`, up to and including `until` (None: to the end), at most `limit`."""

    after: int
    until: int | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """Rows of a window in the order of their ids; `is_complete` when the window holds no more."""

    rows: tuple[FileRow, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReference:
    """A row at a version of it."""

    row_id: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """A new handle for one cell of an existing row."""

    row_id: int
    column_id: ColumnId
    handle_id: FileHandleId


@dataclass(frozen=True, slots=True, kw_only=True)
class TableVersion:
    """A frozen version of a table."""

    table_id: EntityId
    number: int
    comment: str | None
