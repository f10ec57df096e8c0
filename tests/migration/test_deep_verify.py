"""`verify --deep`: places are read themselves, objects to their end; what is found stays in the index."""

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import migrate_words, run, snapshot, writes
from test_kill import kill_after

from sandbox.server import Sandbox
from sandbox.synapse.columns import ColumnType

TABLES = "--include-table-files"


@pytest.fixture
def moved(start_sandbox, tmp_path) -> Sandbox:
    """The sample project, migrated in place. The genome counts as proven by a checksum, the readme by its structure:
    what a copy in many parts comes to, without its many bytes."""
    sandbox = start_sandbox(scenario="demo")
    done = run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "latest", TABLES))
    assert 0 == done.returncode, done.stderr
    for landmark, rung in (("genome", "checksum"), ("readme", "structural")):
        handle = sandbox.world.entities.require(sandbox.facts.landmarks[landmark]).current.handle_id
        with duckdb.connect(str(tmp_path / "m.duckdb")) as database:
            database.execute("update copy set proof = ? where to_handle = ?", [rung, int(handle)])
    return sandbox


def deep(sandbox: Sandbox, home: Path, *more: str) -> tuple[int, Any]:
    """Exit code and document."""
    done = run(sandbox, home, ["verify", str(home / "m.duckdb"), "--deep", "--json", *more])
    return done.returncode, json.loads(done.stdout)


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "m.duckdb"), read_only=True) as database:
        return database.execute(sql).fetchall()


def status_of(home: Path, entity_id: str) -> set[tuple[str, str | None]]:
    return set(rows(home, f"select status, reason from items_v1 where entity_id = '{entity_id}'"))


def damage(sandbox: Sandbox, entity_id: str) -> Any:
    """Overwrite the object behind a file with other bytes of the same size; what was there."""
    handle = sandbox.world.handles.require(sandbox.world.entities.require(entity_id).current.handle_id)
    stored = sandbox.world.objects.get(handle.bucket, handle.key)
    sandbox.world.objects.put(handle.bucket, handle.key, b"X" * stored.content.size)
    return handle, stored


def test_all_is_well_and_weak_proofs_become_stronger_once(moved, tmp_path):
    """One call per file version, few for tables, one per object; Synapse is not written to."""
    before = snapshot(moved)
    ((files, cells),) = rows(
        tmp_path,
        "select count(*) filter (kind = 'file'), count(*) filter (kind = 'table') from items_v1"
        " where status = 'MIGRATED'",
    )
    moved.app.traffic.reset()

    code, told = deep(moved, tmp_path)

    assert (0, files + cells, 1) == (code, told["places"]["good"], told["objects"]["good"])
    assert [] == told["findings"]
    assert [("reread",)] == rows(
        tmp_path, f"select distinct proof from items_v1 where entity_id = '{moved.facts.landmarks['readme']}'"
    )
    assert [("read and hashed: reread",)] == rows(
        tmp_path,
        "select split_part(detail, ': ', 2) || ': ' || split_part(detail, ': ', 3) from events_v1"
        " where event = 'proven again'",
    )
    assert files + 1 < told["calls"] <= files + 10
    assert 0 == writes(moved)
    assert before == snapshot(moved)
    assert 0 == deep(moved, tmp_path)[1]["objects"]["good"]


def test_what_somebody_changed_is_seen_kept_and_picked_up_by_the_next_index(moved, tmp_path):
    """A version that refers elsewhere, a deleted file, a changed cell, a deleted row: plain verify sees none."""
    world, facts = moved.world, moved.facts
    readme, figure = world.entities.require(facts.landmarks["readme"]), facts.landmarks["provenance"]
    theirs = world.entities.require(facts.landmarks["history"]).versions[0].handle_id
    ours = readme.current.handle_id
    world.entities.set_handle(readme, readme.current, theirs)
    world.entities.trash(world.entities.require(figure))
    table = world.entities.require(facts.landmarks["table"])
    (column, *_) = [one.id for one in world.tables.schema_of(table) if one.type is ColumnType.FILEHANDLEID]
    cell = rows(tmp_path, "select row_id from items_v1 where kind = 'table' and status = 'MIGRATED' order by 1")[0][0]
    world.tables.update(world, table, {cell: {column: theirs}}, user_id=world.principals.colleague.id)

    assert 0 == run(moved, tmp_path, ["verify", str(tmp_path / "m.duckdb")]).returncode
    code, told = deep(moved, tmp_path, "--bytes", "none")

    assert (1, 3, {}) == (code, told["places"]["drifted"], {k: v for k, v in told["objects"].items() if v})
    assert {(readme.id, "HANDLE_CHANGED"), (figure, "GONE"), (table.id, "HANDLE_CHANGED")} == {
        (one["id"], one["reason"]) for one in told["findings"]
    }
    assert {("DRIFTED", "HANDLE_CHANGED")} == status_of(tmp_path, readme.id)
    assert {("DRIFTED", "GONE")} == status_of(tmp_path, figure)

    world.entities.set_handle(readme, readme.current, ours)
    again, told = deep(moved, tmp_path, "--bytes", "none")
    assert (1, 2) == (again, told["places"]["drifted"])
    assert {("MIGRATED", None)} == status_of(tmp_path, readme.id)

    facts = moved.facts
    words = ["index", facts.root_id, str(facts.destination_id), str(tmp_path / "m.duckdb"), TABLES]
    assert 0 == run(moved, tmp_path, [*words, "--file-version-strategy", "latest"]).returncode
    assert ("INDEXED", None) in status_of(tmp_path, table.id)


