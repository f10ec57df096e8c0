"""Reading while somebody works, and exporting what was read."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from storage_core.errors import IndexInUse, IndexUnusable, UsageError
from storage_core.index import parquet
from storage_core.index.chain import check_log
from storage_core.index.parquet import SCHEMAS, export_parquet
from storage_core.index.reading import open_for_reading
from storage_core.index.snapshot import snapshot_path
from storage_core.index.views import PUBLIC_VIEWS
from tests.unit.index.builders import (
    SETTINGS,
    copy_all,
    fresh_index,
    handle,
    indexed_tree,
    repoint_all,
    version_item,
)
from tests.unit.index.test_opening import held_by_another_process


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """An index with one migrated and one waiting item, closed."""
    with fresh_index(tmp_path) as index:
        indexed_tree(index, version_item(2, 1, handle(10)))
        copy_all(index)
        repoint_all(index)
        index.reopen_for_reindex()
        indexed_tree(index, version_item(3, 1, handle(11)))
        index.note("a note", "with detail")
    return tmp_path / "project.duckdb"


def test_a_closed_index_is_read_itself(finished: Path) -> None:
    snapshot_path(finished).unlink()
    with open_for_reading(finished) as queries:
        assert not queries.is_live
        assert SETTINGS == queries.settings
        assert [("MIGRATED", 1), ("INDEXED", 1)] == sorted(
            ((count.status.value, count.items) for count in queries.counts()), reverse=True
        )
        assert [(2,)] == queries.rows("select count(*) from items_v1 where file_size = ?", [100])
        assert ["n"] == queries.arrow("select count(*) as n from items_v1").column_names
        assert abs(datetime.now(UTC) - queries.as_of).total_seconds() < 60


def test_an_index_that_another_process_works_on_is_read_from_its_snapshot(finished: Path) -> None:
    with held_by_another_process(finished), open_for_reading(finished) as queries:
        assert queries.is_live
        assert [(2,)] == queries.rows("select count(*) from items_v1")
        assert SETTINGS == queries.settings


def test_a_live_index_without_snapshot_names_its_holder(finished: Path) -> None:
    snapshot_path(finished).unlink()
    with held_by_another_process(finished) as pid, pytest.raises(IndexInUse, match=str(pid)):
        open_for_reading(finished)


def test_the_process_that_works_on_it_reads_the_snapshot_too(tmp_path: Path) -> None:
    with fresh_index(tmp_path) as index:
        with pytest.raises(IndexInUse):
            open_for_reading(tmp_path / "project.duckdb")
        indexed_tree(index, version_item(2, 1, handle(10)))
        index.publish(force=True)
        with open_for_reading(tmp_path / "project.duckdb") as queries:
            assert [("syn2",)] == queries.rows("select entity_id from items_v1")


def test_publishing_is_throttled_unless_forced(tmp_path: Path) -> None:
    with fresh_index(tmp_path) as index:
        index.publish()
        first = snapshot_path(tmp_path / "project.duckdb").stat().st_ino
        index.publish()
        assert first == snapshot_path(tmp_path / "project.duckdb").stat().st_ino
        index.publish(force=True)
        assert first != snapshot_path(tmp_path / "project.duckdb").stat().st_ino


def test_a_draft_that_a_killed_run_left_is_in_nobodys_way(tmp_path: Path) -> None:
    with fresh_index(tmp_path) as index:
        for name in ("project.snapshot.duckdb.draft", "project.snapshot.duckdb.draft.wal"):
            (tmp_path / name).write_bytes(b"half a snapshot")
        index.publish(force=True)
    assert {"project.duckdb", "project.snapshot.duckdb"} == {entry.name for entry in tmp_path.iterdir()}


def test_a_reader_keeps_what_it_opened_while_the_snapshot_is_replaced(finished: Path) -> None:
    with fresh_index(finished.parent) as index, open_for_reading(finished) as queries:
        index.note("later", "than the snapshot")
        index.publish(force=True)
        assert [(0,)] == queries.rows("select count(*) from events_v1 where event = 'later'")


def test_a_stewards_own_duckdb_can_read_the_snapshot(finished: Path) -> None:
    script = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('from errors_v1').columns[0])"
    command = [sys.executable, "-c", script, str(snapshot_path(finished))]
    with fresh_index(finished.parent):
        told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "item_id\n" == told.stdout


def test_the_snapshot_itself_can_be_opened(finished: Path) -> None:
    with open_for_reading(snapshot_path(finished)) as queries:
        assert [(2,)] == queries.rows("select count(*) from items_v1")


def test_a_killed_run_can_be_read(finished: Path) -> None:
    """Its write-ahead log is still there."""
    script = (
        "import os, sys\n"
        "from storage_core.index.opening import open_index\n"
        "index = open_index(sys.argv[1], None, create=False)\n"
        "index.note('last words', 'committed')\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(finished)], check=False)
    with open_for_reading(finished) as queries:
        assert [("committed",)] == queries.rows("select detail from events_v1 where event = 'last words'")


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no index at .*typo"):
        open_for_reading(tmp_path / "typo.duckdb")


def test_a_file_of_another_kind_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_bytes(b"nothing of ours")
    with pytest.raises(IndexUnusable):
        open_for_reading(tmp_path / "x.duckdb")


def test_views_and_snapshot_have_the_columns_that_are_documented(finished: Path, repository: Path) -> None:
    """docs/index.md is the contract: a table row per column, in order, under a heading per view."""
    documented: dict[str, list[str]] = {}
    view = ""
    for line in (repository / "docs" / "index.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            view = line.strip("# `")
        elif line.startswith("| `"):
            documented.setdefault(view, []).append(line.split("`")[1])
    documented["errors_v1"] = documented["items_v1"]

    for path in (finished, snapshot_path(finished)):
        with open_for_reading(path) as queries:
            for name in PUBLIC_VIEWS:
                assert documented[name] == queries.arrow(f"from {name}").column_names


def test_the_export_holds_every_row_in_its_schema(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "parquet"
    with open_for_reading(finished) as queries:
        export_parquet(queries, folder)
        expected = {view: queries.arrow(f"select count(*) from {view}").column(0)[0].as_py() for view in SCHEMAS}

    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert 2 == manifest["schema_version"]
    assert {f"{view}/part-0001.parquet": rows for view, rows in expected.items()} == {
        file["name"]: file["rows"] for file in manifest["files"]
    }
    for file in manifest["files"]:
        content = (folder / file["name"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
        table = pq.ParquetFile(folder / file["name"])
        assert SCHEMAS[file["name"].partition("/")[0]].equals(table.schema_arrow)
        assert "ZSTD" == table.metadata.row_group(0).column(0).compression
        assert 0o600 == (folder / file["name"]).stat().st_mode & 0o777


def test_an_export_replaces_the_one_before_as_a_whole(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parquet"
    with open_for_reading(finished) as queries:
        export_parquet(queries, folder)
        (folder / "copies_v1" / "part-0001.parquet").write_bytes(b"damaged")
        export_parquet(queries, folder)

    assert 2 == pq.read_metadata(folder / "copies_v1" / "part-0001.parquet").num_rows
    assert [] == [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_a_place_that_cannot_be_written_to_is_refused_in_words(finished: Path, tmp_path: Path) -> None:
    """As a full or a read-only disk is; nothing is left there."""
    (tmp_path / "file").write_text("in the way")

    with open_for_reading(finished) as queries, pytest.raises(UsageError, match="cannot be written to") as refused:
        export_parquet(queries, tmp_path / "file" / "export")

    assert "Choose a folder" in refused.value.fix


def test_long_views_are_cut_into_parts_that_hold_every_row_once(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two numbers to a part instead of a million; also where a slice is smaller than a part."""
    monkeypatch.setattr(parquet, "NUMBERS_PER_PART", 2)
    monkeypatch.setattr(parquet, "_ROWS_AT_ONCE", 1)
    with open_for_reading(finished) as queries:
        export_parquet(queries, tmp_path / "parquet")
        for view, key in (("items_v1", "item_id"), ("copies_v1", "copy_id"), ("events_v1", "seq")):
            parts = sorted((tmp_path / "parquet" / view).iterdir())
            numbers = [number for part in parts for number in pq.read_table(part).column(key).to_pylist()]
            assert [number for (number,) in queries.rows(f"select {key} from {view} order by {key}")] == numbers
            assert all(pq.read_metadata(part).num_rows <= 2 for part in parts)
    assert len(parts) > 1


