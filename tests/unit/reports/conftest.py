"""A small index as reports see it: the public views, filled by hand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.plans import StatusCount
from storage_core.model.settings import MigrationSettings

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC).replace(tzinfo=None)  # as DuckDB gives it

VIEWS = """
create table items_v1 (item_id bigint, kind varchar, entity_id varchar, version integer, indexed_version integer,
  new_version integer, row_id bigint, col_id varchar, col_name varchar, parent_id varchar, name varchar,
  from_storage_location_id bigint, from_file_handle_id varchar, to_file_handle_id varchar,
  to_storage_location_id bigint, file_size bigint, md5 varchar, status varchar, reason varchar, reason_class varchar,
  detail varchar, proof varchar, engine varchar, updated_at timestamp);
create table copies_v1 (copy_id bigint, from_file_handle_id varchar, from_storage_location_id bigint,
  to_file_handle_id varchar, file_size bigint, md5 varchar, status varchar, engine varchar, proof varchar,
  parts bigint, attempts integer, reason varchar, detail varchar, updated_at timestamp);
create table settings_v1 (name varchar, value varchar);
create table events_v1 (seq bigint, recorded_at timestamp, event varchar, detail varchar);
create table errors_v1 (item_id bigint);
"""


@dataclass
class HandFilled:
    """`ports.queries.Queries` over tables that carry the views' names."""

    connection: duckdb.DuckDBPyConnection
    settings: MigrationSettings
    as_of: datetime

    def counts(self) -> tuple[StatusCount, ...]:
        rows = self.rows(
            "select status, reason, count(*), coalesce(sum(file_size), 0)::bigint"
            " from items_v1 group by all order by 1, 2"
        )
        return tuple(
            StatusCount(
                status=ItemStatus(status),
                reason=None if reason is None else ReasonCode(reason),
                items=items,
                size_bytes=size,
            )
            for status, reason, items, size in rows
        )

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, list(parameters)).fetchall()

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def add(self, table: str = "items_v1", **values: Any) -> None:
        """Insert one row; unnamed columns are null."""
        marks = ", ".join("?" for _ in values)
        self.connection.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", list(values.values()))


def settings() -> MigrationSettings:
    return MigrationSettings(
        roots=(EntityId("syn100"),),
        destination=StorageLocationId(54321),
        source_location_ids=(StorageLocationId(1),),
        include_tables=True,
    )


@pytest.fixture
def empty() -> Iterator[HandFilled]:
    """An index without items."""
    connection = duckdb.connect()
    connection.execute(VIEWS)
    yield HandFilled(connection, settings(), datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    connection.close()


def _file(number: int, **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "item_id": number,
        "kind": "file",
        "entity_id": f"syn{200 + number}",
        "indexed_version": 1,
        "parent_id": "syn100",
        "name": f"reads_{number}.fastq.gz",
        "from_storage_location_id": 1,
        "from_file_handle_id": str(1000 + number),
        "file_size": 1_000_000_000,
        "md5": "0" * 32,
        "status": "INDEXED",
        "updated_at": START + timedelta(minutes=number),
    }
    return facts | more


@pytest.fixture
def file_facts() -> Callable[..., dict[str, Any]]:
    """Make the row of one file item."""
    return _file


@pytest.fixture
def mixed(empty: HandFilled) -> HandFilled:
    """Items in every status, with hostile names, one shared handle, a table cell, events and settings."""
    moved = {"status": "MIGRATED", "to_storage_location_id": 54321, "engine": "synapse"}
    empty.add(**_file(1, **moved, to_file_handle_id="9001", proof="part-etag", new_version=2))
    empty.add(**_file(2, **moved, to_file_handle_id="9002", proof="structural", file_size=30_000_000_000))
    empty.add(**_file(3, **moved, to_file_handle_id="9002", proof="structural", file_size=30_000_000_000,
                      from_file_handle_id="1002"))  # fmt: skip
    empty.add(**_file(4, status="ALREADY_MIGRATED", from_storage_location_id=54321))
    empty.add(**_file(5, status="ERRORED", reason="S3_FAULT", reason_class="retryable", detail="SlowDown, 7 tries",
                      name="<script>alert(1)</script>.csv"))  # fmt: skip
    empty.add(**_file(6, status="DRIFTED", reason="HANDLE_CHANGED", reason_class="needs a person",
                      detail="expected 1006, found 77", name='=HYPERLINK("http://evil","x")'))  # fmt: skip
    empty.add(**_file(7, status="SKIPPED", reason="EXTERNAL_URL", reason_class="never works", file_size=None,
                      from_storage_location_id=None))  # fmt: skip
    empty.add(**_file(8, kind="table", entity_id="syn300", name="table of scans", row_id=7, col_id="101",
                      col_name="scan", version=4, file_size=5_000_000))  # fmt: skip
    empty.add("copies_v1", copy_id=1, from_file_handle_id="1001", from_storage_location_id=1,
              to_file_handle_id="9001", file_size=1_000_000_000, status="PROVEN", engine="synapse",
              proof="part-etag", parts=1, attempts=1, updated_at=START)  # fmt: skip
    empty.add("copies_v1", copy_id=2, from_file_handle_id="1002", from_storage_location_id=1,
              to_file_handle_id="9002", file_size=30_000_000_000, status="PROVEN", engine="synapse",
              proof="structural", parts=300, attempts=1, updated_at=START)  # fmt: skip
    for name, value in {"root": "syn100", "destination": "54321", "strategy": "new"}.items():
        empty.add("settings_v1", name=name, value=value)
    for seq, (minute, event, detail) in enumerate(
        [
            (0, "indexed", "item 1: to item 8, recorded"),
            (1, "plan confirmed", "3f2a9c by ann"),
            (2, "verified", "item 1: read back as written"),
            (9, "verified", "3 items"),
        ]
    ):
        empty.add("events_v1", seq=seq, recorded_at=START + timedelta(minutes=minute), event=event, detail=detail)
    return empty