def test_a_damaged_object_is_found_and_not_forgotten_until_it_is_whole_again(moved, tmp_path):
    """Neither by `retry` nor by looking at the project again; nothing is repaired behind anybody's back."""
    readme = moved.facts.landmarks["readme"]
    handle, stored = damage(moved, readme)

    code, told = deep(moved, tmp_path)

    assert (4, 1) == (code, told["objects"]["differs"])
    assert {("ERRORED", "READ_BACK_DIFFERS")} == status_of(tmp_path, readme)
    facts = moved.facts
    words = ["index", facts.root_id, str(facts.destination_id), str(tmp_path / "m.duckdb"), TABLES]
    run(moved, tmp_path, ["retry", str(tmp_path / "m.duckdb"), "all"])
    run(moved, tmp_path, [*words, "--file-version-strategy", "latest"])
    done = run(moved, tmp_path, migrate_words(moved, tmp_path / "m.duckdb", "latest", TABLES))
    assert 4 == done.returncode, done.stderr
    assert {("ERRORED", "READ_BACK_DIFFERS")} == status_of(tmp_path, readme)

    moved.world.objects.put(handle.bucket, handle.key, stored.content)
    code, told = deep(moved, tmp_path)
    assert (0, 1) == (code, told["objects"]["good"])
    assert {("MIGRATED", None)} == status_of(tmp_path, readme)


def test_a_lost_object_counts_as_damage_and_a_strong_proof_is_looked_at_only_when_asked(moved, tmp_path):
    figure = moved.world.entities.require(moved.facts.landmarks["provenance"])
    handle = moved.world.handles.require(figure.current.handle_id)
    moved.world.objects.delete(handle.bucket, handle.key)
    genome = moved.world.entities.require(moved.facts.landmarks["genome"]).current.handle_id
    with duckdb.connect(str(tmp_path / "m.duckdb")) as database:
        # 30 GB need not be hashed here
        database.execute("update copy set status = 'FAILED' where to_handle = ?", [int(genome)])

    assert 0 == deep(moved, tmp_path)[0]
    code, told = deep(moved, tmp_path, "--bytes", "all")

    assert (4, 1) == (code, told["objects"]["differs"])
    assert [figure.id] == [one["id"] for one in told["findings"]]
    assert told["objects"]["good"] > 10
    assert {"part-etag", "checksum", "reread"} >= {
        rung for (rung,) in rows(tmp_path, "select distinct proof from copies_v1 where status = 'PROVEN'")
    }


def test_a_killed_verification_goes_on_where_it_was(start_sandbox, tmp_path):
    """What was noted is not read again, and what the killed run found is in the report of the next."""
    sandbox = start_sandbox(scenario="demo", latency_seconds=0.05)
    index = str(tmp_path / "m.duckdb")
    assert 0 == run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "all")).returncode
    places = rows(tmp_path, "select count(*) from items_v1 where status = 'MIGRATED'")[0][0]
    words = ["verify", index, "--deep", "--bytes", "none"]

    # outcomes are gathered for a second before they are committed
    assert kill_after(sandbox, tmp_path, words, calls=places - 4, pause=0)
    noted = rows(tmp_path, "select count(*) from checked")[0][0]
    sandbox.app.traffic.reset()
    code, told = deep(sandbox, tmp_path, "--bytes", "none")

    assert (0, places) == (code, told["places"]["good"])
    assert told["calls"] <= places - noted + 2


def test_bytes_without_deep_is_refused(sandbox, tmp_path):
    done = run(sandbox, tmp_path, ["verify", str(tmp_path / "m.duckdb"), "--bytes", "all"])
    assert 2 == done.returncode
    assert "--deep" in done.stderr
