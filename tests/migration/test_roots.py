"""A migration may start at a project, a folder, a file, a table, a record set, or at several of them at once."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from expectation import Expectation, tree
from harness import run, snapshot, writes

from sandbox.server import Sandbox
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.entities import Entity
from sandbox.synapse.kinds import Kind


@pytest.fixture
def demo(start_sandbox) -> Sandbox:
    return start_sandbox(scenario="demo")


def expectation_of(sandbox: Sandbox, roots: str, strategy: str) -> Expectation:
    """What must be after migrating *roots*, tables included."""
    world = sandbox.world
    tables = [one for one in world.entities.all() if one.kind is Kind.TABLE]
    columns = {
        column.id
        for table in tables
        for column in world.tables.schema_of(table)
        if column.type is ColumnType.FILEHANDLEID
    }
    return Expectation(
        snapshot(sandbox),
        roots,
        sandbox.facts.destination_id,
        strategy,
        unreadable=set(),
        file_columns=frozenset(columns),
    )


def migrated(sandbox: Sandbox, home: Path, roots: str, strategy: str) -> None:
    """Migrate from *roots* and look at everything, also at what lies beside them."""
    expected = expectation_of(sandbox, roots, strategy)
    assert expected.places() > 0, "nothing moves: this shows nothing"
    words = ["migrate", roots, str(sandbox.facts.destination_id), str(home / "m.duckdb")]
    words += ["--file-version-strategy", strategy, "--include-table-files", "--force", "--json"]

    done = run(sandbox, home, words)

    assert 0 == done.returncode, done.stderr
    assert [] == expected.violations(snapshot(sandbox))
    summary = json.loads(done.stdout)
    assert expected.places() == summary["items"]["by_status"]["MIGRATED"]
    assert expected.items() == summary["items"]["total"]
    sandbox.app.traffic.reset()
    assert 0 == run(sandbox, home, words).returncode
    assert 0 == writes(sandbox)


def folder_with_files(sandbox: Sandbox) -> Entity:
    """A folder of the sample project with something to move in it."""
    state = snapshot(sandbox)
    folders = [one for one in sandbox.world.entities.all() if one.kind is Kind.FOLDER and one.parent_id is not None]
    return next(one for one in folders if Expectation(state, one.id, 0, "all", unreadable=set()).places() > 1)


def test_a_folder_alone(demo, tmp_path):
    migrated(demo, tmp_path, folder_with_files(demo).id, "all")


@pytest.mark.parametrize("strategy", ["new", "latest"])
def test_a_single_file(demo, tmp_path, strategy):
    migrated(demo, tmp_path, demo.facts.landmarks["readme"], strategy)


def test_a_single_table(demo, tmp_path):
    migrated(demo, tmp_path, demo.facts.landmarks["table"], "skip")


def test_several_roots_in_one_run_share_copies_and_overlap_without_harm(demo, tmp_path):
    """A file, a table, and a folder twice, once in another spelling; one run, one index, each place once."""
    folder = folder_with_files(demo).id
    roots = ",".join([demo.facts.landmarks["readme"], folder, demo.facts.landmarks["table"]])
    migrated(demo, tmp_path, roots, "all")

    again = ",".join([folder[3:], demo.facts.landmarks["table"], folder, demo.facts.landmarks["readme"]])
    same = run(demo, tmp_path, ["index", again, *index_words(demo, tmp_path, "all")])
    assert 0 == same.returncode, "the same roots in another order and spelling are the same migration"
    other = run(demo, tmp_path, ["index", folder, *index_words(demo, tmp_path, "all")])
    assert 2 == other.returncode
    assert folder in other.stderr
    assert demo.facts.landmarks["table"] in other.stderr


def index_words(sandbox: Sandbox, home: Path, strategy: str) -> list[str]:
    words = [str(sandbox.facts.destination_id), str(home / "m.duckdb"), "--file-version-strategy", strategy]
    return [*words, "--include-table-files"]


def test_two_projects_and_a_folder_inside_one_of_them(demo, tmp_path):
    """What lies below two of the roots is one item, and is moved once."""
    world = demo.world
    steward = world.principals.demo.id
    other = world.entities.add(world, kind=Kind.PROJECT, name="Second study", parent_id=None, created_by=steward)
    readme = world.entities.require(demo.facts.landmarks["readme"])
    world.entities.add(
        world,
        kind=Kind.FILE,
        name="shared.txt",
        parent_id=other.id,
        created_by=steward,
        handle_id=readme.versions[-1].handle_id,
    )
    migrated(demo, tmp_path, f"{demo.facts.root_id},{other.id},{folder_with_files(demo).id}", "latest")


@pytest.mark.parametrize(("strategy", "is_root"), [("new", False), ("all", True)])
def test_record_sets_move_like_files(demo, tmp_path, strategy, is_root):
    """An entity of the newer kind that holds one file per version: as a root, and found in a folder (contract 6.1)."""
    world = demo.world
    pattern = world.entities.require(demo.facts.landmarks["readme"])
    records = world.entities.add(
        world,
        kind=Kind.RECORD_SET,
        name="records.csv",
        parent_id=folder_with_files(demo).id,
        created_by=world.principals.demo.id,
        handle_id=pattern.versions[-1].handle_id,
        fields={"upsertKey": ["sample"]},
    )
    root = records.id if is_root else folder_with_files(demo).id
    assert records.id in tree(snapshot(demo), root)
    migrated(demo, tmp_path, root, strategy)


def test_a_root_without_files_is_left_alone_for_one_reason(demo, tmp_path):
    """A table that is not included, and a view, which holds no file."""
    world = demo.world
    view = world.entities.add(
        world,
        kind=Kind.ENTITY_VIEW,
        name="all files",
        parent_id=demo.facts.root_id,
        created_by=world.principals.demo.id,
    )
    roots = f"{demo.facts.landmarks['table']},{view.id}"
    words = ["migrate", roots, str(demo.facts.destination_id), str(tmp_path / "m.duckdb"), "--force", "--json"]
    done = run(demo, tmp_path, words)
    assert 0 == done.returncode, done.stderr
    told = {one["reason"]: one["items"] for one in json.loads(done.stdout)["items"]["by_reason"]}
    assert {"TABLES_NOT_INCLUDED": 1, "NO_FILE_HANDLE": 1} == told
    assert 0 == writes(demo)


@pytest.mark.parametrize("roots", ["", "syn1,", "syn1,folder", ",", "syn1;syn2"])
def test_what_is_no_list_of_ids_is_refused(demo, tmp_path, roots):
    done = run(demo, tmp_path, ["index", roots, str(demo.facts.destination_id), str(tmp_path / "m.duckdb")])
    assert 2 == done.returncode
    assert "not a Synapse id" in done.stderr
    assert [] == list(tmp_path.glob("*.duckdb*"))
