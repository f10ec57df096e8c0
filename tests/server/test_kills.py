"""kill -9 of flow, worker and server: what the UI shows, how the run is taken up again, and that the end is exact.

Each dies in a phase of its own; in every case the same deployment is run again with the same parameters, and no dead
run stands in its way.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.contract.test_three_doors import expectation_of
from tests.migration.harness import snapshot, writes
from tests.server.processes import wait_until
from tests.server.stage import Stage, variables_for
from tests.server.test_sharded import descendants

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]


@pytest.fixture
def slow(start_sandbox: Any) -> Sandbox:
    """The sample project, slow enough to be met in the middle."""
    sandbox: Sandbox = start_sandbox(scenario="demo", latency_seconds=0.15)
    return sandbox


def start(stage: Stage, sandbox: Sandbox, folder: Path, **more: Any) -> str:
    facts = sandbox.facts
    assert facts is not None
    words: dict[str, Any] = {
        "root_ids": [facts.root_id],
        "destination_storage_location_id": facts.destination_id,
        "index_path": str(folder / "m.duckdb"),
        "file_version_strategy": "new",
        "include_table_files": True,
        "confirm": "force",
    }
    return stage.rest.start("migrate-files/on-demand", words | more)


PHASES = {
    "indexing": "POST /entity/#/bundle2",
    "copying": "POST /file/multipart",
    "repointing": "PUT /entity/#",
}
"""Each with a call that tells that it has begun."""


@pytest.mark.parametrize("phase", PHASES)
def test_the_flow_dies(phase: str, stage: Stage, slow: Sandbox, tmp_path: Path) -> None:
    """The worker reports it: the UI shows Crashed at once, and the next run goes on."""
    expected = expectation_of(slow, "new")
    worker = stage.start_worker(variables_for(slow, tmp_path), name=f"flow-dies-{phase}")
    run_id = start(stage, slow, tmp_path)
    wait_until(lambda: slow.app.traffic.by_call[PHASES[phase]] > 1, f"{phase} to begin")

    for process in descendants(worker.pid):
        os.kill(process, 9)
    crashed = wait_until(lambda: state_if(stage, run_id, "Crashed"), "the run to be seen as crashed")
    assert "status code" in crashed
    stage.rest.wait_for(start(stage, slow, tmp_path), "Completed", seconds=300)
    worker.stop()

    assert [] == expected.violations(snapshot(slow))


def test_the_server_dies_while_a_plan_waits_and_the_worker_with_it(stage: Stage, slow: Sandbox, tmp_path: Path) -> None:
    """Nothing of ours runs meanwhile; the new server still knows the question, and a new worker acts on the answer."""
    expected = expectation_of(slow, "new")
    worker = stage.start_worker(variables_for(slow, tmp_path), name="before")
    run_id = start(stage, slow, tmp_path, confirm="ask")
    stage.rest.wait_for(run_id, "Suspended")
    wait_until(lambda: not descendants(worker.pid), "the flow's process to end")
    before = writes(slow)

    stage.server.kill_all()
    worker.kill()
    stage.start_server()

    assert "Suspended" == stage.rest.state(run_id)
    assert before == writes(slow)
    plan_hash = stage.rest.artifacts(run_id)["migration-plan"]["description"].removeprefix("Plan ")
    later = stage.start_worker(variables_for(slow, tmp_path), name="after")
    assert "ACCEPT" == stage.rest.resume(run_id, {"plan_hash": plan_hash, "approve": True})["status"]
    stage.rest.wait_for(run_id, "Completed", seconds=300)
    later.stop()

    assert [] == expected.violations(snapshot(slow))


def test_a_run_that_is_cancelled_lets_what_is_in_flight_end_and_the_next_goes_on(
    stage: Stage, slow: Sandbox, tmp_path: Path
) -> None:
    """Cancel in the UI: the run drains and ends as Cancelled; no second copy when it is run again."""
    expected = expectation_of(slow, "new")
    worker = stage.start_worker(variables_for(slow, tmp_path), name="cancelled")
    run_id = start(stage, slow, tmp_path)
    wait_until(lambda: slow.app.traffic.by_call["POST /file/multipart"] > 3, "copying to begin")

    stage.rest.cancel(run_id)
    wait_until(lambda: state_if(stage, run_id, "Cancelled"), "the run to be cancelled")
    stage.rest.wait_for(start(stage, slow, tmp_path), "Completed", seconds=300)
    worker.stop()

    assert [] == expected.violations(snapshot(slow))


def state_if(stage: Stage, run_id: str, name: str) -> str | None:
    """The state's message, once the state has that name."""
    state = stage.rest.run(run_id)["state"]
    return str(state["message"] or name) if state["name"] == name else None
