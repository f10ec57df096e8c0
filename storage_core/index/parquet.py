"""The Parquet export: the public views as files with a stable schema, and a manifest to check them by."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage_core.errors import UsageError
from storage_core.index.database import private_files
from storage_core.ports import Queries

EXPORT_VERSION = 1
MANIFEST = "MANIFEST.json"

_ORDER = {
    "items_v1": "item_id",
    "copies_v1": "copy_id",
    "settings_v1": "name",
    "events_v1": "seq",
    "event_chain_v1": "seq",
}
_ROWS_AT_ONCE = 50_000
_HASH_BYTES = 1024 * 1024


def export_parquet(queries: Queries, folder: Path) -> None:
    """Write every public view as zstd Parquet, and MANIFEST.json with each file's rows, size and SHA-256.

    The folder appears complete or not at all; one from an earlier export is replaced as a whole.

    Raises:
        UsageError: *folder* exists and holds something else than an export.
    """
    _refuse_strangers(folder)
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    with private_files():
        draft.mkdir(parents=True)
        try:
            files = [_write_view(queries, view, draft) for view in _ORDER]
            _write_manifest(queries, files, draft)
            _put_in_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _refuse_strangers(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", fix="Give a folder for the Parquet export.")
    known = {MANIFEST, *(f"{view}.parquet" for view in _ORDER)}
    strangers = sorted(entry.name for entry in folder.iterdir() if entry.name not in known) if folder.exists() else []
    if strangers:
        raise UsageError(
            f"{folder} holds {strangers[0]}, which is not part of an export; replacing the folder would lose it.",
            fix="Give a new or empty folder for the Parquet export.",
        )


def _write_view(queries: Queries, view: str, draft: Path) -> dict[str, Any]:
    path = draft / f"{view}.parquet"
    schema = SCHEMAS[view]
    columns = ", ".join(schema.names)
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for found in _slices(queries, view, columns):
            table = found.cast(schema)
            if table.num_rows:
                writer.write_table(table)
            count += table.num_rows
    return {"name": path.name, "rows": count, "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _slices(queries: Queries, view: str, columns: str) -> Iterator[pa.Table]:
    """The rows in order; slices keep the memory of an export of millions of rows bounded.

    By ranges of numbers: over the items DuckDB 2.0 disregards a limit above 5,000. The settings are a few rows.
    """
    key = _ORDER[view]
    select = f"select {columns} from {view}"  # noqa: S608 - our own names
    if key == "name":
        yield queries.arrow(f"{select} order by {key}", [])
        return
    ((highest,),) = queries.rows(f"select max({key}) from {view}")  # noqa: S608 - our own names
    for above in range(-1, -1 if highest is None else highest, _ROWS_AT_ONCE):
        yield queries.arrow(f"{select} where {key} > ? and {key} <= ? order by {key}", [above, above + _ROWS_AT_ONCE])


def _write_manifest(queries: Queries, files: list[dict[str, Any]], draft: Path) -> None:
    manifest = {
        "schema_version": EXPORT_VERSION,
        "as_of": queries.as_of.isoformat(),
        "last_event_hash": _last_hash(queries),
        "files": files,
    }
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _last_hash(queries: Queries) -> str | None:
    """What `verify-log --expect` is given: kept apart from the log, it shows that nothing of it was made anew."""
    found = list(queries.rows("select hash from event_chain_v1 order by seq desc limit 1"))
    return found[0][0] if found else None


def _put_in_place(draft: Path, folder: Path) -> None:
    """Folders cannot be replaced in one step: the old one steps aside, and is removed when the new one stands."""
    aside = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.replace(aside)
    draft.replace(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()


_TEXT, _WHOLE, _SMALL, _TIME = pa.string(), pa.int64(), pa.int32(), pa.timestamp("us")

SCHEMAS: dict[str, pa.Schema] = {
    "items_v1": pa.schema(
        [
            ("item_id", _WHOLE),
            ("kind", _TEXT),
            ("entity_id", _TEXT),
            ("version", _SMALL),
            ("new_version", _SMALL),
            ("row_id", _WHOLE),
            ("col_id", _WHOLE),
            ("col_name", _TEXT),
            ("parent_id", _TEXT),
            ("name", _TEXT),
            ("from_storage_location_id", _WHOLE),
            ("from_file_handle_id", _TEXT),
            ("to_file_handle_id", _TEXT),
            ("to_storage_location_id", _WHOLE),
            ("file_size", _WHOLE),
            ("md5", _TEXT),
            ("status", _TEXT),
            ("reason", _TEXT),
            ("reason_class", _TEXT),
            ("detail", _TEXT),
            ("proof", _TEXT),
            ("engine", _TEXT),
            ("updated_at", _TIME),
            ("indexed_version", _SMALL),
        ]
    ),
    "copies_v1": pa.schema(
        [
            ("copy_id", _WHOLE),
            ("from_file_handle_id", _TEXT),
            ("from_storage_location_id", _WHOLE),
            ("to_file_handle_id", _TEXT),
            ("file_size", _WHOLE),
            ("md5", _TEXT),
            ("status", _TEXT),
            ("engine", _TEXT),
            ("proof", _TEXT),
            ("parts", _SMALL),
            ("attempts", _SMALL),
            ("reason", _TEXT),
            ("detail", _TEXT),
            ("updated_at", _TIME),
        ]
    ),
    "settings_v1": pa.schema([("name", _TEXT), ("value", _TEXT)]),
    "events_v1": pa.schema([("seq", _WHOLE), ("recorded_at", _TIME), ("event", _TEXT), ("detail", _TEXT)]),
    "event_chain_v1": pa.schema([("seq", _WHOLE), ("hash", _TEXT)]),
}
"""What readers of an export may rely on. A change is a new view and a new EXPORT_VERSION."""
