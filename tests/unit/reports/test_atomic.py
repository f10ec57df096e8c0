"""What a report may take the place of."""

import sqlite3
from pathlib import Path

import duckdb
import pytest

from storage_core.errors import UsageError
from storage_core.reports.atomic import check_folder, check_writable, replacing


def refused(path: Path, words: str) -> None:
    """Nothing is written, neither before a run nor after it."""
    before = path.read_bytes() if path.is_file() else None
    for attempt in (lambda: check_writable(path), lambda: replacing(path).__enter__()):
        with pytest.raises(UsageError, match=words):
            attempt()
    assert before == (path.read_bytes() if path.is_file() else None)
    assert [] == list(path.parent.glob(".*.part"))


def test_a_database_is_never_overwritten(tmp_path: Path) -> None:
    """A mistyped path must cost nobody an index, neither ours nor the existing client's."""
    ours, theirs = tmp_path / "m.duckdb", tmp_path / "old.db"
    duckdb.connect(str(ours)).close()
    with sqlite3.connect(theirs) as old:
        old.execute("create table migrations (id text)")
    old.close()
    refused(ours, "not overwritten")
    refused(theirs, "not overwritten")


def test_neither_a_folder_nor_a_device_is_replaced(tmp_path: Path) -> None:
    refused(tmp_path, "no ordinary file")
    refused(Path("/dev/null"), "no ordinary file")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder .*nowhere"):
        check_writable(tmp_path / "nowhere" / "x.csv")


def test_a_folder_may_be_one_that_is_still_to_be_made_but_no_file(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b", may_be_made=True)
    (tmp_path / "file").touch()
    for inside in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(UsageError, match="is no folder"):
            check_folder(inside, may_be_made=True)


def test_an_ordinary_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("old")
    with replacing(tmp_path / "x.csv") as file:
        file.write("new")
    assert "new" == (tmp_path / "x.csv").read_text()
