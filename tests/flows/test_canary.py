"""A canary in a flow: its own stage, its own artifact, and an approval of its own for the rest."""

from pathlib import Path
from typing import Any

import pytest

from flows import stages
from flows.approving import Question
from flows.migrating import migrate_files
from flows.parameters import Agreeing
from sandbox.server import Sandbox
from storage_core.errors import NotConfirmed
from tests.crash.lab import items_of
from tests.crash.small_project import build_small_project

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
