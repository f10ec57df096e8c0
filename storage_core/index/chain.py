"""Checking the event log of an index, or of a Parquet export of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from storage_core.errors import IndexUnusable
from storage_core.index.reading import open_for_reading
from storage_core.plan.chaining import LoggedEvent, LogVerdict, check_chain

_AT_ONCE = 10_000

_EVENTS = "select e.seq, e.recorded_at, e.event, e.detail, c.hash from {events} e left join {chain} c on c.seq = e.seq"


def check_log(path: Path) -> LogVerdict:
    """Check the log of the index at *path*, or of the export when *path* is a folder.

    Raises:
        UsageError, IndexUnusable, IndexInUse: see `index.reading.open_for_reading`.
        IndexUnusable: the folder is no export, or one without a chain.
    """
    if path.is_dir():
        return _check_export(path)
    with open_for_reading(path) as reader:
        sql = f"{_EVENTS.format(events='events_v1', chain='event_chain_v1')} where e.seq > ? order by e.seq limit ?"
        return check_chain(_paged(lambda after: reader.rows(sql, (after, _AT_ONCE))))


def _check_export(folder: Path) -> LogVerdict:
    events, chain = (_exported(folder, view) for view in ("events_v1", "event_chain_v1"))
    sql = _EVENTS.format(events="read_parquet($events)", chain="read_parquet($chain)")
    with duckdb.connect() as connection:
        try:
            found = connection.execute(f"{sql} order by e.seq", {"events": events, "chain": chain})
            return check_chain(_in_turn(found))
        except duckdb.Error as failure:
            raise IndexUnusable(f"{folder} cannot be read: {failure}", fix="Export the index once more.") from failure


def _exported(folder: Path, view: str) -> list[str]:
    """The files of a view; exports of version 1 had one for all its rows."""
    parts = sorted((folder / view).glob("part-*.parquet")) or [folder / f"{view}.parquet"]
    if not parts[0].is_file():
        raise IndexUnusable(f"{folder} has no {view}.", fix="Name an index, or the folder of an export.")
    return [str(part) for part in parts]


def _in_turn(found: Any) -> Iterator[LoggedEvent]:
    while rows := found.fetchmany(_AT_ONCE):
        yield from map(_event, rows)


def _paged(page: Any) -> Iterator[LoggedEvent]:
    after = -1
    while rows := page(after):
        yield from map(_event, rows)
        after = rows[-1][0]


def _event(row: Any) -> LoggedEvent:
    seq, recorded_at, event, detail, kept = row
    return LoggedEvent(seq=seq, recorded_at=recorded_at, event=event, detail=detail, hash=kept)
