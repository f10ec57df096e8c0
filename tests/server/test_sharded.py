"""A migration shared by workers: one of them dies, or a person cancels or suspends it; the end is exact."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tasks.pausing import NOTICED
from tests.contract.test_three_doors import expectation_of
from tests.migration.harness import snapshot, writes
from tests.server.moments import MOMENTS, Stop
from tests.server.processes import Program, descendants, wait_until
from tests.server.rest import Json
from tests.server.stage import SHARD_POOL, Stage, parameters_for, variables_for

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]


DEPLOYMENT = "migrate-sharded/sharded"


@pytest.fixture
def demo(start_sandbox: Any) -> Sandbox:
    """The sample project, all of which can be migrated or is rightly left alone."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    return sandbox


@pytest.fixture
def mixed(start_sandbox: Any) -> Sandbox:
    """The awkward project, slow enough to be met in the middle."""
    sandbox: Sandbox = start_sandbox(scenario="mixed", latency_seconds=0.15)
    return sandbox


def test_a_worker_dies_in_the_middle_of_its_shard(stage: Stage, mixed: Sandbox, tmp_path: Path) -> None:
    """kill -9 of worker and flow: nobody reports it; the missing heartbeat does, and the shard runs again."""
    expected = expectation_of(mixed, "new")
    with working(stage, mixed, tmp_path) as machines:
        run_id = stage.rest.start(DEPLOYMENT, parameters(mixed, tmp_path))
        wait_until(lambda: mixed.app.traffic.by_call["POST /file/multipart"] > 3, "a copy to begin")

        victim = next(one for one in machines if "submitted to infrastructure" in one.tail())
        flow_processes = descendants(victim.pid)
        victim.kill()
        for process in flow_processes:
            os.kill(process, 9)
        ended = stage.rest.wait_for(run_id, "Failed", "Completed")

    # the awkward project holds files that cannot be read, so the whole ends with exit code 1, as a single run does
    assert "exit code 1" in ended["state"]["message"]
    assert "ended as Crashed: No heartbeat for 90 seconds" in stage.rest.log(run_id)
    assert [] == expected.violations(snapshot(mixed))
    assert [] == list(tmp_path.glob("*.shard-*.duckdb")), "the shards were taken back"