def test_an_export_of_the_first_layout_is_replaced_and_its_log_can_be_checked(finished: Path, tmp_path: Path) -> None:
    """One file per view, as earlier releases wrote it."""
    folder = tmp_path / "parquet"
    with open_for_reading(finished) as queries:
        export_parquet(queries, folder)
        for view in SCHEMAS:
            (folder / view / "part-0001.parquet").rename(folder / f"{view}.parquet")
            (folder / view).rmdir()
        manifest = folder / "MANIFEST.json"
        manifest.write_text(manifest.read_text().replace("/part-0001.parquet", ".parquet"))
        assert check_log(folder).is_whole

        export_parquet(queries, folder)

    assert ["MANIFEST.json", *sorted(SCHEMAS)] == sorted(path.name for path in folder.iterdir())
    assert check_log(folder).is_whole


def test_an_empty_index_exports_empty_files(tmp_path: Path) -> None:
    fresh_index(tmp_path).close()
    with open_for_reading(tmp_path / "project.duckdb") as queries:
        export_parquet(queries, tmp_path / "parquet")

    assert 0 == pq.read_metadata(tmp_path / "parquet" / "items_v1" / "part-0001.parquet").num_rows


def test_an_export_does_not_replace_a_folder_with_other_files(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "thesis.docx").touch()
    with open_for_reading(finished) as queries, pytest.raises(UsageError, match=r"thesis\.docx"):
        export_parquet(queries, folder)
    assert ["thesis.docx"] == [entry.name for entry in folder.iterdir()]
