"""What a migration came to, under the names users of the existing client know."""

import asyncio
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from storage_core.errors import UsageError
from storage_core.model.items import ItemStatus
from storage_core.ports.queries import Queries
from storage_core.reports.csv_log import COLUMNS, item_rows, write_csv

_ALL_ITEMS = "select * from items_v1 order by item_id"


class MigrationResult:
    """Reads an index; asks Synapse nothing and changes nothing.

    Attributes:
        db_path: the index file.
    """

    def __init__(self, db_path: str | Path, queries: Queries, *, export: Callable[[Queries, Path], object]) -> None:
        self.db_path = str(db_path)
        self._queries = queries
        self._export = export

    def get_counts_by_status(self) -> dict[str, int]:
        """Items by status; every status is there, also with 0."""
        counts = dict.fromkeys((str(status) for status in ItemStatus), 0)
        for count in self._queries.counts():
            counts[str(count.status)] += count.items
        return counts

    @property
    def counts_by_status(self) -> dict[str, int]:
        """The same as `get_counts_by_status()`."""
        return self.get_counts_by_status()

    def get_migrations(self) -> Iterator[dict[str, Any]]:
        """Every item as a dictionary with the CSV log's column names as keys; absent values are None."""
        for row in item_rows(self._queries):
            yield dict(zip(COLUMNS, row, strict=True))

    def as_csv(self, path: str | Path) -> None:
        """Write the CSV log: the existing client's columns first, then ours. Atomic.

        Raises:
            UsageError: it cannot be written there.
        """
        where = Path(path).expanduser()
        if where.absolute() == Path(self.db_path).absolute():
            # said here already: a look at an index that this process has open would let go of its lock
            raise UsageError(f"{where} is the index itself.", fix="Give the CSV log another path.")
        write_csv(self._queries, where)

    async def get_counts_by_status_async(self) -> dict[str, int]:
        """See `get_counts_by_status`."""
        return await asyncio.to_thread(self.get_counts_by_status)

    async def get_migrations_async(self) -> list[dict[str, Any]]:
        """See `get_migrations`; all at once."""
        return await asyncio.to_thread(lambda: list(self.get_migrations()))

    async def as_csv_async(self, path: str | Path) -> None:
        """See `as_csv`."""
        await asyncio.to_thread(self.as_csv, path)

    def to_arrow(self) -> Any:
        """All items as one `pyarrow.Table`, with the columns of the view `items_v1`."""
        return self._queries.arrow(_ALL_ITEMS)

    def to_parquet(self, directory: str | Path) -> None:
        """Write the public views as Parquet files into *directory*, with a manifest of SHA-256 sums."""
        self._export(self._queries, Path(directory))

    def to_pandas(self) -> Any:
        """All items as a `pandas.DataFrame`. Numbers stay whole where some are missing (`Int64`, `Int32`).

        Raises:
            UsageError: pandas is not installed; it is no part of this package.
        """
        try:
            pandas = import_module("pandas")
        except ModuleNotFoundError as error:
            raise UsageError("pandas is not installed.", fix="Install it, or use to_arrow().") from error
        whole = {"int32": pandas.Int32Dtype(), "int64": pandas.Int64Dtype()}
        return self.to_arrow().to_pandas(types_mapper=lambda kind: whole.get(str(kind)))

    def __repr__(self) -> str:
        return f"MigrationResult(db_path={self.db_path!r})"
