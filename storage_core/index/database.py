"""The one DuckDB connection of an open index: transactions, batches, numbers, the journal."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from storage_core.errors import IndexUnusable
from storage_core.index.signals import unbroken
from storage_core.plan.chaining import START, link, shown_detail

JOURNAL_SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        ("recorded_at", pa.timestamp("us")),
        ("event", pa.string()),
        ("subject", pa.string()),
        ("subject_id", pa.int64()),
        ("detail", pa.string()),
        ("hash", pa.string()),
    ]
)

_ONE_THREAD_ROWS = 122_880
"""Rows that DuckDB keeps together, and that one thread reads."""

_THREADS = 2


def utc_now() -> datetime:
    """The present moment; the default of the `now` that everything here takes as an argument."""
    return datetime.now(UTC)  # noqa: TID251 - the edge: whoever opens an index may pass another clock


@contextmanager
def private_files() -> Iterator[None]:
    """Files that come to be inside are readable by their owner alone.

    DuckDB makes its file, write-ahead log and spill files itself, whenever it needs them, so their mode can
    only be had from the process. Another thread that makes a file meanwhile gets a stricter mode, never a laxer.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def arrow_table(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows of Python values as an Arrow table: the fast way into DuckDB (1,000 times that of row by row)."""
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [[] for _ in schema]
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Conditions that narrow what may be claimed; empty: everything that is pending.

    Attributes:
        copies: begins with "and"; about a row with `copy_id`.
        items: the same about a row with `item_id`.
    """

    copies: str = ""
    items: str = ""


class Database:
    """A connection that only the thread that opened it may use (shared connections return wrong rows)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now
        self._thread = threading.get_ident()
        self.path = path
        self.claims = Claims()
        self._numbers = {
            "found": self._highest("select max(seq) from found"),
            "item": self._highest("select max(item_id) from item"),
            "copy": self._highest("select max(copy_id) from copy"),
            "journal": self._highest("select max(seq) from journal"),
        }
        self._head = self._last_hash()
        self._depth = 0
        self._told: list[tuple[Any, ...]] = []
        self._set_threads()

    def now(self) -> datetime:
        """The present moment in UTC, without zone, as the tables keep it."""
        return self._now().astimezone(UTC).replace(tzinfo=None)

    def take_numbers(self, of: str, count: int = 1) -> int:
        """Reserve *count* consecutive numbers and return the first. A rollback leaves a gap, never a repeat."""
        first = self._numbers[of] + 1
        self._numbers[of] += count
        if of == "item" and first - 1 <= _ONE_THREAD_ROWS < self._numbers[of]:
            self._set_threads()
        return first

    @unbroken()
    def rows(self, sql: str, parameters: Sequence[object] = (), **batches: pa.Table) -> list[tuple[Any, ...]]:
        """Run one statement, with Arrow tables visible under the names they are passed by."""
        connection = self._own()
        for name, table in batches.items():
            connection.register(name, table)
        try:
            return connection.execute(sql, list(parameters)).fetchall()
        finally:
            for name in batches:
                connection.unregister(name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the body, or nothing. What was committed survives a kill of the process.

        One that stands inside another is part of that one.

        Raises:
            IndexUnusable: the file could not be written (disk full, device gone); nothing of the body was kept.
        """
        connection, head = self._own(), self._head
        if self._depth:
            yield
            return
        with unbroken(), private_files(), self._inside():
            connection.execute("begin")
            try:
                yield
                self._write_told()
                connection.execute("commit")
            except duckdb.Error as failure:
                self._head = head
                self._roll_back()
                raise _unwritable(self.path, failure) from failure
            except BaseException:  # nothing is swallowed: it is cleaned up and raised again
                self._head = head
                self._roll_back()
                raise

    def journal(self, entries: Sequence[tuple[str, str | None, int | None, str]]) -> None:
        """Append (event, subject, its number, detail) rows; belongs into the transaction of what it tells.

        They are written as that transaction ends.
        """
        if not entries:
            return
        first, now = self.take_numbers("journal", len(entries)), self.now()
        self._told += [
            (first + n, now, *entry, self._linked(first + n, now, *entry)) for n, entry in enumerate(entries)
        ]
        if not self._depth:
            self._write_told()

    @contextmanager
    def _inside(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._told = []

    def _write_told(self) -> None:
        """One statement for all events of a transaction: each costs more than its rows."""
        if self._told:
            told, self._told = self._told, []
            self.rows("insert into journal select * from entries", entries=arrow_table(JOURNAL_SCHEMA, told))

    def _set_threads(self) -> None:
        """More than one only where tables have more than one stretch of rows to share out.

        Otherwise waking the second one makes each statement a third dearer, and nothing faster.
        """
        self._connection.execute(f"set threads = {1 if self._numbers['item'] <= _ONE_THREAD_ROWS else _THREADS}")

    def _linked(
        self, seq: int, now: datetime, event: str, subject: str | None, subject_id: int | None, detail: str
    ) -> str:
        """The hash of the next event, which the one after it will follow."""
        shown = shown_detail(subject, subject_id, detail)
        self._head = link(self._head, seq=seq, recorded_at=now, event=event, detail=shown)
        return self._head

    def _last_hash(self) -> str:
        found = self._connection.execute(
            "select hash from journal where hash is not null order by seq desc limit 1"
        ).fetchone()
        return START if found is None else str(found[0])

    def close(self) -> None:
        """Write the log back into the file and let go of it."""
        with private_files():
            self._connection.close()

    def _own(self) -> duckdb.DuckDBPyConnection:
        if threading.get_ident() != self._thread:
            raise RuntimeError("an index may be used by the thread that opened it only")
        return self._connection

    def _highest(self, sql: str) -> int:
        found = self._connection.execute(sql).fetchone()
        return int(found[0]) if found is not None and found[0] is not None else 0

    def _roll_back(self) -> None:
        try:
            self._connection.execute("rollback")
        except duckdb.Error:  # the failed commit has already ended the transaction
            return


def _unwritable(path: Path, failure: duckdb.Error) -> Exception:
    if isinstance(failure, (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException)):
        return IndexUnusable(
            f"{path} could not be written: {failure}",
            fix="Make room on its disk, then run the same command again: what was acknowledged is safe.",
        )
    return failure
