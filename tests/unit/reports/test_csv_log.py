"""The CSV log: the columns scripts know, every item once, nothing a spreadsheet would run."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import UsageError
from storage_core.reports import csv_log
from storage_core.reports.csv_log import COLUMNS, safe_cell, write_csv


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_existing_clients_columns_come_first_in_its_order(mixed: Any, tmp_path: Path) -> None:
    write_csv(mixed, tmp_path / "log.csv")
    header = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [
        "id",
        "type",
        "version",
        "row_id",
        "col_name",
        "from_storage_location_id",
        "from_file_handle_id",
        "to_file_handle_id",
        "file_size",
        "status",
        "exception",
    ] == header[:11]
    assert list(COLUMNS) == header


def test_every_item_is_there_exactly_once_in_index_order(mixed: Any, tmp_path: Path) -> None:
    write_csv(mixed, tmp_path / "log.csv")
    assert [*(f"syn{number}" for number in range(201, 208)), "syn300"] == [
        line["id"] for line in _lines(tmp_path / "log.csv")
    ]


def test_slices_lose_and_repeat_nothing(
    empty: Any, file_facts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where numbers have gaps longer than a slice."""
    monkeypatch.setattr(csv_log, "SLICE_ROWS", 3)
    for number in (0, 1, 2, 5, 8, 9, 40, 41, 42):
        empty.add(**file_facts(number))
    write_csv(empty, tmp_path / "log.csv")
    assert [200, 201, 202, 205, 208, 209, 240, 241, 242] == [
        int(line["id"][3:]) for line in _lines(tmp_path / "log.csv")
    ]


def test_values_are_the_items_own(mixed: Any, tmp_path: Path) -> None:
    write_csv(mixed, tmp_path / "log.csv")
    by_id = {line["id"]: line for line in _lines(tmp_path / "log.csv")}
    moved, failed, cell = by_id["syn201"], by_id["syn205"], by_id["syn300"]
    assert ("file", "", "9001", "MIGRATED", "part-etag", "2", "") == (
        moved["type"],
        moved["version"],
        moved["to_file_handle_id"],
        moved["status"],
        moved["proof"],
        moved["new_version"],
        moved["exception"],
    )
    assert failed["exception"] == "S3_FAULT: SlowDown, 7 tries"
    assert ("table", "7", "scan", "4") == (cell["type"], cell["row_id"], cell["col_name"], cell["version"])
    assert datetime(2026, 3, 1, 8, 1) == datetime.fromisoformat(moved["updated_at"])  # noqa: DTZ001 - as stored


def test_a_name_that_is_a_formula_is_disarmed(mixed: Any, tmp_path: Path) -> None:
    write_csv(mixed, tmp_path / "log.csv")
    names = {line["id"]: line["name"] for line in _lines(tmp_path / "log.csv")}
    assert names["syn206"] == '\'=HYPERLINK("http://evil","x")'


@given(st.sampled_from("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"), st.integers(0, 3), st.text())
def test_no_cell_begins_like_a_formula(first: str, blanks: int, rest: str) -> None:
    value = " " * blanks + first + rest
    assert f"'{value}" == safe_cell(value)


@given(st.one_of(st.none(), st.integers(), st.from_regex(r"[A-Za-z0-9_(][^\0]*", fullmatch=True)))
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert value == safe_cell(value)


def test_an_error_half_way_leaves_the_old_file(mixed: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("old", encoding="utf-8")
    mixed.connection.execute("drop table items_v1")
    with pytest.raises(Exception, match="items_v1"):
        write_csv(mixed, path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [path] == list(tmp_path.iterdir())


def test_a_missing_folder_is_a_usage_error(mixed: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_csv(mixed, tmp_path / "nowhere" / "log.csv")
