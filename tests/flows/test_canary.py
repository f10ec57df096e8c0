"""A canary in a flow: its own stage, its own artifact, and an approval of its own for the rest."""

from pathlib import Path
from typing import Any

import pytest

from flows import stages
from flows.approving import Question
from flows.migrating import migrate_files
from flows.parameters import Agreeing, Confirm
from flows.sharding import migrate_sharded
from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox
from storage_core.errors import NotConfirmed, UsageError
from tests.crash.lab import items_of
from tests.crash.small_project import build_small_project
from tests.migration.harness import writes

pytestmark = pytest.mark.timeout(280)


@pytest.fixture
def small(prefect_server: None, start_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Sandbox, str, int]:
    """The small project; this process's environment points at it."""
    sandbox: Sandbox = start_sandbox()
    facts = build_small_project(sandbox.world)
    for name, value in (sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}).items():
        monkeypatch.setenv(name, value)
    return sandbox, facts.root_id, facts.destination_id


def statuses(index: Path) -> list[str]:
    return sorted(status for _, _, _, _, _, status, *_ in items_of(index))


@pytest.mark.long
def test_the_rest_waits_for_its_own_approval_which_names_what_the_canary_came_to(
    small: tuple[Sandbox, str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declined, nothing but the canary was moved; run again, only the rest is asked about."""
    _, root, destination = small
    asked: list[Question] = []
    answers = {1: "Ann", 2: None, 3: "Ann"}

    def answer(question: Question, agreeing: Agreeing) -> str:
        asked.append(question)
        name = answers[len(asked)]
        if name is None:
            raise NotConfirmed("declined", fix="")
        return name

    monkeypatch.setattr(stages, "agreement", answer)
    index = tmp_path / "m.duckdb"
    words: dict[str, Any] = {"index_path": str(index), "file_version_strategy": "latest", "canary": 2}
    declined = migrate_files([root], destination, **words, return_state=True)
    after_canary = statuses(index)
    done = migrate_files([root], destination, **words, return_state=True)

    assert declined.is_cancelled()
    assert 2 == after_canary.count("MIGRATED")
    assert after_canary.count("INDEXED") > 1
    assert "everything planned is migrated and verified" == done.message
    assert 3 == len(asked)
    assert "Canary of 2 items" not in asked[0].told
    assert all("Canary of 2 items" in one.told and "read back" in one.told for one in asked[1:])
    assert asked[0].hash != asked[1].hash == asked[2].hash


@pytest.mark.long
def test_a_canary_that_fails_fails_the_run_and_the_next_one_touches_nothing(
    small: tuple[Sandbox, str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agreed to by a parameter: nobody looks, so nothing may go on."""
    sandbox, root, destination = small
    index = tmp_path / "m.duckdb"
    words: dict[str, Any] = {
        "index_path": str(index),
        "file_version_strategy": "latest",
        "canary": 2,
        "continue_on_error": True,
        "confirm": Confirm.FORCE,
    }
    migrate_files([root], destination, **(words | {"confirm": Confirm.DRY_RUN}))
    sandbox.faults.add(
        FaultRule(kind=FaultKind.STATUS_BEFORE, method="POST", path=r"/multipart(\?|$)", status=400, times=None)
    )
    failed = migrate_files([root], destination, **words, return_state=True)
    after_canary = statuses(index)
    sandbox.faults.clear()
    spent = writes(sandbox)
    again = migrate_files([root], destination, **words, return_state=True)

    assert failed.is_failed()
    assert "exit code 1 (canary)" in str(failed.message)
    assert 2 == after_canary.count("ERRORED")
    assert "MIGRATED" not in after_canary
    assert "exit code 1 (canary)" in str(again.message)
    assert spent == writes(sandbox)


@pytest.mark.long
def test_no_canary_begins_beside_shards_that_somebody_works_on(small: tuple[Sandbox, str, int], tmp_path: Path) -> None:
    """A shard may have begun to copy what the canary would copy."""
    sandbox, root, destination = small
    (tmp_path / "m.shard-1-of-2.duckdb").touch()
    with pytest.raises(UsageError, match="before the migration is divided"):
        migrate_sharded([root], destination, str(tmp_path / "m.duckdb"), canary=2, confirm=Confirm.FORCE)
    assert 0 == writes(sandbox)
