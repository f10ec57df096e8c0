"""The Python interface of the migration: the old names and signatures, against a sandbox."""

import asyncio
import csv
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox.faults import FaultKind, FaultRule
from storage_core.api import Connection, File, Folder, MigrationResult, Project, Table
from storage_core.api.migrating import (
    index_files_for_migration,
    index_files_for_migration_async,
    migrate_indexed_files,
    migrate_indexed_files_async,
    settings_from,
)
from storage_core.config import load_config
from storage_core.errors import FailureThresholdReached, IndexInUse, IndexUnusable, NotConfirmed, UsageError
from storage_core.index.opening import open_index


@pytest.fixture
def demo(start_sandbox, monkeypatch):
    """A sandbox with the sample project, and an environment that points at it."""
    sandbox = start_sandbox(scenario="demo")
    point_at(sandbox, monkeypatch)
    return sandbox.facts


def point_at(sandbox, monkeypatch):
    for name, value in (sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}).items():
        monkeypatch.setenv(name, value)


def test_a_project_is_indexed_and_migrated_by_positional_arguments(demo, tmp_path):
    """Numbers do where the existing client wants texts, and the other way round."""
    project = Project(demo.root_id)
    path = tmp_path / "m.db"

    indexed = project.index_files_for_migration(str(demo.destination_id), path, file_version_strategy="all")
    waiting = indexed.get_counts_by_status()
    migrated = project.migrate_indexed_files(path, force=True)

    counts = migrated.counts_by_status
    assert waiting["INDEXED"] > 20
    assert (0, waiting["INDEXED"], waiting["ALREADY_MIGRATED"]) == (
        counts["INDEXED"],
        counts["MIGRATED"],
        counts["ALREADY_MIGRATED"],
    )
    assert str(path) == migrated.db_path


@pytest.mark.anyio
async def test_blocking_and_asynchronous_calls_work_inside_a_running_loop(demo, tmp_path):
    """As in a notebook; and the loop is not held up by the asynchronous ones."""
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    project = Project(demo.root_id)
    indexed = await project.index_files_for_migration_async(demo.destination_id, tmp_path / "m.db")
    before = ticks
    waiting = (await indexed.get_counts_by_status_async())["INDEXED"]
    again = project.index_files_for_migration(demo.destination_id, tmp_path / "m.db").counts_by_status["INDEXED"]
    migrated = await project.migrate_indexed_files_async(indexed.db_path, force=True)
    ticking.cancel()

    assert before > 3
    assert waiting == again
    assert waiting == migrated.get_counts_by_status()["MIGRATED"]
    assert len(await migrated.get_migrations_async()) == sum(migrated.counts_by_status.values())


def test_the_functions_keep_the_old_signatures(demo, tmp_path):
    """Positional to the end, a client of synapseclient in front; the migration carries on where its token may."""
    client = SimpleNamespace(credentials=SimpleNamespace(secret="wrong"), repoEndpoint=None)
    path = str(tmp_path / "m.db")

    with pytest.raises(Exception, match="token"):
        index_files_for_migration(client, demo.root_id, demo.destination_id, tmp_path / "other.db")
    indexed = index_files_for_migration(
        None, demo.root_id, str(demo.destination_id), path, [*demo.source_location_ids, "1"], "latest", True, True
    )
    migrated = migrate_indexed_files(None, path, False, True, True)

    assert indexed.get_counts_by_status()["INDEXED"] == 0 == migrated.get_counts_by_status()["INDEXED"]
    assert migrated.get_counts_by_status()["MIGRATED"] > 20
    types = {row["type"] for row in migrated.get_migrations() if row["status"] == "MIGRATED"}
    assert {"file", "table"} == types


