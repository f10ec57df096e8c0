"""A migration shared by workers: dispatched, one worker dies, its shard is dispatched again, the end is exact."""

import os
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.contract.test_three_doors import expectation_of
from tests.migration.harness import snapshot
from tests.server.moments import MOMENTS, Stop
from tests.server.processes import descendants
from tests.server.stage import SHARD_POOL, Stage, variables_for

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]


@pytest.fixture
def mixed(start_sandbox: Any) -> Sandbox:
    """The awkward project."""
    sandbox: Sandbox = start_sandbox(scenario="mixed")
    return sandbox


def test_a_worker_dies_in_the_middle_of_its_shard(stage: Stage, mixed: Sandbox, tmp_path: Path) -> None:
    """kill -9 of worker and flow: nobody reports it; the missing heartbeat does, and the shard runs again."""
    expected = expectation_of(mixed, "new")
    machines = [
        stage.start_worker(
            variables_for(mixed, tmp_path) | {"SYNAPSE_STATE_FOLDER": str(tmp_path / f"machine-{number}")},
            name=f"machine-{number}", pool=SHARD_POOL, limit=("--limit", "1"),
        )
        for number in (1, 2)
    ]  # fmt: skip
    stop = Stop(mixed, next(moment for moment in MOMENTS if moment.phase == "copy"))
    more = {"include_table_files": True, "shards": 2, "confirm": "force"}
    run_id = stage.start_run("migrate-sharded/sharded", mixed, tmp_path, **more)
    stop.wait()

    victim = next(one for one in machines if "submitted to infrastructure" in one.tail())
    flow_processes = descendants(victim.pid)
    victim.kill()
    for process in flow_processes:
        os.kill(process, 9)
    stop.lift()
    ended = stage.rest.wait_for(run_id, "Failed", "Completed")

    # the awkward project holds files that cannot be read, so the whole ends with exit code 1, as a single run does
    assert "exit code 1" in ended["state"]["message"]
    assert "ended as Crashed: No heartbeat for 90 seconds" in stage.rest.log(run_id)
    assert [] == expected.violations(snapshot(mixed))
    assert [] == list(tmp_path.glob("*.shard-*.duckdb")), "the shards were taken back"
