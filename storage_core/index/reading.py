"""Reading an index: the file itself, or, while a process works on it, the snapshot beside it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from storage_core.errors import IndexInUse, UsageError
from storage_core.index.guard import is_held_here
from storage_core.index.opening import (
    bound_settings,
    check_kind_of_file,
    connect,
    damaged,
    not_ours,
    open_index,
    resolved,
)
from storage_core.index.plan import status_count
from storage_core.index.schema import NEWEST, refuse_newer, version_of
from storage_core.index.signals import unbroken
from storage_core.index.snapshot import snapshot_path
from storage_core.model.plans import StatusCount
from storage_core.model.settings import MigrationSettings

_COUNTS = """
select status, reason, count(*), cast(coalesce(sum(file_size), 0) as bigint) from items_v1
group by status, reason order by status, reason
"""

_LAST_CHANGE = "select max(recorded_at) from events_v1"
_SNAPSHOT_TIME = "select max(taken_at) from snapshot_v1"
_NEVER = datetime.min  # noqa: DTZ901 - the tables keep UTC without zone


class IndexReader:
    """An index's public views; implements ports.Queries. A context manager, or to be closed with `close()`.

    Attributes:
        is_live: whether a process works on the index meanwhile, so that what is read may be some seconds old.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: MigrationSettings, as_of: datetime, *, is_live: bool
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._as_of = as_of
        self.is_live = is_live

    @property
    def settings(self) -> MigrationSettings:
        """See ports.Queries."""
        return self._settings

    @property
    def as_of(self) -> datetime:
        """See ports.Queries."""
        return self._as_of

    def counts(self) -> tuple[StatusCount, ...]:
        """See ports.Queries."""
        return tuple(status_count(*row) for row in self.rows(_COUNTS))

    @unbroken()
    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See ports.Queries."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    @unbroken()
    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """See ports.Queries. Holds the whole answer in memory."""
        return self._connection.sql(sql, params=list(parameters)).to_arrow_table()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_for_reading(path: Path | str) -> IndexReader:
    """Open the index at *path* for reading; when somebody has it open, the snapshot that they publish.

    An index that an older release wrote is brought up to date first.

    Raises:
        UsageError: there is no such file.
        IndexUnusable: damaged, no index of ours, or of a newer release.
        IndexInUse: somebody has it open and has published nothing yet.
    """
    where = resolved(path)
    if not where.is_file():
        raise UsageError(f"There is no index at {where}.", fix="Check the path, or make one with `index`.")
    if is_held_here(where):
        return _open_snapshot(where, None)
    check_kind_of_file(where)
    try:
        connection = connect(where, read_only=True)
    except IndexInUse as busy:
        return _open_snapshot(where, busy)
    if _is_of_older_release(connection):
        # what reports ask for is not all in it yet; opening it for writing brings it up to date
        connection.close()
        open_index(where, None, create=False).close()
        connection = connect(where, read_only=True)
    return _reader(connection, where)


def _is_of_older_release(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        return 0 < (version_of(connection) or 0) < NEWEST
    except duckdb.Error:
        # damaged: whoever reads on finds out, and says so
        return False


def _open_snapshot(where: Path, busy: IndexInUse | None) -> IndexReader:
    snapshot = snapshot_path(where)
    if not snapshot.exists():
        raise busy or IndexInUse(f"{where} is open in this process.", fix="Ask the open index instead.")
    return _reader(connect(snapshot, read_only=True), snapshot)


def _reader(connection: duckdb.DuckDBPyConnection, path: Path) -> IndexReader:
    """A reader of an index or of a snapshot; the connection is closed when it is neither."""
    try:
        is_snapshot = _check_tables(connection, path)
        settings = bound_settings(connection, path)
        moment = _SNAPSHOT_TIME if is_snapshot else _LAST_CHANGE
        ((when,),) = connection.execute(moment).fetchall()
        return IndexReader(connection, settings, (when or _NEVER).replace(tzinfo=UTC), is_live=is_snapshot)
    except duckdb.Error as failure:
        connection.close()
        raise damaged(path, str(failure)) from failure
    except BaseException:  # nothing is swallowed: it is cleaned up and raised again
        connection.close()
        raise


def _check_tables(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether it is a snapshot; raises when it is neither that nor an index we know."""
    if connection.execute("select 1 from duckdb_tables() where table_name = 'snapshot_v1'").fetchall():
        return True
    version = version_of(connection)
    if not version:
        raise not_ours(path)
    refuse_newer(version, str(path))
    return False
