"""Command line, Python and Prefect drive the same migration: three doors into one room.

Each migrates the same awkward project in a sandbox of its own; each must end in the one right state, and the three
states must be the same but for ids and times.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "migration"))

from expectation import Expectation
from harness import migrate_words, run, snapshot

from sandbox.server import Sandbox
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.kinds import Kind

pytestmark = pytest.mark.timeout(280)

STRATEGY = "new"


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server for the whole test run, in a folder of its own; nothing calls home (tests/conftest.py)."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


def through_command_line(sandbox: Sandbox, folder: Path) -> None:
    words = migrate_words(sandbox, folder / "m.duckdb", STRATEGY, "--include-table-files", "--continue-on-error")
    done = run(sandbox, folder, words)
    assert 1 == done.returncode, done.stdout + done.stderr


def through_python(sandbox: Sandbox, folder: Path) -> None:
    from storage_core.api import index_files_for_migration, migrate_indexed_files

    facts = sandbox.facts
    assert facts is not None
    index_files_for_migration(
        None, facts.root_id, facts.destination_id, folder / "m.duckdb", None, STRATEGY, True, True
    )
    result = migrate_indexed_files(None, folder / "m.duckdb", continue_on_error=True, force=True)
    assert 0 == result.counts_by_status["INDEXED"]


def through_prefect(sandbox: Sandbox, folder: Path) -> None:
    from flows.migrating import migrate_files
    from flows.parameters import Confirm

    facts = sandbox.facts
    assert facts is not None
    ended = migrate_files(
        [facts.root_id],
        facts.destination_id,
        str(folder / "m.duckdb"),
        include_table_files=True,
        continue_on_error=True,
        confirm=Confirm.FORCE,
        notify=["3412"],
        return_state=True,
    )
    assert "exit code 1" in str(ended.message)


DOORS = {"command line": through_command_line, "python": through_python, "prefect": through_prefect}


@pytest.fixture
def mixed(start_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The awkward project; this process's environment points at it."""
    sandbox: Sandbox = start_sandbox(scenario="mixed")
    for name, value in (sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}).items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture(scope="session")
def ends() -> dict[str, Any]:
    """What the doors led to so far."""
    return {}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_leads_to_the_same_state(
    door: str, mixed: Sandbox, ends: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Items, copies, versions, cells, frozen tables: what must move has moved, once, and nothing else changed."""
    if door == "prefect":
        request.getfixturevalue("prefect_server")
    expected = expectation_of(mixed)

    DOORS[door](mixed, tmp_path)

    after = snapshot(mixed)
    assert (1 if door == "prefect" else 0) == len(after["messages"])
    assert [] == expected.violations(without_message(after))
    ends[door] = essence(after)
    assert [] == [other for other, end in ends.items() if end != ends[door]]


def without_message(state: Any) -> Any:
    """The state but for the message's text, which is a file like any other, and no copy."""
    for message in state["messages"]:
        handle = state["handles"].pop(message["fileHandleId"])
        del state["objects"][handle["bucketName"]][handle["key"]]
    return state


def expectation_of(sandbox: Sandbox) -> Expectation:
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
        STRATEGY,
        unreadable=set(facts.unreadable_ids),
        file_columns=frozenset(columns),
    )


def essence(state: Any) -> Any:
    """What a steward sees: every version and cell, and what lies behind it; no handle ids, etags, keys or times."""
    handles = {
        handle_id: tuple(handle.get(key) for key in ("contentMd5", "contentSize", "storageLocationId", "fileName"))
        for handle_id, handle in state["handles"].items()
    }
    entities = {
        entity_id: [
            entity["name"],
            [
                (version["number"], version["label"], handles.get(version["handleId"]), version["annotations"])
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
