"""Command line, Python and Prefect drive the same migration: three doors into one room.

Each migrates the same awkward project in a sandbox of its own; each must end in the one right state, and the three
states must be the same but for ids and times.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "migration"))

from expectation import Expectation
from harness import migrate_words, run, snapshot
from reconciliation import unreconciled

from sandbox.server import Sandbox
from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.kinds import Kind

pytestmark = pytest.mark.timeout(280)

STRATEGIES = ("new", "latest", "all", "skip")
"""Each with tables."""


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server for the whole test run, in a folder of its own; nothing calls home (tests/conftest.py).

    Flows find it as the embedded one, not by PREFECT_API_URL: like it, it never frees the places of dead runs.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120), temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


def through_command_line(sandbox: Sandbox, folder: Path, strategy: str) -> None:
    words = migrate_words(sandbox, folder / "m.duckdb", strategy, "--include-table-files", "--continue-on-error")
    done = run(sandbox, folder, words)
    assert code_of(strategy) == done.returncode, done.stdout + done.stderr


def through_python(sandbox: Sandbox, folder: Path, strategy: str) -> None:
    from storage_core.api import index_files_for_migration, migrate_indexed_files

    facts = sandbox.facts
    assert facts is not None
    index_files_for_migration(
        None, facts.root_id, facts.destination_id, folder / "m.duckdb", None, strategy, True, True
    )
    result = migrate_indexed_files(None, folder / "m.duckdb", continue_on_error=True, force=True)
    assert 0 == result.counts_by_status["INDEXED"]
    assert code_of(strategy) == result.counts_by_status["ERRORED"]


def through_prefect(sandbox: Sandbox, folder: Path, strategy: str) -> None:
    from flows.migrating import migrate_files
    from flows.parameters import Confirm
    from storage_core.model.settings import FileVersionStrategy

    facts = sandbox.facts
    assert facts is not None
    ended = migrate_files(
        [facts.root_id],
        facts.destination_id,
        str(folder / "m.duckdb"),
        file_version_strategy=FileVersionStrategy(strategy),
        include_table_files=True,
        continue_on_error=True,
        confirm=Confirm.FORCE,
        notify=["3412"],
        return_state=True,
    )
    assert ("exit code 1" if code_of(strategy) else "migrated and verified") in str(ended.message)


def allowing_through_command_line(sandbox: Sandbox, folder: Path, limit: str) -> bool:
    done = run(sandbox, folder, migrate_words(sandbox, folder / "m.duckdb", "latest", "--max-failures", limit))
    assert done.returncode in {1, 5}, done.stderr
    return done.returncode == 1


def allowing_through_python(sandbox: Sandbox, folder: Path, limit: str) -> bool:
    from storage_core.api import index_files_for_migration, migrate_indexed_files
    from storage_core.errors import FailureThresholdReached

    facts = sandbox.facts
    assert facts is not None
    words = (None, facts.root_id, facts.destination_id, folder / "m.duckdb", None, "latest")
    try:
        index_files_for_migration(*words, max_failures=limit)
        migrate_indexed_files(None, folder / "m.duckdb", max_failures=int(limit), force=True)
    except FailureThresholdReached as stopped:
        # the other way to stop, at the first failure, has the same type
        return "more items failed than max_failures allows" not in str(stopped)
    return True


def allowing_through_prefect(sandbox: Sandbox, folder: Path, limit: str) -> bool:
    from flows.migrating import migrate_files
    from flows.parameters import Confirm
    from storage_core.model.settings import FileVersionStrategy

    facts = sandbox.facts
    assert facts is not None
    ended = migrate_files(
        [facts.root_id],
        facts.destination_id,
        str(folder / "m.duckdb"),
        file_version_strategy=FileVersionStrategy.LATEST,
        max_failures=limit,
        confirm=Confirm.FORCE,
        return_state=True,
    )
    assert "exit code 1 (complete)" in str(ended.message) or "exit code 5 (failure threshold)" in str(ended.message)
    return "exit code 1" in str(ended.message)


def back_through_command_line(sandbox: Sandbox, folder: Path) -> None:
    done = run(sandbox, folder, ["rollback", str(folder / "m.duckdb"), "--force"])
    assert done.returncode in {0, 1}, done.stderr


def back_through_python(sandbox: Sandbox, folder: Path) -> None:
    from storage_core.api import Project

    facts = sandbox.facts
    assert facts is not None
    result = Project(facts.root_id).rollback_migration(folder / "m.duckdb", force=True)
    assert result.counts_by_status["ROLLED_BACK"] > 0


def back_through_prefect(sandbox: Sandbox, folder: Path) -> None:
    from flows.parameters import Confirm
    from flows.rolling_back import roll_back

    del sandbox
    ended = roll_back(index_path=str(folder / "m.duckdb"), confirm=Confirm.FORCE, return_state=True)
    assert "every place is rolled back" in str(ended.message) or "exit code 1" in str(ended.message)


ALLOWING = {
    "command line": allowing_through_command_line,
    "python": allowing_through_python,
    "prefect": allowing_through_prefect,
}
BACK = {"command line": back_through_command_line, "python": back_through_python, "prefect": back_through_prefect}
MOSTLY_WAITING = {("prefect", "latest"), ("prefect", "skip")}
DOORS = {"command line": through_command_line, "python": through_python, "prefect": through_prefect}


def code_of(strategy: str) -> int:
    """One file may not be downloaded, which is a failure unless files are left alone."""
    return 0 if strategy == "skip" else 1


@pytest.fixture
def mixed(start_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The awkward project; this process's environment points at it."""
    sandbox: Sandbox = start_sandbox(scenario="mixed")
    for name, value in (sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}).items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture(scope="session")
