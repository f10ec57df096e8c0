"""A migration is rolled back as a flow: only what the plan says, only when somebody agreed, never beside another."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import SetStateStatus
from prefect.flow_engine import run_flow
from prefect.logging import get_logger
from prefect.states import State

from flows import rolling_back, stages
from flows.migrating import migrate_files
from flows.rolling_back import roll_back
from sandbox.server import Sandbox
from storage_core.errors import UsageError
from tests.flows.answering import Answer, answered
from tests.migration.harness import handles_in_use, own_every_handle, writes

pytestmark = pytest.mark.timeout(280)


@pytest.fixture
def own(prefect_server: None, start_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sample project of a steward who has uploaded all of it; this process's environment points at it."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    own_every_handle(sandbox)
    for name, value in (sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}).items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """For which roots each run holds a place while it writes; both flows hold it by the same function."""
    seen: list[tuple[str, ...]] = []

    @contextmanager
    def holding(roots: Sequence[str]) -> Iterator[None]:
        seen.append(tuple(roots))
        yield

    for module in (stages, rolling_back):
        monkeypatch.setattr(module, "only_migration_of", holding)
    return seen


def published(state: State[Any]) -> dict[str, Any]:
    """What the run with this end has published, by key."""
    wanted = {"flow_runs": {"id": {"any_": [str(state.state_details.flow_run_id)]}}}
    with get_client(sync_client=True) as client:
        return {one["key"]: one["data"] for one in client.request("POST", "/artifacts/filter", json=wanted).json()}


def migrated_in_place(own: Sandbox, index: str) -> State[Any]:
    """How the migration that is to be rolled back has ended: well."""
    facts = own.facts
    assert facts is not None
    ended: State[Any] = migrate_files(
        [facts.root_id], facts.destination_id, index, file_version_strategy="latest", confirm="force", return_state=True
    )
    assert ended.is_completed(), ended.message
    return ended


def test_a_migration_is_planned_back_and_rolled_back_and_a_second_time_nothing_is_left(
    own: Sandbox, held: list[tuple[str, ...]], tmp_path: Path
) -> None:
    """The dry run writes nothing; the run leaves each version as it was, and holds what the migration held."""
    facts = own.facts
    assert facts is not None
    index = str(tmp_path / "m.duckdb")
    before = handles_in_use(own)
    migrated = migrated_in_place(own, index)
    shown = published(migrated)
    assert 100.0 == shown["migration-progress"]
    now = {row["storage location"]: row["handles now"] for row in json.loads(shown["migration-by-location"])}
    assert now[str(facts.destination_id)] > 0
    assert [] == json.loads(shown["migration-failures"])
    assert (tmp_path / "m-report" / "m.html").as_uri() in shown["migration-report"]
    held_by_migration = set(held)
    held.clear()
    written = writes(own)

    planned = roll_back(index, confirm="dry-run", return_state=True)
    assert ("dry run: the plan is published, nothing was written", written) == (planned.message, writes(own))
    assert "rollback-plan" in published(planned)

    ended = roll_back(index, confirm="force", return_state=True)

    assert "every place is rolled back and was read back" == ended.message
    assert before == handles_in_use(own)
    assert held_by_migration == set(held)
    assert (tmp_path / "m-report" / "parquet" / "MANIFEST.json").is_file()

    written = writes(own)
    again = roll_back(index, confirm="force", return_state=True)
    assert again.is_completed()
    assert ("nothing to roll back" in str(again.message), written) == (True, writes(own))


def test_only_the_plan_whose_hash_somebody_names_is_carried_out(
    own: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Declined, the roll-back writes nothing; another plan's hash is refused, and the run goes on waiting.

    Blanks and a line end that were copied along with the right hash do no harm.
    """
    facts = own.facts
    assert facts is not None
    index = str(tmp_path / "m.duckdb")
    before = handles_in_use(own)
    migrated_in_place(own, index)
    written = writes(own)

    with answered(monkeypatch, "rollback-plan", lambda _: {"approve": False}) as person:
        declined = roll_back(index, return_state=True)
    assert [SetStateStatus.ACCEPT] == person.said
    assert (True, written) == (declined.is_cancelled(), writes(own))
    assert "was declined" in str(declined.message)

    wrong: Answer = lambda _: {"plan_hash": "0123456789ab", "approve": True}  # noqa: E731 - an answer among others
    with answered(
        monkeypatch, "rollback-plan", wrong, lambda plan_hash: {"plan_hash": f" {plan_hash}\n", "approve": True}
    ) as person:
        ended = roll_back(index, return_state=True)
    assert [SetStateStatus.REJECT, SetStateStatus.ACCEPT] == person.said
    assert "every place is rolled back and was read back" == ended.message
    assert before == handles_in_use(own)


def test_an_index_that_is_not_there_is_refused_in_words(
    own: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is made at its place; the run's log says what to do, without the way that the error came."""
    index = str(tmp_path / "mistyped.duckdb")
    ended = roll_back(index, confirm="force", return_state=True)

    assert ended.is_failed()
    assert str(ended.message).startswith(f"There is no index at {index}.")
    assert "Finished in state Failed" in caplog.text
    with pytest.raises(UsageError, match=r"mistyped\.duckdb"):
        # as a worker does it
        run_flow(roll_back, parameters={"index_path": index, "confirm": "force"}, error_logger=get_logger("flow_runs"))
    assert [] == [record.getMessage() for record in caplog.records if record.exc_info]
    assert not (tmp_path / "mistyped.duckdb").exists()
