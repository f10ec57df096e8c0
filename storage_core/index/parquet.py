"""The Parquet export: the public views as files with a stable schema, and a manifest to check them by."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage_core.errors import UsageError
from storage_core.index.database import private_files
from storage_core.ports.queries import Queries

EXPORT_VERSION = 2
"""1 had one file per view."""

MANIFEST = "MANIFEST.json"

_ORDER = {
    "items_v1": "item_id",
    "copies_v1": "copy_id",
    "settings_v1": "name",
    "events_v1": "seq",
    "event_chain_v1": "seq",
}
NUMBERS_PER_PART = 1_000_000
"""A part holds the rows of so many numbers, so that what is appended later leaves earlier parts as they are."""

_ROWS_AT_ONCE = 50_000
_OURS = re.compile(rf"{re.escape(MANIFEST)}|({'|'.join(_ORDER)})(/part-[0-9]{{4,}})?\.parquet")
"""Names of files in an export, of version 1 too."""
_HASH_BYTES = 1024 * 1024


def export_parquet(queries: Queries, folder: Path) -> None:
    """Write every public view as zstd Parquet, a folder of parts each, and MANIFEST.json with their SHA-256 sums.

    The folder appears complete or not at all; one from an earlier export is replaced as a whole.

    Raises:
        UsageError: *folder* exists and holds something else than an export, or cannot be written or replaced.
    """
    _refuse_strangers(folder)
    try:
        _write(queries, folder)
    except OSError as error:
        raise UsageError(
            f"The Parquet export cannot be written to {folder}: {error.strerror or error}.",
            fix="Choose a folder you may write to, with room for it; of a disk that is mounted there, one inside it.",
        ) from error


def _write(queries: Queries, folder: Path) -> None:
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    with private_files():
        draft.mkdir(parents=True)
        try:
            files = [file for view in _ORDER for file in _write_view(queries, view, draft)]
            _write_manifest(queries, files, draft)
            _put_in_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _refuse_strangers(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", fix="Give a folder for the Parquet export.")
    found = (entry for entry in folder.rglob("*") if not (entry.is_dir() and entry.name in _ORDER))
    names = (entry.relative_to(folder).as_posix() for entry in found)
    strangers = sorted(name for name in names if not _OURS.fullmatch(name))
    if strangers:
        raise UsageError(
            f"{folder} holds {strangers[0]}, which is not part of an export; replacing the folder would lose it.",
            fix="Give a new or empty folder for the Parquet export.",
        )


def _write_view(queries: Queries, view: str, draft: Path) -> Iterator[dict[str, Any]]:
    """Write the parts of a view, at least one; what the manifest says of each."""
    (draft / view).mkdir()
    for number, slices in enumerate(_parts(queries, view), start=1):
        path = draft / view / f"part-{number:04}.parquet"
        rows = _write_part(path, SCHEMAS[view], slices)
        yield {"name": f"{view}/{path.name}", "rows": rows, "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _write_part(path: Path, schema: pa.Schema, slices: Iterable[pa.Table]) -> int:
    """Write one file; how many rows."""
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for found in slices:
            table = found.cast(schema)
            if table.num_rows:
                writer.write_table(table)
            count += table.num_rows
    return count


def _parts(queries: Queries, view: str) -> Iterator[Iterable[pa.Table]]:
    """The rows of each part, in order. The settings are a few rows without numbers."""
    key = _ORDER[view]
    select = f"select {', '.join(SCHEMAS[view].names)} from {view}"  # noqa: S608 - our own names
    if key == "name":
        yield [queries.arrow(f"{select} order by {key}", [])]
        return
    ((highest,),) = queries.rows(f"select coalesce(max({key}), 0) from {view}")  # noqa: S608 - our own names
    for above in range(-1, highest, NUMBERS_PER_PART):
        yield _slices(queries, select, key, range(above, min(above + NUMBERS_PER_PART, highest), _ROWS_AT_ONCE))


def _slices(queries: Queries, select: str, key: str, starts: range) -> Iterator[pa.Table]:
    """Slices keep the memory of an export of millions of rows bounded.

    By ranges of numbers: over the items DuckDB 2.0 disregards a limit above 5,000.
    """
    for above in starts:
        upto = min(above + starts.step, starts.start + NUMBERS_PER_PART)
        yield queries.arrow(f"{select} where {key} > ? and {key} <= ? order by {key}", [above, upto])


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