def test_a_sharded_run_that_is_cancelled_takes_its_shards_with_it_and_the_next_ends_it(
    stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """Cancel of the coordinator: no shard writes on; run again, the shards go on where they were."""
    expected = expectation_of(demo, "new")
    with working(stage, demo, tmp_path):
        run_id = held_while_copying(stage, demo, tmp_path)
        shards = shard_runs(stage, tmp_path)

        stage.rest.cancel(run_id)
        wait_until(lambda: states_of(stage, [run_id]) == {"Cancelled"}, "the coordinator to be cancelled")
        demo.faults.clear()
        wait_until(lambda: states_of(stage, shards) <= {"Cancelled", "Completed"}, "its shards to end")
        left, wrote = expected.violations(snapshot(demo)), writes(demo)
        again = stage.rest.start(DEPLOYMENT, parameters(demo, tmp_path))
        stage.rest.wait_for(again, "Completed")

    assert left, "there was something left to do"
    assert wrote < writes(demo)
    assert [] == expected.violations(snapshot(demo))
    assert [] == list(tmp_path.glob("*.shard-*.duckdb"))


def test_a_sharded_run_that_is_suspended_takes_its_shards_with_it_and_goes_on_when_resumed(
    stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """Suspend of the coordinator: its shards end what is in flight; resumed, it starts them again."""
    expected = expectation_of(demo, "new")
    with working(stage, demo, tmp_path):
        run_id = held_while_copying(stage, demo, tmp_path)
        shards = shard_runs(stage, tmp_path)

        stage.rest.suspend(run_id)
        wait_until(lambda: states_of(stage, shards) & {"Cancelling", "Cancelled"}, "the coordinator to notice")
        demo.faults.clear()
        wait_until(lambda: states_of(stage, shards) <= {"Cancelled", "Completed"}, "its shards to end")
        left, state = expected.violations(snapshot(demo)), stage.rest.state(run_id)
        assert "ACCEPT" == stage.rest.resume(run_id, {})["status"]
        stage.rest.wait_for(run_id, "Completed")

    assert (True, "Suspended") == (bool(left), state)
    assert [] == expected.violations(snapshot(demo))
    assert [] == list(tmp_path.glob("*.shard-*.duckdb"))


def test_a_shard_that_is_suspended_by_itself_ends_what_is_in_flight_and_goes_on_when_resumed(
    stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """Suspend of one shard: the coordinator waits for it, the other shard works on."""
    expected = expectation_of(demo, "new")
    with working(stage, demo, tmp_path) as machines:
        run_id = held_while_copying(stage, demo, tmp_path)
        shard = next(run for run in shard_runs(stage, tmp_path) if stage.rest.state(run) == "Running")

        stage.rest.suspend(shard)
        machine = next(machine for machine in machines if shard in machine.log.read_text())
        # by itself, or by Prefect, which starts no task of a suspended run
        wait_until(lambda: NOTICED in stage.rest.log(shard) or not descendants(machine.pid), "the shard to notice")
        demo.faults.clear()
        wait_until(lambda: not descendants(machine.pid), "the shard's process to end")
        left, states = expected.violations(snapshot(demo)), (stage.rest.state(run_id), stage.rest.state(shard))
        assert "ACCEPT" == stage.rest.resume(shard, {})["status"]
        stage.rest.wait_for(run_id, "Completed")

    assert (True, ("Running", "Suspended")) == (bool(left), states)
    assert [] == expected.violations(snapshot(demo))
    assert [] == list(tmp_path.glob("*.shard-*.duckdb"))


@contextmanager
def working(stage: Stage, sandbox: Sandbox, folder: Path) -> Iterator[list[Program]]:
    """A worker for the coordinator, and two machines for shards, whose programs are told."""
    stage.dismiss_worker()
    at = len(stage.workers)  # a name of its own gives each worker a log of its own
    coordinator = stage.start_worker(variables_for(sandbox, folder), name=f"coordinator-{at}")
    machines = [
        stage.start_worker(
            variables_for(sandbox, folder) | {"SYNAPSE_STATE_FOLDER": str(folder / f"machine-{number}")},
            name=f"machine-{at}-{number}", pool=SHARD_POOL, limit=("--limit", "1"),
        )
        for number in (1, 2)
    ]  # fmt: skip
    try:
        yield machines
    finally:
        for worker in (coordinator, *machines):
            worker.stop()


def parameters(sandbox: Sandbox, folder: Path) -> Json:
    """What the form of the deployment asks for."""
    return parameters_for(sandbox, folder) | {"include_table_files": True, "shards": 2, "confirm": "force"}


def held_while_copying(stage: Stage, sandbox: Sandbox, folder: Path) -> str:
    """Start a run, and wait until one of its shards is held in the middle of its copies."""
    stop = Stop(sandbox, next(moment for moment in MOMENTS if moment.phase == "copy"))
    run_id = stage.rest.start(DEPLOYMENT, parameters(sandbox, folder))
    stop.wait()
    return run_id


def shard_runs(stage: Stage, folder: Path) -> list[str]:
    """The runs of shards of the index in *folder*."""
    found = stage.rest.post("/flow_runs/filter", {"flows": {"name": {"any_": ["migrate-shard"]}}})
    ids = [str(run["id"]) for run in found if str(folder) in run["parameters"]["index_path"]]
    assert len(ids) == 2
    return ids


def states_of(stage: Stage, runs: list[str]) -> set[str]:
    return {stage.rest.state(run) for run in runs}
