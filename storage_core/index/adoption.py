"""Reading an index of the existing client; the only home of sqlite3.

The old file is never opened by SQLite itself: even reading may write, when a killed client left a journal to be rolled
back. A copy of the file and of its journal is opened instead, so the old client can go on with the old file, unchanged
to the last byte.
"""

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage_core.errors import IndexUnusable, UsageError
from storage_core.model.adoptions import Adoption, Maker, OldKind, OldRow, OldStatus
from storage_core.model.ids import ColumnId, FileHandleId, parse_entity_id, parse_storage_location_id
from storage_core.model.settings import MigrationSettings
from storage_core.plan.adopting import adopt, settings_of

_SQLITE_MAGIC = b"SQLite format 3\x00"
_JOURNALS = ("-journal", "-wal")
_BLOCK_BYTES = 1 << 20

_COLUMNS = "id, type, version, row_id, col_id, status, from_storage_location_id, from_file_handle_id, to_file_handle_id"

_ROWS = f"select rowid, {_COLUMNS}, file_size from migrations order by rowid"  # noqa: S608 - a constant

_NO_SUCH_INDEX = "Give the file that `synapse migrate` or index_files_for_migration made."


@dataclass(frozen=True, slots=True, kw_only=True)
class OldIndex:
    """What an old index holds, and the SHA-256 of the file it was read from."""

    adoption: Adoption
    sha256: str


def read_old_index(path: Path, *, room: Path) -> OldIndex:
    """Read an index that synapseclient made, and decide what of it to carry over. The file stays as it is.

    Args:
        room: a folder with room for a copy of the file.

    Raises:
        UsageError: no such file, or not readable.
        IndexUnusable: no index of synapseclient, a damaged one, or one that is being written to.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", fix="Check the path of the old index.")
    try:
        before = _sha256(path)
        with tempfile.TemporaryDirectory(dir=room, prefix="import-index-") as folder:
            copy = _copied(path, Path(folder))
            if _sha256(copy) != before or _sha256(path) != before:
                raise IndexUnusable(
                    f"{path} is being written to.", fix="Stop the program that uses it, then import again."
                )
            return OldIndex(adoption=_read(copy, path), sha256=before)
    except OSError as failure:
        raise UsageError(
            f"{path} cannot be read: {failure.strerror or failure}.", fix="Check its rights, and the room on the disk."
        ) from failure


def _copied(path: Path, folder: Path) -> Path:
    """The file and what SQLite keeps beside it, under the same names elsewhere."""
    for source in (path, *(path.with_name(path.name + journal) for journal in _JOURNALS)):
        if source.is_file():
            shutil.copyfile(source, folder / source.name)
    return folder / path.name


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            total.update(block)
    return total.hexdigest()


def _read(copy: Path, path: Path) -> Adoption:
    with copy.open("rb") as file:
        if file.read(len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
            raise _no_old_index(path, "it is not an SQLite file")
    try:
        with closing(sqlite3.connect(copy)) as connection:
            maker = _maker(connection, path)
            return adopt(_settings(connection, path), maker, _rows(connection, path))
    except sqlite3.Error as failure:
        raise _no_old_index(path, str(failure)) from failure


def _maker(connection: sqlite3.Connection, path: Path) -> Maker:
    """Which implementation made it: they spell the same tables in lower and in upper case."""
    tables = dict(connection.execute("select lower(name), sql from sqlite_master where type = 'table'").fetchall())
    missing = {"migrations", "migration_settings"} - tables.keys()
    if missing:
        raise _no_old_index(path, f"it has no table {' and no table '.join(sorted(missing))}")
    return Maker.MODELS if "TEXT NOT NULL" in str(tables["migrations"]) else Maker.FUNCTIONS


def _settings(connection: sqlite3.Connection, path: Path) -> MigrationSettings:
    rows = connection.execute("select settings from migration_settings").fetchall()
    if len(rows) != 1:
        raise _no_old_index(path, f"it has {len(rows)} rows of settings where it must have one")
    try:
        told = json.loads(rows[0][0])
    except (ValueError, TypeError) as wrong:
        raise _no_old_index(path, "its settings are no JSON object") from wrong
    if not isinstance(told, dict):
        raise _no_old_index(path, "its settings are no JSON object")
    try:
        return settings_of(told)
    except KeyError as missing:
        raise _no_old_index(path, f"its settings lack {missing}") from missing
    except (ValueError, TypeError, UsageError) as wrong:
        raise _no_old_index(path, f"its settings make no sense: {_why(wrong)}") from wrong


def _rows(connection: sqlite3.Connection, path: Path) -> Iterator[OldRow]:
    for number, *values in connection.execute(_ROWS):
        try:
            yield _row(values)
        except (ValueError, UsageError) as wrong:
            raise _no_old_index(path, f"its row {number} makes no sense: {_why(wrong)}") from wrong


def _row(values: Sequence[Any]) -> OldRow:
    entity, kind, version, row_id, column, status, location, source, new, size = values
    return OldRow(
        entity_id=parse_entity_id(str(entity)),
        kind=OldKind(kind),
        status=OldStatus(status),
        version=_number(version),
        row_id=_number(row_id),
        column_id=None if column is None else ColumnId(str(_number(column))),
        from_location=None if location is None else parse_storage_location_id(location),
        from_handle=_handle(source),
        to_handle=_handle(new),
        size_bytes=_number(size),
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _handle(value: Any) -> FileHandleId | None:
    return None if value is None else FileHandleId(str(int(value)))


def _why(wrong: Exception) -> str:
    """What is wrong, as part of a longer sentence."""
    return (wrong.what if isinstance(wrong, UsageError) else str(wrong)).rstrip(".")


def _no_old_index(path: Path, why: str) -> IndexUnusable:
    return IndexUnusable(f"{path} is no index of synapseclient's migration: {why}.", fix=_NO_SUCH_INDEX)