@pytest.mark.anyio
async def test_a_cancelled_migration_ends_soon_and_goes_on_later(start_sandbox, monkeypatch, tmp_path):
    """What is in flight is finished and recorded, so the second call does the rest, and nothing twice."""
    sandbox = start_sandbox(scenario="demo", latency_seconds=0.05)
    point_at(sandbox, monkeypatch)
    folder = Folder(id=sandbox.facts.root_id)
    await folder.index_files_for_migration_async(sandbox.facts.destination_id, tmp_path / "m.db")
    running = asyncio.create_task(folder.migrate_indexed_files_async(tmp_path / "m.db", force=True))
    await asyncio.sleep(1.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    left = await once_free(tmp_path / "m.db")
    result = await folder.migrate_indexed_files_async(tmp_path / "m.db", force=True)

    assert left > 0
    assert 25 == result.counts_by_status["MIGRATED"]
    versions = [
        len(sandbox.world.entities.require(row["id"]).versions)
        for row in result.get_migrations()
        if row["status"] == "MIGRATED"
    ]
    assert versions == [row["new_version"] for row in result.get_migrations() if row["status"] == "MIGRATED"]


async def once_free(path):
    """Places that still wait when the thread of the cancelled call has let go of the index."""
    for _ in range(300):
        try:
            with open_index(path, None, create=False) as index:
                return index.ahead().repoints
        except IndexInUse:
            await asyncio.sleep(0.1)
    pytest.fail("the index was never let go of")


def test_a_connection_says_who_asks_and_where(demo, tmp_path, monkeypatch):
    """Also when the environment says nothing."""
    config = load_config()
    monkeypatch.delenv("SYNAPSE_AUTH_TOKEN")

    with Connection(config) as connection:
        result = Project(demo.root_id).index_files_for_migration(
            demo.destination_id, tmp_path / "m.db", synapse_client=connection
        )

    assert result.counts_by_status["INDEXED"] > 20


def test_a_fresh_folder_is_made_when_no_path_is_given(demo):
    result = Project(int(demo.root_id[3:])).index_files_for_migration(demo.destination_id)

    assert Path(result.db_path).name == f"migration_{demo.root_id}.duckdb"
    assert Path(result.db_path).is_file()
    assert Path(result.db_path).parent.stat().st_mode & 0o077 == 0


def test_a_file_and_a_table_can_be_moved_alone(demo, tmp_path):
    file, table = File(demo.landmarks["readme"]), Table(id=demo.landmarks["table"])

    file.index_files_for_migration(demo.destination_id, tmp_path / "f.db")
    moved = file.migrate_indexed_files(tmp_path / "f.db", force=True)
    table.index_files_for_migration(demo.destination_id, tmp_path / "t.db", include_table_files=True)
    attached = table.migrate_indexed_files(tmp_path / "t.db", create_table_snapshots=False, force=True)

    assert [(demo.landmarks["readme"], "MIGRATED")] == [(row["id"], row["status"]) for row in moved.get_migrations()]
    assert {demo.landmarks["table"]} == {row["id"] for row in attached.get_migrations()}
    assert {"MIGRATED", "ALREADY_MIGRATED"} == {row["status"] for row in attached.get_migrations()}


@pytest.mark.parametrize("as_text", [True, False])
def test_several_entities_are_one_migration(demo, tmp_path, as_text):
    """A list of entities and ids, or a text with commas; the methods of each of them carry on with the one index."""
    file, table = File(demo.landmarks["readme"]), Table(id=demo.landmarks["table"])
    both = f"{file.id},{table.id}" if as_text else [file, demo.landmarks["table"]]

    index_files_for_migration(None, both, demo.destination_id, tmp_path / "m.db", None, "latest", True)
    moved = table.migrate_indexed_files(tmp_path / "m.db", force=True)

    assert {file.id, table.id} == {row["id"] for row in moved.get_migrations() if row["status"] == "MIGRATED"}
    assert 0 == moved.counts_by_status["INDEXED"]


def test_no_entity_at_all_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", "some-token")
    with pytest.raises(UsageError, match="No entity"):
        index_files_for_migration(None, [], 99, tmp_path / "m.db")


def test_without_a_terminal_nothing_is_migrated_unless_forced(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    project = Project(demo.root_id)
    project.index_files_for_migration(demo.destination_id, tmp_path / "m.db")

    with pytest.raises(NotConfirmed, match="no terminal"):
        project.migrate_indexed_files(tmp_path / "m.db")

    assert migrated(tmp_path / "m.db") == 0


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_a_person_is_asked_in_the_old_words(demo, tmp_path, monkeypatch, capsys, answer, agreed):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    project = Project(demo.root_id)
    project.index_files_for_migration(demo.destination_id, tmp_path / "m.db")

    if agreed:
        assert project.migrate_indexed_files(tmp_path / "m.db").counts_by_status["MIGRATED"] > 10
    else:
        with pytest.raises(NotConfirmed, match="aborted"):
            project.migrate_indexed_files(tmp_path / "m.db")
        assert migrated(tmp_path / "m.db") == 0
    assert f"for migration to {demo.destination_id}. Proceed? (y/n)? " in capsys.readouterr().err


def test_the_csv_begins_with_the_old_columns(demo, tmp_path):
    result = Project(demo.root_id).index_files_for_migration(demo.destination_id, tmp_path / "m.db")

    result.as_csv(tmp_path / "log.csv")

    with (tmp_path / "log.csv").open() as file:
        header = next(csv.reader(file))
    assert ["id", "type", "version", "row_id", "col_name", "from_storage_location_id"] == header[:6]
    assert result.to_arrow().num_rows == sum(result.counts_by_status.values())
    result.to_parquet(tmp_path / "parquet")
    assert (tmp_path / "parquet" / "items_v1" / "part-0001.parquet").is_file()


def test_the_first_failure_is_raised_unless_errors_are_to_be_passed(start_sandbox, monkeypatch, tmp_path):
    """A file that may not be downloaded; what was found until then is kept, and the same call goes on."""
    sandbox = start_sandbox(scenario="mixed")
    point_at(sandbox, monkeypatch)
    project = Project(sandbox.facts.root_id)
    (secret,) = sandbox.facts.unreadable_ids

    with pytest.raises(FailureThresholdReached, match=f"{secret}.*continue_on_error=True"):
        project.index_files_for_migration(sandbox.facts.destination_id, tmp_path / "m.db")
    result = project.index_files_for_migration(sandbox.facts.destination_id, tmp_path / "m.db", continue_on_error=True)

    errored = [row for row in result.get_migrations() if row["status"] == "ERRORED"]
    assert [secret] == [row["id"] for row in errored]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"entity": "folder"}, "no.* Synapse id|not a Synapse id"),
        ({"entity": Project(None)}, "must have an id"),
        ({"dest_storage_location_id": "home"}, "no.* storage location id"),
        ({"file_version_strategy": "some"}, "new, latest, all, skip"),
        ({"file_version_strategy": "skip"}, "leaves nothing to migrate"),
        ({"source_storage_location_ids": [0]}, "not a storage location id"),
        ({"syn": object()}, "no signed-in Synapse client"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_made(tmp_path, monkeypatch, arguments, why):
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", "some-token")
    usual = {"syn": None, "entity": "syn1", "dest_storage_location_id": 99, "db_path": tmp_path / "m.db"}

    with pytest.raises(UsageError, match=why):
        index_files_for_migration(**(usual | arguments))

    assert [] == list(tmp_path.iterdir())


def test_an_index_of_the_existing_client_is_pointed_to_its_import(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", "some-token")
    old = tmp_path / "old.db"
    old.write_bytes(b"SQLite format 3\x00" + bytes(4000))

    for attempt in (
        lambda: index_files_for_migration(None, "syn1", 99, old),
        lambda: migrate_indexed_files(None, old, force=True),
        lambda: Project("syn1").migrate_indexed_files(old, force=True),
    ):
        with pytest.raises(IndexUnusable, match="import-index"):
            attempt()


def test_an_index_of_another_entity_is_refused(demo, tmp_path):
    Project(demo.root_id).index_files_for_migration(demo.destination_id, tmp_path / "m.db")

    with pytest.raises(UsageError, match=f"index of {demo.root_id}, not of syn7"):
        Project("syn7").migrate_indexed_files(tmp_path / "m.db", force=True)


@pytest.mark.anyio
async def test_the_functions_have_asynchronous_twins(demo, tmp_path):
    path = tmp_path / "m.db"
    await index_files_for_migration_async(None, demo.root_id, demo.destination_id, path)
    result = await migrate_indexed_files_async(None, path, force=True)

    assert result.counts_by_status["MIGRATED"] > 10


def migrated(path):
    return MigrationResult(path).counts_by_status["MIGRATED"]


@pytest.mark.parametrize(
    "entity", [None, 1.5, object(), {"id": "syn1"}, b"syn1", ["syn1", None], "syn1.2", "syn\u0663"]
)
def test_what_is_no_entity_is_refused_in_words(entity, tmp_path):
    with pytest.raises(UsageError):
        settings_from(entity, 54321, sources=None, strategy="new", include_tables=False)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("54321", (54321,)),
        (54321, (54321,)),
        ("1, 54321", (1, 54321)),
        (["1", 54321], (1, 54321)),
        ([], ()),
        ("", ()),
        (None, ()),
    ],
)
def test_a_source_alone_is_one_source(sources, expected):
    """A text is no list of digits: "54321" must not come to mean locations 5, 4, 3, 2 and 1."""
    settings = settings_from("syn1", 99, sources=sources, strategy="new", include_tables=False)
    assert expected == settings.source_location_ids