def ends() -> dict[tuple[str, str], Any]:
    """What the doors led to so far, by strategy and door."""
    return {}


@pytest.mark.parametrize(
    ("door", "strategy"),
    [
        # a Prefect run takes ten seconds: every strategy in the long run, the two furthest apart always
        pytest.param(door, one, marks=pytest.mark.long if (door, one) in MOSTLY_WAITING else ())
        for door in DOORS
        for one in STRATEGIES
    ],
)
def test_every_door_leads_to_the_same_state(
    door: str,
    strategy: str,
    mixed: Sandbox,
    ends: dict[tuple[str, str], Any],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Items, copies, versions, cells, frozen tables: what must move has moved, once, and nothing else changed."""
    if door == "prefect":
        request.getfixturevalue("prefect_server")
    expected = expectation_of(mixed, strategy)

    DOORS[door](mixed, tmp_path, strategy)

    after = snapshot(mixed)
    assert (1 if door == "prefect" else 0) == len(after["messages"])
    assert [] == expected.violations(without_message(after))
    assert [] == unreconciled(tmp_path / "m.duckdb", is_done=code_of(strategy) == 0)
    ends[strategy, door] = essence(after, migration_of(tmp_path / "m.duckdb"))
    for other in DOORS:
        assert ends.get((strategy, other), ends[strategy, door]) == ends[strategy, door], f"{other} and {door}"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("limit", "goes_on"), [("0", False), pytest.param("1", True, marks=pytest.mark.long)])
def test_every_door_stops_when_more_items_fail_than_are_allowed(
    door: str, limit: str, goes_on: bool, mixed: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One file may not be downloaded: with none allowed nothing is written, with one the rest is migrated."""
    if door == "prefect":
        request.getfixturevalue("prefect_server")
    expected = expectation_of(mixed, "latest")
    expected.file_columns = frozenset()

    assert goes_on == ALLOWING[door](mixed, tmp_path, limit)

    after = snapshot(mixed)
    assert ([] if goes_on else True) == (expected.violations(after) if goes_on else expected.before == after)
    assert [] == unreconciled(tmp_path / "m.duckdb", is_done=False)


@pytest.mark.parametrize("door", ["command line", "python", pytest.param("prefect", marks=pytest.mark.long)])
def test_every_door_leads_back(door: str, mixed: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Every file version is what it was before the migration, whichever door the roll-back takes."""
    if door == "prefect":
        request.getfixturevalue("prefect_server")
    for handle in [one for one in mixed.world.handles.all() if one.created_by == mixed.world.principals.colleague.id]:
        mixed.world.handles.change(handle.id, created_by=mixed.world.principals.demo.id)
    before = essence(snapshot(mixed), "")
    words = migrate_words(mixed, tmp_path / "m.duckdb", "latest", "--continue-on-error")
    assert 1 == run(mixed, tmp_path, words).returncode
    assert before != essence(snapshot(mixed), "")

    BACK[door](mixed, tmp_path)

    assert before == essence(snapshot(mixed), "")
    assert [] == unreconciled(tmp_path / "m.duckdb", is_done=False)


def protecting_through_python(sandbox: Sandbox, folder: Path) -> None:
    from storage_core.api import Project

    facts = sandbox.facts
    assert facts is not None
    project = Project(facts.root_id)
    project.index_files_for_migration(
        facts.destination_id, folder / "m.duckdb", file_version_strategy="latest", continue_on_error=True
    )
    project.migrate_indexed_files(folder / "m.duckdb", continue_on_error=True, protect=True, force=True)


def protecting_through_prefect(sandbox: Sandbox, folder: Path) -> None:
    from flows.migrating import migrate_files
    from flows.parameters import Confirm
    from storage_core.model.settings import FileVersionStrategy

    facts = sandbox.facts
    assert facts is not None
    migrate_files(
        [facts.root_id],
        facts.destination_id,
        str(folder / "m.duckdb"),
        file_version_strategy=FileVersionStrategy.LATEST,
        continue_on_error=True,
        protect=True,
        confirm=Confirm.FORCE,
        return_state=True,
    )


@pytest.mark.parametrize("door", ["python", pytest.param("prefect", marks=pytest.mark.long)])
def test_the_other_doors_protect_too(door: str, mixed: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """What the command line does is shown in tests/migration/test_protect.py: lists change first, and last."""
    if door == "prefect":
        request.getfixturevalue("prefect_server")
    root = mixed.world.entities.require(expectation_of(mixed, "latest").root)
    colleague = int(mixed.world.principals.colleague.id)
    rights = {int(mixed.world.principals.demo.id): ALL_RIGHTS, colleague: frozenset({"READ", "UPDATE"})}
    mixed.world.access.put(mixed.world, root.id, rights)
    mixed.app.traffic.reset()

    {"python": protecting_through_python, "prefect": protecting_through_prefect}[door](mixed, tmp_path)

    assert rights == acl_of(mixed, root.id)
    written = [one.path.endswith("/acl") for one in mixed.app.traffic.log if one.method == "PUT"]
    assert (True, True, 2) == (written[0], written[-1], sum(written))
    assert len(written) > 20


def acl_of(sandbox: Sandbox, entity_id: str) -> dict[int, frozenset[str]]:
    acl = sandbox.world.access.own_acl(entity_id)
    assert acl is not None
    return acl.rights


def without_message(state: Any) -> Any:
    """The state but for the message's text, which is a file like any other, and no copy."""
    for message in state["messages"]:
        handle = state["handles"].pop(message["fileHandleId"])
        del state["objects"][handle["bucketName"]][handle["key"]]
    return state


def expectation_of(sandbox: Sandbox, strategy: str) -> Expectation:
    facts = sandbox.facts
    assert facts is not None
    tables = [one for one in sandbox.world.entities.all() if one.kind is Kind.TABLE]
    columns = {
        column.id
        for table in tables
        for column in sandbox.world.tables.schema_of(table)
        if column.type is ColumnType.FILEHANDLEID
    }
    return Expectation(
        snapshot(sandbox),
        facts.root_id,
        facts.destination_id,
        strategy,
        unreadable=set(facts.unreadable_ids),
        file_columns=frozenset(columns),
    )


def migration_of(index: Path) -> str:
    """The first digits of the migration's own id: what the labels of its frozen tables must end with."""
    with duckdb.connect(str(index), read_only=True) as database:
        ((migration,),) = database.execute("select value from fact where key = 'migration_id'").fetchall()
    return str(migration)[:8]


def essence(state: Any, migration: str) -> Any:
    """What a steward sees: every version and cell, and what lies behind it; no handle ids, etags, keys or times.

    The id of this migration, and of no other, is taken out of labels.
    """
    handles = {
        handle_id: tuple(handle.get(key) for key in ("contentMd5", "contentSize", "storageLocationId", "fileName"))
        for handle_id, handle in state["handles"].items()
    }
    entities = {
        entity_id: [
            entity["name"],
            [
                (
                    version["number"],
                    without(migration, version["label"]),
                    handles.get(version["handleId"]),
                    version["annotations"],
                )
                for version in entity["versions"]
            ],
        ]
        for entity_id, entity in state["entities"].items()
    }
    cells = {
        table_id: {
            row_id: {column: handles.get(value, value) for column, value in row["cells"].items()}
            for row_id, row in table["rows"].items()
        }
        for table_id, table in state["tables"].items()
    }
    return {"entities": entities, "cells": cells}


def without(migration: str, label: str | None) -> str | None:
    """The label, with a sign for this migration where it names it."""
    frozen = "before storage migration "
    return frozen + "#" if label == frozen + migration else label
