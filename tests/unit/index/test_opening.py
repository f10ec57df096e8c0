"""Opening an index: private, exclusive, and refusing in words that say what to do."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from storage_core.errors import IndexInUse, IndexUnusable, UsageError
from storage_core.index import opening
from storage_core.index.opening import open_index
from storage_core.index.schema import STEPS, SchemaStep
from storage_core.model.ids import StorageLocationId
from storage_core.model.settings import FileVersionStrategy
from tests.unit.index.builders import SETTINGS, fresh_index, handle, indexed_tree, statuses, version_item

HOLDER = """
import sys
from storage_core.index.opening import open_index
with open_index(sys.argv[1], None, create=False):
    print("open", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator[int]:
    """Its process id."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert "open\n" == holder.stdout.readline()
        yield holder.pid
        holder.communicate()


def modes(folder: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_mode & 0o777 for entry in folder.iterdir()}


def test_every_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    """Also the write-ahead log, the holder's note and the snapshot, and whatever the user's umask is."""
    before = os.umask(0o000)
    try:
        with fresh_index(tmp_path) as index:
            indexed_tree(index, version_item(2, 1, handle(10)))
            index.publish(force=True)
            while_open = modes(tmp_path)
    finally:
        os.umask(before)

    names = {"project.duckdb", "project.duckdb.wal", "project.duckdb.holder", "project.snapshot.duckdb"}
    assert dict.fromkeys(names, 0o600) == while_open
    assert {"project.duckdb": 0o600, "project.snapshot.duckdb": 0o600} == modes(tmp_path)


def test_the_callers_umask_is_left_as_it_was(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with fresh_index(tmp_path) as index:
            index.note("something", "happened")
            (tmp_path / "report").touch()
            assert 0o640 == modes(tmp_path)["report"]
    finally:
        os.umask(before)


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with fresh_index(tmp_path) as index:
        indexed_tree(index, version_item(2, 1, handle(10)))
        before = index.counts()

    with open_index(tmp_path / "project.duckdb", None, create=False) as again:
        assert before == again.counts()
        assert SETTINGS == again.settings


def test_settings_are_equal_in_any_order(tmp_path: Path) -> None:
    one = replace(SETTINGS, source_location_ids=(StorageLocationId(9), StorageLocationId(1)))
    other = replace(SETTINGS, source_location_ids=(StorageLocationId(1), StorageLocationId(9), StorageLocationId(1)))
    fresh_index(tmp_path, one).close()

    fresh_index(tmp_path, other).close()


def test_settings_that_led_nowhere_are_no_obstacle(tmp_path: Path) -> None:
    """A mistyped destination was refused before anything was found; the corrected one goes into the same file."""
    fresh_index(tmp_path).close()
    corrected = replace(SETTINGS, destination=StorageLocationId(88))
    with fresh_index(tmp_path, corrected) as index:
        assert corrected == index.settings
    with open_index(tmp_path / "project.duckdb", None, create=False) as again:
        assert corrected == again.settings
        indexed_tree(again, version_item(2, 1, handle(10)))
    with pytest.raises(IndexUnusable, match="'88' in the index, '77' was asked for"):
        fresh_index(tmp_path)


@pytest.mark.parametrize("name", ["loop.duckdb", "x" * 300 + ".duckdb"])
def test_a_path_where_no_file_can_be_is_refused_in_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "loop.duckdb":
        path.symlink_to(path)
    with pytest.raises(UsageError, match="cannot be the path of an index"):
        open_index(path, SETTINGS, create=True)


def test_another_migration_is_refused_and_each_difference_named(tmp_path: Path) -> None:
    with fresh_index(tmp_path) as index:
        indexed_tree(index, version_item(2, 1, handle(10)))
    other = replace(
        SETTINGS,
        destination=StorageLocationId(88),
        strategy=FileVersionStrategy.NEW,
        source_location_ids=(StorageLocationId(1),),
    )
    with pytest.raises(IndexUnusable) as refusal:
        fresh_index(tmp_path, other)

    for part in (
        "destination_storage_location_id is '77' in the index, '88' was asked for",
        "source_storage_location_ids is 'any' in the index, '1' was asked for",
        "file_version_strategy is 'all' in the index, 'new' was asked for",
    ):
        assert part in refusal.value.what
    assert "root_ids" not in refusal.value.what


def test_a_missing_index_is_not_made_by_accident(tmp_path: Path) -> None:
    for settings, create in ((SETTINGS, False), (None, True)):
        with pytest.raises(UsageError, match="There is no index at") as refusal:
            open_index(tmp_path / "typo.duckdb", settings, create=create)
        assert "synapse-storage index" in refusal.value.fix
    assert [] == list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no folder .*nowhere"):
        open_index(tmp_path / "nowhere" / "x.duckdb", SETTINGS, create=True)


def test_a_folder_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        open_index(tmp_path, SETTINGS, create=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="is not writable"):
            fresh_index(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_an_empty_file_becomes_an_index(tmp_path: Path) -> None:
    """`touch` or `mktemp` made it."""
    (tmp_path / "project.duckdb").touch(mode=0o644)
    with fresh_index(tmp_path):
        assert 0o600 == modes(tmp_path)["project.duckdb"]


@pytest.mark.parametrize("content", [b"hello", b"PAR1" * 5000, b"SQL"])
def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "project.duckdb"
    path.write_bytes(content)
    with pytest.raises(IndexUnusable) as refusal:
        open_index(path, SETTINGS, create=True)

    assert str(path) in refusal.value.what
    assert refusal.value.fix
    assert content == path.read_bytes()
    assert ["project.duckdb"] == [entry.name for entry in tmp_path.iterdir()]


def test_an_index_of_the_old_client_is_told_the_way_in(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute("create table migrations (id text not null)")
    with pytest.raises(IndexUnusable, match="SQLite") as refusal:
        open_index(path, SETTINGS, create=True)

    assert "synapse-storage import-index" in refusal.value.fix


def test_somebody_elses_duckdb_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(str(path)) as theirs:
        theirs.execute("create table precious (a integer)")
    with pytest.raises(IndexUnusable, match="no index of synapse-storage"):
        open_index(path, SETTINGS, create=True)

    with duckdb.connect(str(path)) as theirs:
        assert [("precious",)] == theirs.execute("select table_name from duckdb_tables()").fetchall()


@pytest.mark.parametrize("keep", [4096, 12288, 100_000])
def test_a_damaged_file_is_refused_with_a_way_out(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "project.duckdb"
    fresh_index(tmp_path).close()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(IndexUnusable, match="cannot be read as an index") as refusal:
        open_index(path, SETTINGS, create=True)

    assert "backup" in refusal.value.fix
    assert path.exists()


def test_an_index_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "project.duckdb"
    fresh_index(tmp_path).close()
    with duckdb.connect(str(path)) as newer:
        newer.execute("insert into schema_step values (999, 'from the future', now()::timestamp)")
    with pytest.raises(IndexUnusable, match="index format 999"):
        open_index(path, SETTINGS, create=True)


def test_an_older_index_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_index(tmp_path) as index:
        indexed_tree(index, version_item(2, 1, handle(10)))
    step = SchemaStep(number=len(STEPS) + 1, name="colours", statements=("alter table item add column colour varchar",))
    monkeypatch.setattr(opening, "STEPS", (*STEPS, step))
    for _ in range(2):
        with open_index(tmp_path / "project.duckdb", SETTINGS, create=False) as again:
            assert [(step.number, "colours")] == again._database.rows(
                "select number, name from schema_step order by number desc limit 1"
            )
            assert [(None,)] == again._database.rows("select colour from item")


def test_a_schema_step_is_applied_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh_index(tmp_path).close()
    broken = SchemaStep(
        number=len(STEPS) + 1, name="broken", statements=("create table half (a integer)", "this is no SQL")
    )
    with monkeypatch.context() as patched:
        patched.setattr(opening, "STEPS", (*STEPS, broken))
        with pytest.raises(IndexUnusable):
            fresh_index(tmp_path)

    with fresh_index(tmp_path) as index:
        assert [] == index._database.rows("select 1 from duckdb_tables() where table_name = 'half'")
        assert [(len(STEPS),)] == index._database.rows("select max(number) from schema_step")


def test_an_index_that_was_killed_before_it_was_bound_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "project.duckdb"
    fresh_index(tmp_path).close()
    with duckdb.connect(str(path)) as killed:
        killed.execute("delete from setting")
    with pytest.raises(IndexUnusable):
        open_index(path, None, create=False)
    with fresh_index(tmp_path) as index:
        assert SETTINGS == index.settings


def test_a_second_process_is_refused_and_told_whom_to_ask(tmp_path: Path) -> None:
    path = tmp_path / "project.duckdb"
    fresh_index(tmp_path).close()
    with held_by_another_process(path) as pid:
        with pytest.raises(IndexInUse) as refusal:
            fresh_index(tmp_path)
        with pytest.raises(IndexInUse, match=f"process {pid} .* since "):
            fresh_index(tmp_path)

    assert f"process {pid} (" in refusal.value.what
    assert "python" in refusal.value.what
    assert "status" in refusal.value.fix
    fresh_index(tmp_path).close()


def test_a_second_opening_in_the_same_process_is_refused(tmp_path: Path) -> None:
    """DuckDB would share the connection: two ledgers would count the same numbers."""
    (tmp_path / "link").symlink_to(tmp_path / "project.duckdb")
    with fresh_index(tmp_path) as index:
        with pytest.raises(IndexInUse, match="this very process"):
            fresh_index(tmp_path)
        with pytest.raises(IndexInUse, match="this very process"):
            open_index(tmp_path / "link", SETTINGS, create=False)
        index.note("still", "usable")
        # Closing any descriptor of a file drops the process's locks on it: looking at the file must not.
        other = subprocess.run(
            [sys.executable, "-c", HOLDER, str(tmp_path / "project.duckdb")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "IndexInUse" in other.stderr
    fresh_index(tmp_path).close()


def test_a_failed_opening_can_be_repeated(tmp_path: Path) -> None:
    with fresh_index(tmp_path) as index:
        indexed_tree(index, version_item(2, 1, handle(10)))
    with pytest.raises(IndexUnusable):
        fresh_index(tmp_path, replace(SETTINGS, include_tables=True))
    fresh_index(tmp_path).close()


def test_only_the_thread_that_opened_it_may_use_it(tmp_path: Path) -> None:
    """A connection shared by threads returns wrong rows without any error."""
    with fresh_index(tmp_path) as index:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            refusal = pool.submit(index.counts).exception()
        assert isinstance(refusal, RuntimeError)
        assert {} == statuses(index)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    index = fresh_index(tmp_path)
    index.close()
    index.close()