def test_a_result_is_made_in_either_of_the_existing_clients_ways(demo, tmp_path):
    path = tmp_path / "m.db"
    made = Project(demo.root_id).index_files_for_migration(demo.destination_id, path)
    for result in (
        MigrationResult(path),
        MigrationResult(str(path), None),
        MigrationResult(object(), path),
        MigrationResult(db_path=path, synapse_client=None),
    ):
        assert made.counts_by_status == result.counts_by_status
        assert type(made) is type(result)
    with pytest.raises(UsageError, match="db_path"):
        MigrationResult()


def test_failed_items_go_back_to_work_from_python_too(tmp_path, start_sandbox, monkeypatch):
    """Only those of the class asked for. Asked for strictly, a proof that says more than a reading needs none."""
    sandbox = start_sandbox(scenario="flat", size=3)
    point_at(sandbox, monkeypatch)
    refusal = FaultRule(kind=FaultKind.STATUS_BEFORE, method="PUT", path="newVersion=true", status=403, times=1)
    sandbox.faults.add(refusal)
    path = tmp_path / "m.db"
    project = Project(sandbox.facts.root_id)
    project.index_files_for_migration(sandbox.facts.destination_id, path)

    first = project.migrate_indexed_files(path, force=True, continue_on_error=True, proof="strict")
    assert 1 == first.counts_by_status["ERRORED"]
    again = project.migrate_indexed_files(path, force=True, retry_errors="retryable")
    assert 1 == again.counts_by_status["ERRORED"]
    last = project.migrate_indexed_files(path, force=True, retry_errors="needs-a-person")
    assert 3 == last.counts_by_status["MIGRATED"]
    assert {"part-etag"} == {item["proof"] for item in last.get_migrations()}


@pytest.mark.parametrize("word", [{"proof": "paranoid"}, {"retry_errors": "some"}, {"engine": "bogus"}])
def test_a_word_that_is_not_known_is_refused_with_those_that_are(word, tmp_path):
    with pytest.raises(UsageError, match=next(iter(word))) as refusal:
        migrate_indexed_files(None, tmp_path / "m.db", force=True, **word)
    assert "Choose one of" in refusal.value.fix
