"""The rows of a table in an SQLite database in memory: what queries are answered from.

Built when first asked for; then only rows that changed are written again.
"""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.synapse.columns import Column, ColumnType
from sandbox.synapse.http import Refused
from sandbox.synapse.table_rows import Frozen, Row, TableContent
from sandbox.synapse.table_sql import TABLE, sqlite_name

_WHOLE = frozenset(
    {
        ColumnType.INTEGER,
        ColumnType.DATE,
        ColumnType.FILEHANDLEID,
        ColumnType.SUBMISSIONID,
        ColumnType.EVALUATIONID,
        ColumnType.USERID,
        ColumnType.BOOLEAN,
    }
)
_TRUTH = {"true": 1, "false": 0}
_MOST_SNAPSHOTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRow:
    """A row as the database takes it; etag and benefactor are those of a view's entity."""

    id: int
    version: int
    cells: Mapping[str, str | None]
    etag: str | None = None
    benefactor: int | None = None


class Mirror:
    """One database of one table. Closed when nobody holds it any more."""

    def __init__(self, columns: tuple[Column, ...], rows: Iterable[MirrorRow]) -> None:
        self.columns = columns
        # the sandbox may be built in one thread and asked in another
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        typed = "".join(f", {sqlite_name(column.id)} {_affinity(column.type)}" for column in columns)
        self._database.execute(
            f"CREATE TABLE {TABLE} (ROW_ID INTEGER PRIMARY KEY, ROW_VERSION INTEGER, ROW_ETAG TEXT, "
            f"ROW_BENEFACTOR INTEGER{typed})"
        )
        self.put(rows)

    def put(self, rows: Iterable[MirrorRow]) -> None:
        """Write rows, new ones and changed ones."""
        places = ", ".join("?" * (4 + len(self.columns)))
        self._database.execute("BEGIN")
        self._database.executemany(f"INSERT OR REPLACE INTO {TABLE} VALUES ({places})", self._tuples(rows))  # noqa: S608
        self._database.execute("COMMIT")

    def remove(self, row_ids: Iterable[int]) -> None:
        """Take rows out."""
        removed = [(row_id,) for row_id in row_ids]
        self._database.executemany(f"DELETE FROM {TABLE} WHERE ROW_ID = ?", removed)  # noqa: S608 - a constant

    def run(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows of a query; refuses with 400 what SQLite does not understand."""
        try:
            return self._database.execute(sql, tuple(parameters)).fetchall()
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
            raise Refused(400, f"The query cannot be understood: {error}") from error

    def _tuples(self, rows: Iterable[MirrorRow]) -> Iterator[tuple[object, ...]]:
        ids = [column.id for column in self.columns]
        truths = [at + 4 for at, column in enumerate(self.columns) if column.type is ColumnType.BOOLEAN]
        for row in rows:
            get = row.cells.get
            values = [row.id, row.version, row.etag, row.benefactor, *[get(column_id) for column_id in ids]]
            for at in truths:
                values[at] = _TRUTH.get(str(values[at]))
            yield tuple(values)


@dataclass(slots=True)
class Mirrors:
    """The databases of all tables and of the snapshots that were asked for last."""

    _present: dict[str, Mirror] = field(default_factory=dict)
    _frozen: dict[tuple[str, int], Mirror] = field(default_factory=dict)

    def present(self, table_id: str, content: TableContent, columns: tuple[Column, ...]) -> Mirror:
        """The database of the table as it is now."""
        mirror = self._present.get(table_id)
        if mirror is None or content.dirty is None:
            mirror = self._present[table_id] = Mirror(columns, _rows(content.rows))
        elif content.dirty:
            changed = {row_id: content.rows[row_id] for row_id in content.dirty if row_id in content.rows}
            mirror.put(_rows(changed))
            mirror.remove(content.dirty - changed.keys())
        content.dirty = set()
        return mirror

    def frozen(self, table_id: str, number: int, frozen: Frozen) -> Mirror:
        """The database of a snapshot."""
        mirror = self._frozen.get((table_id, number))
        if mirror is None:
            mirror = self._frozen[(table_id, number)] = Mirror(frozen.columns, _rows(frozen.rows))
            if len(self._frozen) > _MOST_SNAPSHOTS:
                del self._frozen[next(iter(self._frozen))]
        return mirror


def _rows(rows: Mapping[int, Row]) -> Iterator[MirrorRow]:
    return (MirrorRow(id=row_id, version=row.version, cells=row.cells) for row_id, row in rows.items())


def _affinity(kind: ColumnType) -> str:
    if kind in _WHOLE:
        return "INTEGER"
    return "REAL" if kind is ColumnType.DOUBLE else "TEXT"
