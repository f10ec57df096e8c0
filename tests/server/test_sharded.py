"""A migration shared by workers: dispatched, one worker dies, its shard is dispatched again, the end is exact."""

import os
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.contract.test_three_doors import expectation_of
from tests.migration.harness import snapshot
from tests.server.processes import descendants, wait_until
from tests.server.stage import SHARD_POOL, Stage, variables_for

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]


@pytest.fixture
def mixed(start_sandbox: Any) -> Sandbox:
    """The awkward project, slow enough to be met in the middle."""
    sandbox: Sandbox = start_sandbox(scenario="mixed", latency_seconds=0.15)
    return sandbox


def test_a_worker_dies_in_the_middle_of_its_shard(stage: Stage, mixed: Sandbox, tmp_path: Path) -> None:
    """kill -9 of worker and flow: nobody reports it; the missing heartbeat does, and the shard runs again."""
    facts = mixed.facts
    assert facts is not None
    expected = expectation_of(mixed, "new")
    stage.dismiss_worker()
    coordinator = stage.start_worker(variables_for(mixed, tmp_path), name="coordinator")
    machines = [
        stage.start_worker(
            variables_for(mixed, tmp_path) | {"SYNAPSE_STATE_FOLDER": str(tmp_path / f"machine-{number}")},
            name=f"machine-{number}", pool=SHARD_POOL, limit=("--limit", "1"),
        )
        for number in (1, 2)
    ]  # fmt: skip
    run_id = stage.rest.start(
        "migrate-sharded/sharded",
        {
            "root_ids": [facts.root_id],
            "destination_storage_location_id": facts.destination_id,
            "index_path": str(tmp_path / "m.duckdb"),
            "include_table_files": True,
            "shards": 2,
            "confirm": "force",
        },
    )
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
    for worker in (coordinator, *machines):
        worker.stop()
