"""The rows of one table, and a draft of changes to them that is taken over as a whole or not at all (contract 9.7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.synapse.columns import Column, ColumnType
from sandbox.synapse.http import Refused

if TYPE_CHECKING:
    from sandbox.synapse.world import World

MOST_CHANGES = 45_000
Cells = Mapping[str, str | None]
"""Column id to value. What a stored row does not name is null."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the table version of its last change, and its cells, never altered."""

    version: int
    cells: Cells


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a snapshot keeps: columns and rows as they were."""

    columns: tuple[Column, ...]
    rows: Mapping[int, Row]


@dataclass(slots=True)
class TableContent:
    """The rows of one table, its snapshots, and every handle that ever was in it.

    Attributes:
        column_ids: the schema that the rows were last brought in line with.
        etags: each etag the table ever had, with the change version it stood for.
        deleted: row ids that are gone, with the change version that removed them.
        dirty: row ids changed since the query engine last looked; None when it must look at everything.
    """

    etag: str
    column_ids: tuple[str, ...] = ()
    rows: dict[int, Row] = field(default_factory=dict)
    last_row_id: int = 0
    change_version: int = 0
    etags: dict[str, int] = field(default_factory=dict)
    deleted: dict[int, int] = field(default_factory=dict)
    handle_ids: set[str] = field(default_factory=set)
    snapshots: dict[int, Frozen] = field(default_factory=dict)
    dirty: set[int] | None = None

    @property
    def has_had_rows(self) -> bool:
        """Whether any row was ever written."""
        return self.last_row_id > 0

    def version_of_change(self, row_id: int) -> int | None:
        """The version of the row's last change, its removal included; None when there never was such a row."""
        row = self.rows.get(row_id)
        return row.version if row else self.deleted.get(row_id)

    def drop_columns(self, column_ids: tuple[str, ...]) -> None:
        """Follow a schema that was changed through the entity: cells of removed columns are lost."""
        gone = set(self.column_ids) - set(column_ids)
        if gone:
            self.rows = {row_id: _without(row, gone) for row_id, row in self.rows.items()}
        self.column_ids = column_ids
        self.dirty = None


def _without(row: Row, gone: set[str]) -> Row:
    return Row(row.version, {column_id: value for column_id, value in row.cells.items() if column_id not in gone})


class Draft:
    """Changes of one transaction. Nothing shows in the table before `commit`."""

    def __init__(self, content: TableContent, columns: tuple[Column, ...]) -> None:
        if content.change_version >= MOST_CHANGES:
            raise Refused(400, f"The table has reached the limit of {MOST_CHANGES} changes")
        self.content = content
        self.version = content.change_version + 1
        self.handle_ids: set[str] = set()
        self.last_row_id = content.last_row_id
        self.search_enabled: bool | None = None
        self._changed: dict[int, Row | None] = {}
        self._is_schema_changed = False
        self.set_schema(columns)
        self._is_schema_changed = False

    @property
    def is_schema_changed(self) -> bool:
        """Whether the columns are not those of the beginning."""
        return self._is_schema_changed

    def set_schema(self, columns: tuple[Column, ...]) -> None:
        """Go on with these columns."""
        self._is_schema_changed = True
        self.columns = columns
        self.by_id = {column.id: column for column in columns}
        self._file_columns = [column.id for column in columns if column.type is ColumnType.FILEHANDLEID]
        self._defaults = {column.id: column.default_value for column in columns if column.default_value is not None}

    def row(self, row_id: int) -> Row | None:
        """The row as it would be after the changes so far."""
        if row_id in self._changed:
            return self._changed[row_id]
        return self.content.rows.get(row_id)

    def row_ids(self) -> list[int]:
        """The rows there would be."""
        return [row_id for row_id in {**self.content.rows, **self._changed} if self.row(row_id) is not None]

    def insert(self, cells: Cells) -> int:
        """A new row, with the columns' defaults where *cells* says nothing; its id."""
        self.last_row_id += 1
        self._put(self.last_row_id, {**self._defaults, **cells}, cells)
        return self.last_row_id

    def update(self, row_id: int, cells: Cells) -> None:
        """Change these cells of a row; refuses with 400 when there is no such row."""
        row = self.row(row_id)
        if row is None:
            raise Refused(400, f"Row: {row_id} does not exist")
        self._put(row_id, {**row.cells, **cells}, cells)

    def delete(self, row_id: int) -> None:
        """Remove a row; refuses with 400 when there is no such row."""
        if self.row(row_id) is None:
            raise Refused(400, f"Row: {row_id} does not exist")
        self._changed[row_id] = None

    def require_unchanged_since(self, read: Mapping[int, int], etag: str | None) -> None:
        """Refuse with 412 when one of these rows was changed after they were read.

        The highest version that was read counts for all of them, and so does that of the etag (contract 9.7).
        """
        limit = max([*read.values(), self.content.etags.get(etag or "", 0)], default=0)
        for row_id in read:
            now = self.content.version_of_change(row_id)
            if row_id in self._changed or (now is not None and now > limit):
                raise Refused(412, f"Row id: {row_id} has been changed since last read. Please get the latest value.")

    def rewrite(self, row_id: int, cells: Cells) -> None:
        """Replace the cells without counting it as a change of the row, as a change of schema does."""
        row = self.row(row_id)
        if row is not None:
            self._changed[row_id] = Row(row.version, cells)

    def commit(self, world: "World") -> None:
        """Take all changes over; a draft without any leaves the table as it is."""
        if not self._changed and not self._is_schema_changed:
            return
        content = self.content
        for row_id, row in self._changed.items():
            if row is None:
                content.rows.pop(row_id, None)
                content.deleted[row_id] = self.version
            else:
                content.rows[row_id] = row
        if self._is_schema_changed:
            content.drop_columns(tuple(column.id for column in self.columns))
        elif content.dirty is not None:
            content.dirty.update(self._changed)
        content.last_row_id = self.last_row_id
        content.change_version = self.version
        content.handle_ids |= self.handle_ids
        content.etag = world.ids.uuid()
        content.etags[content.etag] = self.version

    def _put(self, row_id: int, cells: Cells, named: Cells) -> None:
        for column_id in self._file_columns:
            handle_id = named.get(column_id)
            if handle_id is not None:
                self.handle_ids.add(handle_id)
        self._changed[row_id] = Row(self.version, cells)
