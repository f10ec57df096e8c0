"""kill -9 of flow, worker and server in every phase: what the UI shows, how the run goes on, that the end is exact.

In each case the same deployment is run again afterwards, and no dead run stands in its way. With `KILLS_TABLE` set,
what was seen is appended there, row by row; the table of docs/pipeline.md is made of it.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tasks.pausing import NOTICED
from tests.contract.test_three_doors import expectation_of
from tests.migration.expectation import Expectation
from tests.migration.harness import snapshot, writes
from tests.server.moments import MOMENTS, Moment, Stop
from tests.server.processes import descendants, wait_until
from tests.server.stage import APPLY, Stage, ended

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]

DEPLOYMENT = "migrate-files/on-demand"
FORCE = {"file_version_strategy": "new", "include_table_files": True, "confirm": "force"}
SERVER_AWAY_SECONDS = 8.0
Told = Callable[..., None]


@pytest.fixture
def demo(start_sandbox: Any) -> Sandbox:
    """The sample project, tables included."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    return sandbox


@pytest.fixture
def told() -> Told:
    """Takes down what the UI showed, for the table of the documentation."""

    def take_down(phase: str, killed: str, *, meanwhile: str, end: str, again: str) -> None:
        if target := os.environ.get("KILLS_TABLE"):
            with Path(target).open("a") as table:
                table.write(f"| {phase} | {killed} | {meanwhile} | {end} | {again} |\n")

    return take_down


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.phase)
def test_the_flow_dies(moment: Moment, stage: Stage, demo: Sandbox, tmp_path: Path, told: Told) -> None:
    """The worker reports it: the UI shows Crashed at once, and the next run goes on where this one was."""
    expected, run_id = stopped_run(moment, stage, demo, tmp_path)

    kill(descendants(stage.have_worker().pid))
    crashed = wait_until(lambda: ended(stage, run_id), "the run to be seen as crashed")
    demo.faults.clear()
    again = run_again(stage, demo, tmp_path)

    told(moment.phase, "flow", meanwhile="Running", end=f"{crashed['name']}: {crashed['message']}", again=again)
    assert ("Crashed", "Completed") == (crashed["name"], again)
    assert [] == expected.violations(snapshot(demo))


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.phase)
def test_the_worker_dies(moment: Moment, stage: Stage, demo: Sandbox, tmp_path: Path, told: Told) -> None:
    """Its flow loses its output with it, ends at the next line it logs and says so; a new worker runs the next one."""
    expected, run_id = stopped_run(moment, stage, demo, tmp_path)

    stage.have_worker().kill()
    meanwhile = stage.rest.state(run_id)
    demo.faults.clear()
    end = wait_until(lambda: ended(stage, run_id), "the run to end without its worker")
    again = run_again(stage, demo, tmp_path)

    told(moment.phase, "worker", meanwhile=meanwhile, end=f"{end['name']}: {end['message']}", again=again)
    assert ("Running", "Completed") == (meanwhile, again)
    assert [] == expected.violations(snapshot(demo))


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.phase)
def test_the_server_dies(moment: Moment, stage: Stage, demo: Sandbox, tmp_path: Path, told: Told) -> None:
    """The flow works on while there is no server, and waits for it where it needs it; the new one sees it end."""
    expected, run_id = stopped_run(moment, stage, demo, tmp_path)

    stage.server.kill_all()
    demo.faults.clear()
    time.sleep(SERVER_AWAY_SECONDS)
    stage.start_server()
    meanwhile = stage.rest.state(run_id)
    end = wait_until(lambda: ended(stage, run_id), "the run to be seen as ended")
    again = run_again(stage, demo, tmp_path)

    told(moment.phase, "server", meanwhile=meanwhile, end=f"{end['name']}: {end['message']}", again=again)
    assert ("Completed", "Completed") == (end["name"], again), stage.rest.log(run_id)
    assert [] == expected.violations(snapshot(demo))


def test_the_machine_dies_and_its_run_keeps_no_place(stage: Stage, demo: Sandbox, tmp_path: Path, told: Told) -> None:
    """Worker and flow at once, so nobody reports it: 90 seconds without a heartbeat do, and the waiting run begins."""
    (moment,) = (one for one in MOMENTS if one.phase == "copy")
    expected, run_id = stopped_run(moment, stage, demo, tmp_path)
    worker = stage.have_worker()

    flows = descendants(worker.pid)
    worker.kill()
    kill(flows)
    meanwhile = stage.rest.state(run_id)
    demo.faults.clear()
    again = run_again(stage, demo, tmp_path)

    end = stage.rest.run(run_id)["state"]
    told(moment.phase, "machine", meanwhile=meanwhile, end=f"{end['name']}: {end['message']}", again=again)
    assert ("Running", "Crashed", "Completed") == (meanwhile, end["name"], again)
    assert "No heartbeat for 90 seconds" in end["message"]
    assert [] == expected.violations(snapshot(demo))


