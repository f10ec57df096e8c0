"""`import-index`: what it says, and what it refuses."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

SETTINGS = {
    "root_id": "syn1",
    "dest_storage_location_id": 99,
    "source_storage_location_ids": ["7", "8"],
    "file_version_strategy": "all",
    "include_table_files": 1,
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An old index with one file that waits."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table migration_settings (settings text not null)")
        connection.execute("insert into migration_settings values (?)", (json.dumps(SETTINGS),))
        connection.execute(
            "create table migrations (id text not null, type integer not null, version integer, row_id integer,"
            " col_id integer, parent_id, status integer not null, exception text, from_storage_location_id,"
            " from_file_handle_id text, to_file_handle_id text, file_size integer)"
        )
        connection.execute("insert into migrations values ('syn2',3,1,null,null,'syn1',1,null,1,'13',null,10)")
        connection.commit()
    return path


def test_it_says_what_was_found_and_how_to_go_on(run_alone: Any, old: Path, tmp_path: Path) -> None:
    """The command it names fits the settings that the new index is bound to; no token is needed."""
    done = run_alone("import-index", str(old), "new.duckdb")

    assert 0 == done.returncode, done.stderr
    told, go_on = done.stdout.splitlines()
    assert "Imported 1 row made by synapseutils." in told
    assert "1 waiting" in told
    assert go_on == (
        "Go on with: synapse-storage migrate syn1 99 new.duckdb --file-version-strategy all --include-table-files"
        " --source-storage-location-ids 7 8"
    )
    assert (tmp_path / "new.duckdb").stat().st_mode & 0o077 == 0


def test_a_second_import_into_the_same_index_is_refused(run_alone: Any, old: Path) -> None:
    assert 0 == run_alone("import-index", str(old), "new.duckdb").returncode

    again = run_alone("import-index", str(old), "new.duckdb")

    assert (2, "") == (again.returncode, again.stdout)
    assert "is there already" in again.stderr


def test_what_is_no_old_index_is_said_in_one_sentence(run_alone: Any, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database")

    done = run_alone("import-index", "text.db", "new.duckdb", "--json")

    assert 2 == done.returncode
    assert "not an SQLite file" in json.loads(done.stdout)["error"]["what"]
    assert 1 == len(done.stderr.splitlines())
    assert not (tmp_path / "new.duckdb").exists()
