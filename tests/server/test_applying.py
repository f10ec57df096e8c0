"""deployments/apply.py on a real server: it makes everything, and the second time finds nothing to do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.credentials import BLOCKS
from sandbox.server import Sandbox
from tests.server.stage import ROOT, Stage, variables_for

pytestmark = pytest.mark.timeout(290)


def apply(stage: Stage, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "deployments/apply.py", *words], env=stage.environment(), cwd=ROOT, capture_output=True,
        text=True, timeout=200, check=False,
    )  # fmt: skip


def forget_blocks_and_automations(stage: Stage) -> None:
    """The server is one for all tests: what another one made there must not count as made by this one."""
    for automation in stage.rest.post("/automations/filter", {}):
        stage.rest.delete(f"/automations/{automation['id']}")
    for block_type in stage.rest.post("/block_types/filter", {}):
        if block_type["slug"] in {block.get_block_type_slug() for block in BLOCKS}:
            stage.rest.delete(f"/block_types/{block_type['id']}")


def test_apply_makes_what_is_missing_and_then_finds_nothing_to_do(stage: Stage) -> None:
    """A check before says what would be made and makes nothing; automations without their block are left out."""
    forget_blocks_and_automations(stage)
    before = apply(stage, "--check")
    assert 1 == before.returncode, before.stderr
    assert "differs: automation synapse-storage: a silent run has crashed" in before.stdout
    assert [] == stage.rest.post("/automations/filter", {})

    made = apply(stage)

    assert 0 == made.returncode, made.stderr
    assert "made: block type synapse-token" in made.stdout
    assert (
        "left out: automation synapse-storage: a plan waits (make the block slack-webhook/synapse-storage first)"
        in (made.stdout)
    )
    assert ["synapse-storage: a silent run has crashed"] == [
        one["name"] for one in stage.rest.post("/automations/filter", {})
    ]
    after = apply(stage, "--check")
    assert (0, True) == (after.returncode, "The server is as this folder says." in after.stdout), after.stdout


def test_a_run_with_credentials_from_blocks_shows_them_nowhere(
    stage: Stage, start_sandbox: Any, tmp_path: Path
) -> None:
    """The worker holds no token; the block does; parameters, logs, artifacts and results never do."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    facts = sandbox.facts
    assert facts is not None
    variables = variables_for(sandbox, tmp_path)
    kept = subprocess.run(
        [sys.executable, "deployments/keep_credentials.py", "prod"], env=stage.environment(**variables), cwd=ROOT,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert 0 == kept.returncode, kept.stderr
    assert "Saved as prod: the Synapse token, AWS keys." in kept.stdout
    secrets = (variables.pop("SYNAPSE_AUTH_TOKEN"), variables.pop("AWS_SECRET_ACCESS_KEY"))
    variables.pop("AWS_ACCESS_KEY_ID")
    worker = stage.start_worker(variables, name="without-token")

    run_id = stage.rest.start(
        "migrate-files/dry-run",
        {
            "root_ids": [facts.root_id],
            "destination_storage_location_id": facts.destination_id,
            "index_path": str(tmp_path / "m.duckdb"),
            "credentials": "prod",
        },
    )
    stage.rest.wait_for(run_id, "Completed")
    worker.stop()

    told = (
        json.dumps(
            [
                stage.rest.run(run_id),
                stage.rest.artifacts(run_id),
                stage.rest.log(run_id),
                stage.rest.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}}),
                stage.rest.post("/block_documents/filter", {}),
            ]
        )
        + worker.log.read_text()
    )
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode("latin-1")
    assert [] == [secret for secret in secrets if secret in told or secret in written]
    assert "migration-plan" in told