@pytest.mark.parametrize(
    ("state", "told_then"),
    [
        ("Pending", "Not begun within ten minutes"),
        ("Submitting", "Not begun within ten minutes"),
        ("Running", "No heartbeat for 90 seconds"),
    ],
)
def test_the_machine_dies_before_its_run_said_anything(
    state: str, told_then: str, stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """Taken and not begun, and begun a moment ago: seen all the same, by what the server itself wrote down."""
    expected = expectation_of(demo, "new")
    # ten minutes are too long to wait for what the same trigger does after twenty seconds
    stage.rest.have_automation_within("synapse-storage: a run never began", 600 if state == "Running" else 20)
    worker = stage.have_worker()
    run_id = stage.start_run(DEPLOYMENT, demo, tmp_path, **FORCE)
    wait_until(lambda: stage.rest.state(run_id) == state, f"the run to be {state}")

    flows = descendants(worker.pid)
    worker.kill()
    kill(flows)
    end = stage.rest.wait_for(run_id, "Crashed")["state"]

    assert stage.run(APPLY).returncode == 0
    assert "Completed" == run_again(stage, demo, tmp_path)
    assert told_then in end["message"]
    assert [] == expected.violations(snapshot(demo))


@pytest.mark.parametrize("killed", ["worker", "server", "both"])
def test_a_plan_waits_while_something_dies(
    killed: str, stage: Stage, demo: Sandbox, tmp_path: Path, told: Told
) -> None:
    """The question outlives it: the answer is acted on by whatever worker and server are there then."""
    expected = expectation_of(demo, "new")
    worker = stage.have_worker()
    run_id = stage.start_run(DEPLOYMENT, demo, tmp_path, **FORCE | {"confirm": "ask"})
    stage.rest.wait_for(run_id, "Suspended")
    wait_until(lambda: not descendants(worker.pid), "the flow's process to end")
    before = writes(demo)

    if killed in {"server", "both"}:
        stage.server.kill_all()
    if killed in {"worker", "both"}:
        worker.kill()
    if killed in {"server", "both"}:
        stage.start_server()
    meanwhile = stage.rest.state(run_id)
    stage.have_worker()
    answer = {"plan_hash": stage.rest.plan_hash(run_id), "approve": True}
    assert ("Suspended", before) == (meanwhile, writes(demo))
    assert "ACCEPT" == stage.rest.resume(run_id, answer)["status"]
    end = stage.rest.wait_for(run_id, "Completed")["state"]
    again = run_again(stage, demo, tmp_path)

    told("plan waits", killed, meanwhile=meanwhile, end=f"{end['name']}: {end['message']}", again=again)
    assert [] == expected.violations(snapshot(demo))


def test_a_run_that_is_cancelled_lets_what_is_in_flight_end_and_the_next_goes_on(
    stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """Cancel in the UI: the run drains and ends as Cancelled; no second copy when it is run again."""
    (moment,) = (one for one in MOMENTS if one.phase == "copy")
    expected, run_id = stopped_run(moment, stage, demo, tmp_path)

    stage.rest.cancel(run_id)
    demo.faults.clear()
    end = wait_until(lambda: ended(stage, run_id), "the run to be cancelled")

    assert ("Cancelled", "Completed") == (end["name"], run_again(stage, demo, tmp_path))
    assert [] == expected.violations(snapshot(demo))


def test_a_run_that_is_suspended_lets_what_is_in_flight_end_and_goes_on_elsewhere(
    stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """Suspend in the UI while files are copied: the flow drains and is gone; resumed, another worker ends it."""
    (moment,) = (one for one in MOMENTS if one.phase == "copy")
    expected, run_id = stopped_run(moment, stage, demo, tmp_path)
    worker = stage.have_worker()

    stage.rest.suspend(run_id)
    wait_until(lambda: NOTICED in stage.rest.log(run_id), "the flow to notice")
    demo.faults.clear()
    wait_until(lambda: not descendants(worker.pid), "the flow's process to end")
    worker.kill()
    left, state = expected.violations(snapshot(demo)), stage.rest.state(run_id)
    stage.have_worker()
    assert ("ACCEPT", "Suspended") == (stage.rest.resume(run_id, {})["status"], state)
    stage.rest.wait_for(run_id, "Completed")

    assert left, "there was something left to do"
    assert [] == expected.violations(snapshot(demo))


def stopped_run(moment: Moment, stage: Stage, sandbox: Sandbox, folder: Path) -> tuple[Expectation, str]:
    """Start a run, and wait until it is held at *moment* and the UI shows that; with it, what must come of it."""
    expected = expectation_of(sandbox, "new")
    stop = Stop(sandbox, moment)
    run_id = stage.start_run(DEPLOYMENT, sandbox, folder, **FORCE)
    stop.wait()
    wait_until(lambda: moment.task in stage.rest.running_tasks(run_id), f"task {moment.task} to be shown as running")
    return expected, run_id


def run_again(stage: Stage, sandbox: Sandbox, folder: Path) -> str:
    """The same deployment with the same parameters: the state it ends in."""
    run_id = stage.start_run(DEPLOYMENT, sandbox, folder, **FORCE)
    return str(wait_until(lambda: ended(stage, run_id), "the next run to end")["name"])


def kill(processes: list[int]) -> None:
    """kill -9 to all of them."""
    for process in processes:
        os.kill(process, 9)
