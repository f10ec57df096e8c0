"""A watched project: what appears is moved by the next look, and a look that finds nothing touches nothing."""

from pathlib import Path
from typing import Any

import pytest

from flows.indexing import index_files
from flows.migrating import migrate_files
from flows.verifying import verify_migration
from flows.watching import watch_project
from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox
from tests.migration.harness import snapshot, writes
from tests.migration.test_refresh import add_file

pytestmark = pytest.mark.timeout(280)


@pytest.fixture
def demo(prefect_server: None, start_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sample project; this process's environment points at it."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    for name, value in (sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}).items():
        monkeypatch.setenv(name, value)
    return sandbox


def watch(sandbox: Sandbox, folder: Path, **more: Any) -> Any:
    """One look, as the schedule starts it; the state it ends in."""
    facts = sandbox.facts
    assert facts is not None
    words: dict[str, Any] = {
        "root_ids": [facts.root_id],
        "destination_storage_location_id": facts.destination_id,
        "index_path": str(folder / "watch.duckdb"),
        "file_version_strategy": "latest",
        "notify": ["3412"],
    }
    return watch_project(**(words | more), return_state=True)


def test_what_appeared_is_moved_and_told_of_and_a_quiet_night_changes_nothing(demo: Sandbox, tmp_path: Path) -> None:
    """First everything, then nothing, then one new file: writes and messages follow suit; the export is kept fresh."""
    facts = demo.facts
    assert facts is not None
    first = watch(demo, tmp_path)
    assert "everything planned is migrated and verified" == first.message
    told = len(snapshot(demo)["messages"])
    manifest = tmp_path / "watch-report" / "parquet" / "MANIFEST.json"

    manifest.unlink()
    demo.app.traffic.reset()
    quiet = watch(demo, tmp_path)

    assert "Unchanged" == quiet.name
    assert (0, told) == (writes(demo), len(snapshot(demo)["messages"]))
    assert manifest.is_file()

    moved = next(one.handle_id for one in facts.expectation.current() if one.location_id == 1 and one.size and one.md5)
    added = add_file(demo, "added later.txt", moved)
    found = watch(demo, tmp_path, confirm="dry-run")
    assert ("Changed", "1 places wait to be migrated") == (found.name, found.message)
    demo.app.traffic.reset()

    third = watch(demo, tmp_path)

    assert "everything planned is migrated and verified" == third.message
    after = snapshot(demo)
    assert (
        facts.destination_id
        == after["handles"][after["entities"][added]["versions"][-1]["handleId"]]["storageLocationId"]
    )
    assert 1 == demo.app.traffic.by_call["PUT /entity/#/version/#/filehandle"]
    assert told + 1 == len(after["messages"])

    verified = verify_migration(index_path=str(tmp_path / "watch.duckdb"), return_state=True)
    assert verified.is_completed(), verified.message


def test_a_look_with_nobody_signed_in_says_what_to_do(
    demo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNAPSE_AUTH_TOKEN")

    ended = watch(demo, tmp_path, notify=[])

    assert ended.is_failed()
    assert "https://www.synapse.org/PersonalAccessTokens" in str(ended.message)


@pytest.mark.parametrize(
    ("flow", "told_then"), [(index_files, "the plan is published"), (migrate_files, "exit code 1 (complete)")]
)
def test_a_run_that_only_looks_and_cannot_read_everything_does_not_end_well(
    flow: Any, told_then: str, demo: Sandbox, tmp_path: Path
) -> None:
    """As on the command line: what was to be found out was not found out. Only indexing tries again by itself."""
    facts = demo.facts
    assert facts is not None
    unread = f"/entity/{facts.expectation.versions[0].entity_id}/bundle2"
    demo.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, path=unread, status=403, times=1))
    words: dict[str, Any] = {
        "root_ids": [facts.root_id],
        "destination_storage_location_id": facts.destination_id,
        "index_path": str(tmp_path / "m.duckdb"),
    } | ({"confirm": "dry-run"} if flow is migrate_files else {})

    ended = flow(**words, return_state=True)

    assert (True, 0) == (ended.is_failed(), writes(demo))
    assert "ended with exit code 1 (first failure): not everything was read" in str(ended.message)

    again = flow(**words, return_state=True)
    assert told_then in str(again.message)
