"""Writes indexes the way the two implementations of the existing client do."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

FUNCTIONS_DDL = """
create table if not exists migrations (
    id text not null, type integer not null, version integer null, row_id integer null, col_id integer null,
    parent_id null, status integer not null, exception text null, from_storage_location_id null,
    from_file_handle_id text null, to_file_handle_id text null, file_size integer null,
    primary key (id, type, row_id, col_id, version)
)"""
MODELS_DDL = FUNCTIONS_DDL.upper()

SETTINGS: dict[str, Any] = {
    "root_id": "syn1",
    "dest_storage_location_id": "99",
    "source_storage_location_ids": [],
    "file_version_strategy": "latest",
    "include_table_files": 0,
}

Row = tuple[Any, ...]


def row(entity: str, kind: int, status: int, **more: Any) -> Row:
    """One row of `migrations`, in the order of its columns."""
    names = ("version", "row_id", "col_id", "parent_id")
    later = ("exception", "from_location", "from_handle", "to_handle", "size")
    assert more.keys() <= {*names, *later}
    return (entity, kind, *(more.get(name) for name in names), status, *(more.get(name) for name in later))


def file(entity: str, status: int, *, version: int | None = 1, source: str = "13", new: str | None = None) -> Row:
    location = 99 if status == 3 else 1
    return row(
        entity,
        3,
        status,
        version=version,
        parent_id="syn1",
        from_location=location,
        from_handle=source,
        to_handle=new,
        size=10,
    )


def write_old_index(
    path: Path, *rows: Row, ddl: str = FUNCTIONS_DDL, settings: tuple[str, ...] | None = None, **told: Any
) -> Path:
    """Make an index file of the client's at *path*."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "create table migration_settings (settings text not null)"
            if ddl is FUNCTIONS_DDL
            else "CREATE TABLE migration_settings (settings TEXT NOT NULL)"
        )
        connection.execute(ddl)
        for text in settings if settings is not None else (json.dumps({**SETTINGS, **told}),):
            connection.execute("insert into migration_settings values (?)", (text,))
        connection.executemany(f"insert into migrations values ({','.join('?' * 12)})", rows)
        connection.commit()
    return path
