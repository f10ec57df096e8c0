"""`MigrationResult` under the names users know."""

import sys
from pathlib import Path
from typing import Any

import pytest

from storage_core.errors import UsageError
from storage_core.ports.queries import Queries
from storage_core.reports.result import MigrationResult


def _no_export(queries: Queries, directory: Path) -> None:
    (directory / "items.parquet").touch()


def _result(queries: Queries) -> MigrationResult:
    return MigrationResult("my.duckdb", queries, export=_no_export)


def test_counts_name_every_status(mixed: Any) -> None:
    result = _result(mixed)
    assert (
        {
            "INDEXED": 1,
            "ALREADY_MIGRATED": 1,
            "MIGRATED": 3,
            "SKIPPED": 1,
            "DRIFTED": 1,
            "ERRORED": 1,
            "ROLLED_BACK": 0,
        }
        == result.counts_by_status
        == result.get_counts_by_status()
    )
    assert result.db_path == "my.duckdb"


def test_migrations_are_dictionaries_with_the_known_keys(mixed: Any) -> None:
    migrations = list(_result(mixed).get_migrations())
    assert len(migrations) == 8
    assert {"id": "syn201", "type": "file", "version": None, "status": "MIGRATED"}.items() <= migrations[0].items()


def test_as_csv_writes_the_log(mixed: Any, tmp_path: Path) -> None:
    _result(mixed).as_csv(tmp_path / "log.csv")
    assert len((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()) == 9


def test_arrow_has_every_item_and_every_column(mixed: Any) -> None:
    table = _result(mixed).to_arrow()
    assert (8, 24) == (table.num_rows, table.num_columns)


def test_parquet_goes_where_it_is_asked_to(mixed: Any, tmp_path: Path) -> None:
    _result(mixed).to_parquet(str(tmp_path))
    assert (tmp_path / "items.parquet").exists()


def test_the_log_never_takes_the_place_of_the_index(mixed: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    path.write_bytes(b"the index")
    with pytest.raises(UsageError, match="the index itself"):
        MigrationResult(path, mixed, export=_no_export).as_csv(path)
    assert b"the index" == path.read_bytes()


def test_without_pandas_the_way_out_is_named(mixed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="to_arrow"):
        _result(mixed).to_pandas()


def test_whole_numbers_stay_whole_in_pandas(mixed: Any) -> None:
    """Also where some are missing, which would make 54321.0 of a storage location."""
    pandas = pytest.importorskip("pandas")
    frame = _result(mixed).to_pandas()
    assert (8, 24) == frame.shape
    assert {pandas.Int64Dtype()} == set(frame[["row_id", "to_storage_location_id", "file_size"]].dtypes)
