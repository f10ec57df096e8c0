"""`rollback`: every migrated place refers to its old object again, and nothing else changes."""

import json
import random
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from expectation import Expectation, State, files_in
from harness import migrate_words, run, snapshot, writes
from test_kill import kill_after

from sandbox.server import Sandbox
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.kinds import Kind

TABLES = "--include-table-files"


@pytest.fixture
def demo(start_sandbox) -> Sandbox:
    """The sample project; as in most projects, its files were uploaded by somebody else than the steward."""
    return start_sandbox(scenario="demo")


@pytest.fixture
def own(demo) -> Sandbox:
    """The sample project of a steward who has uploaded all of it."""
    for handle in [one for one in demo.world.handles.all() if one.created_by == demo.world.principals.colleague.id]:
        demo.world.handles.change(handle.id, created_by=demo.world.principals.demo.id)
    return demo


def expectation_of(sandbox: Sandbox, strategy: str) -> Expectation:
    world = sandbox.world
    schemas = [world.tables.schema_of(one) for one in world.entities.all() if one.kind is Kind.TABLE]
    columns = {one.id for schema in schemas for one in schema if one.type is ColumnType.FILEHANDLEID}
    facts = sandbox.facts
    return Expectation(
        snapshot(sandbox),
        facts.root_id,
        facts.destination_id,
        strategy,
        unreadable=set(),
        file_columns=frozenset(columns),
    )


def object_of(state: State, handle_id: str | None) -> tuple[Any, Any] | None:
    """Bucket and key: two records of one object are the same bytes."""
    if handle_id is None:
        return None
    handle = state["handles"][handle_id]
    return handle.get("bucketName"), handle.get("key")


def not_as_before(expected: Expectation, after: State) -> list[str]:
    """Places that do not refer to the object they had before the migration; added versions count with their source."""
    before, wrong = expected.before, []
    for entity_id, entity in before["entities"].items():
        now = {one["number"]: one for one in after["entities"][entity_id]["versions"]}
        old = {one["number"]: one for one in entity["versions"]}
        for number, version in now.items():
            source = old.get(number) or max(old.values(), key=lambda one: one["number"])
            if entity["kind"] in {"file", "recordset"} and object_of(after, version["handleId"]) != object_of(
                before, source["handleId"]
            ):
                wrong.append(f"{entity_id}.{number} refers to another object than before")
        wrong += [f"{entity_id}.{one} is gone" for one in old.keys() - now.keys()]
        rows = before["tables"].get(entity_id, {"rows": {}})["rows"]
        for row_id, row in rows.items():
            cells = after["tables"][entity_id]["rows"][row_id]["cells"]
            for column, value in row["cells"].items():
                is_file = column in expected.file_columns
                same = (
                    object_of(after, cells[column]) == object_of(before, value) if is_file else cells[column] == value
                )
                if not same:
                    wrong.append(f"{entity_id} row {row_id} column {column} is not as before")
    return wrong


def moved(sandbox: Sandbox, home: Path, strategy: str) -> Expectation:
    """Migrate all; what was expected of that."""
    expected = expectation_of(sandbox, strategy)
    done = run(sandbox, home, migrate_words(sandbox, home / "m.duckdb", strategy, TABLES))
    assert 0 == done.returncode, done.stderr
    assert [] == expected.violations(snapshot(sandbox))
    return expected


def roll_back(sandbox: Sandbox, home: Path, *more: str) -> Any:
    return run(sandbox, home, ["rollback", str(home / "m.duckdb"), "--force", *more])


def statuses(home: Path) -> dict[str, int]:
    with duckdb.connect(str(home / "m.duckdb"), read_only=True) as database:
        return dict(database.execute("select status, count(*) from items_v1 group by 1").fetchall())


@pytest.mark.parametrize("strategy", ["new", "latest", "all"])
def test_every_place_refers_to_its_old_object_again(own, tmp_path, strategy):
    """Files and cells; the version that `new` had added stays and holds the old bytes. Twice does nothing."""
    expected = moved(own, tmp_path, strategy)

    done = roll_back(own, tmp_path, "--json")

    assert 0 == done.returncode, done.stderr
    assert [] == not_as_before(expected, snapshot(own))
    by_status = json.loads(done.stdout)["items"]["by_status"]
    assert (expected.places(), 0, 0) == (by_status["ROLLED_BACK"], by_status["MIGRATED"], by_status["ERRORED"])
    own.app.traffic.reset()
    again = roll_back(own, tmp_path)
    assert 0 == again.returncode
    assert "nothing to roll back" in again.stderr
    assert 0 == writes(own)


