"""Places: where a file handle is, or will be, referenced."""

from dataclasses import dataclass

from storage_core.model.ids import ColumnId, EntityId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVersion:
    """An existing version of a file entity; its handle is changed in place (strategies latest and all)."""

    entity_id: EntityId
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version that does not exist yet; it will be added on top of ``current_version`` (strategy new)."""

    entity_id: EntityId
    current_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCell:
    """One cell of a FILEHANDLEID column; ``row_version`` is the row's version when it was indexed."""

    table_id: EntityId
    row_id: int
    column_id: ColumnId
    row_version: int


Place = FileVersion | NewVersion | TableCell
