"""Checking the event log of an index, or of a Parquet export of it, whose files are compared with their manifest."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from storage_core.errors import IndexUnusable
from storage_core.index.parquet import MANIFEST
from storage_core.index.reading import IndexReader, open_for_reading
from storage_core.model.exports import ExportedFile, ExportManifest
from storage_core.plan.chaining import LoggedEvent, LogVerdict, LostEvent, check_chain
from storage_core.plan.export_places import manifest_of

_AT_ONCE = 10_000

_EVENTS = (
    "select e.seq, e.recorded_at, e.event, e.detail, c.hash from events_v1 e left join event_chain_v1 c using (seq)"
)
_EXPORTED = """
select coalesce(e.seq, c.seq) as number, e.recorded_at, e.event, e.detail, c.hash, e.seq is null
from read_parquet($events) e full join read_parquet($chain) c on c.seq = e.seq
where e.seq is not null or c.hash is not null order by number
"""

_CHAINED_SINCE = "select applied_at from schema_step where name = 'a chain through the journal'"
_HAS_STEPS = "select count(*) from information_schema.tables where table_name = 'schema_step'"


def check_log(path: Path) -> LogVerdict:
    """Check the log of the index at *path*, or of the export when *path* is a folder.

    Of an export every file is compared with the manifest, too.

    Raises:
        UsageError, IndexUnusable, IndexInUse: see `index.reading.open_for_reading`.
        IndexUnusable: the folder is no export, or one without a chain.
    """
    if path.is_dir():
        return _check_export(path)
    with open_for_reading(path) as reader:
        sql = f"{_EVENTS} where e.seq > ? order by e.seq limit ?"
        return check_chain(_paged(lambda after: reader.rows(sql, (after, _AT_ONCE))), _chained_since(reader))


def _chained_since(reader: IndexReader) -> datetime | None:
    """When the index got its chain; a snapshot beside a live index does not tell."""
    if reader.rows(_HAS_STEPS) == [(0,)]:
        return None
    found = reader.rows(_CHAINED_SINCE)
    return found[0][0] if found else None


def _check_export(folder: Path) -> LogVerdict:
    manifest = _manifest(folder)
    others = tuple(_other_files(folder, manifest))
    events, chain = (_exported(folder, manifest, view) for view in ("events_v1", "event_chain_v1"))
    with duckdb.connect() as connection:
        try:
            found = connection.execute(_EXPORTED, {"events": events, "chain": chain})
            verdict = check_chain(_in_turn(found))
        except duckdb.Error as failure:
            raise IndexUnusable(f"{folder} cannot be read: {failure}", fix="Export the index once more.") from failure
    return replace(verdict, promised=manifest.last_event_hash, other_files=others)


def _manifest(folder: Path) -> ExportManifest:
    path = folder / MANIFEST
    found = manifest_of(path.read_bytes()) if path.is_file() else None
    if found is None:
        raise IndexUnusable(
            f"{folder} has no {MANIFEST} of an export.", fix="Name an index, or the folder of an export."
        )
    return found


def _exported(folder: Path, manifest: ExportManifest, view: str) -> list[str]:
    """The files of a view that are there; exports of version 1 had one for all its rows, those in S3 lie in runs."""
    pattern = re.compile(rf"(.*/)?{view}(/part-[0-9]+)?\.parquet")
    parts = [folder / one.name for one in manifest.files if pattern.fullmatch(one.name)]
    there = [str(part) for part in parts if part.is_file()]
    if not there:
        raise IndexUnusable(f"{folder} has no {view}.", fix="Export the index once more.")
    return there


def _other_files(folder: Path, manifest: ExportManifest) -> Iterator[str]:
    """What somebody has altered, taken away or added since the export was made."""
    for one in manifest.files:
        if trouble := _trouble_of(folder, one):
            yield f"{one.name} {trouble}"
    named = {folder / one.name for one in manifest.files}
    beside = sorted({path for parent in {one.parent for one in named} for path in parent.glob("*.parquet")} - named)
    for path in beside:
        yield f"{path.relative_to(folder).as_posix()} is not in {MANIFEST}"


def _trouble_of(folder: Path, one: ExportedFile) -> str | None:
    path = folder / one.name
    if not path.is_file():
        return "is not there"
    with path.open("rb") as file:
        is_same = hashlib.file_digest(file, "sha256").hexdigest() == one.sha256
    return None if is_same else f"is not the file that {MANIFEST} names: its SHA-256 differs"


def _in_turn(found: Any) -> Iterator[LoggedEvent | LostEvent]:
    while rows := found.fetchmany(_AT_ONCE):
        for *row, is_lost in rows:
            yield LostEvent(seq=row[0], hash=row[-1]) if is_lost else _event(row)


def _paged(page: Any) -> Iterator[LoggedEvent]:
    after = -1
    while rows := page(after):
        yield from map(_event, rows)
        after = rows[-1][0]


def _event(row: Any) -> LoggedEvent:
    seq, recorded_at, event, detail, kept = row
    return LoggedEvent(seq=seq, recorded_at=recorded_at, event=event, detail=detail, hash=kept)