def test_the_plan_is_shown_with_its_deadline_and_nothing_happens_without_a_word(own, tmp_path):
    expected = moved(own, tmp_path, "latest")
    before = snapshot(own)
    own.app.traffic.reset()

    asked = run(own, tmp_path, ["rollback", str(tmp_path / "m.duckdb")])
    planned = run(own, tmp_path, ["rollback", str(tmp_path / "m.duckdb"), "--dry-run", "--json"])

    assert (6, 0) == (asked.returncode, planned.returncode), asked.stderr
    document = json.loads(planned.stdout)
    assert f"Plan hash: {document['hash']}" in asked.stdout
    assert expected.places() == document["places"]
    with duckdb.connect(str(tmp_path / "m.duckdb"), read_only=True) as database:
        ((deadline,),) = database.execute(
            "select min(recorded_at) + interval 30 day from events_v1 where event = 'repointed'"
        ).fetchall()
    assert deadline.strftime("%Y-%m-%dT%H:%M:%SZ") == document["deadline"]
    assert "may be archived from" in " ".join(asked.stdout.split())
    assert before == snapshot(own)
    assert 0 == writes(own)


def test_handles_of_others_come_back_as_records_of_our_own_where_something_refers_to_them(demo, tmp_path):
    """Under `new` the older version still holds the old handle, so the same object can be referred to again."""
    expected = moved(demo, tmp_path, "new")

    done = roll_back(demo, tmp_path, "--continue-on-error")

    kept = [one for one in files_in(expected.before, expected.root) if expected.moves(one)]
    after = snapshot(demo)
    broken = [one for one in not_as_before(expected, after) if one.split(".")[0] in kept]
    assert [] == broken, done.stderr
    assert statuses(tmp_path)["ROLLED_BACK"] >= sum(len(expected.moves(one)) for one in kept)


def test_in_place_only_the_creator_can_bring_a_handle_back_and_the_others_are_reported(demo, tmp_path):
    """Nothing is half done: the places keep their proven copies, each with its reason; the creator's own come back."""
    expected = moved(demo, tmp_path, "latest")
    migrated_state = snapshot(demo)

    planned = run(demo, tmp_path, ["rollback", str(tmp_path / "m.duckdb"), "--dry-run"])
    done = roll_back(demo, tmp_path, "--continue-on-error", "--json")

    assert "were created by others" in " ".join(planned.stdout.split())
    assert 1 == done.returncode, done.stderr
    reasons = {one["reason"]: one["items"] for one in json.loads(done.stdout)["items"]["by_reason"]}
    assert reasons["NOT_OWN_HANDLE"] > 0
    with duckdb.connect(str(tmp_path / "m.duckdb"), read_only=True) as database:
        stayed = database.execute(
            "select entity_id, to_file_handle_id from items_v1 where reason = 'NOT_OWN_HANDLE' and kind = 'file'"
        ).fetchall()
    now = snapshot(demo)["entities"]
    for entity_id, handle_id in stayed:
        assert handle_id == now[entity_id]["versions"][-1]["handleId"]
        assert handle_id == migrated_state["entities"][entity_id]["versions"][-1]["handleId"]
    assert {"ROLLED_BACK", "ERRORED", "ALREADY_MIGRATED"} >= statuses(tmp_path).keys() - {"SKIPPED"}
    assert expected.places() == statuses(tmp_path)["ROLLED_BACK"] + statuses(tmp_path)["ERRORED"]


def test_what_somebody_changed_since_is_left_and_reported(own, tmp_path):
    expected = moved(own, tmp_path, "latest")
    readme = own.world.entities.require(own.facts.landmarks["readme"])
    its_own = set(expected.moves(readme.id).values())
    theirs = min(expected.sources() - its_own)
    own.world.entities.set_handle(readme, readme.versions[-1], theirs)

    done = roll_back(own, tmp_path)

    assert 1 == done.returncode, done.stderr
    assert theirs == own.world.entities.require(readme.id).versions[-1].handle_id
    assert {"DRIFTED": 1, "ROLLED_BACK": expected.places() - 1}.items() <= statuses(tmp_path).items()


def test_archived_bytes_are_not_referred_to_again(own, tmp_path):
    """The copy stays in place: a file nobody can download would be worse."""
    expected = moved(own, tmp_path, "latest")
    readme = own.facts.landmarks["readme"]
    ((_, source),) = expected.moves(readme).items()
    own.world.handles.change(source, status="ARCHIVED")

    done = roll_back(own, tmp_path, "--continue-on-error", "--json")

    assert 1 == done.returncode
    assert "ARCHIVED" in {one["reason"] for one in json.loads(done.stdout)["items"]["by_reason"]}
    assert source != own.world.entities.require(readme).versions[-1].handle_id


@pytest.mark.timeout(280)
def test_kills_while_rolling_back_leave_the_same_end_state(own, tmp_path):
    chance = random.Random("kills back")
    expected = moved(own, tmp_path, "all")
    words = ["rollback", str(tmp_path / "m.duckdb"), "--force"]
    kills = 0
    while kills < 6 and kill_after(own, tmp_path, words, calls=chance.randint(2, 9), pause=chance.random() * 0.01):
        kills += 1
    last = run(own, tmp_path, words)
    assert 0 == last.returncode, last.stderr
    assert [] == not_as_before(expected, snapshot(own))
    assert expected.places() == statuses(tmp_path)["ROLLED_BACK"]
    assert kills >= 3, f"the roll-back was complete after {kills} kills; make the scenario larger"
