"""From an empty server to approved, finished, exported runs, driven through REST as the UI does.

The tests of the normal run that need a real server are all in this file, so that one process runs them: a second one
would start a PostgreSQL, a server and a worker of its own.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.flows.wrong_parameters import GOOD, WRONG
from tests.migration.expectation import Expectation
from tests.migration.harness import snapshot, writes
from tests.server.stage import APPLY, Stage, parameters_for, variables_for

pytestmark = pytest.mark.timeout(900)

EVENTS = "synapse-storage.migration."
LISTING = "POST /entity/children"


@pytest.fixture
def demo(start_sandbox: Any) -> Sandbox:
    """The sample project, all of which can be migrated or is rightly left alone."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    return sandbox


def test_apply_makes_what_is_missing_and_then_finds_nothing_to_do(stage: Stage) -> None:
    """A check before said what would be made and made nothing; automations without their block are left out."""
    silent_runs = "automation synapse-storage: a silent run has crashed"
    for what in ("work pool storage-shards", "block type synapse-token", silent_runs, "deployment on-demand"):
        assert f"differs: {what}" in stage.checked
        assert f"made: {what}" in stage.applied
    waiting = "automation synapse-storage: a plan waits (make the block slack-webhook/synapse-storage first)"
    assert f"left out: {waiting}" in stage.applied

    again = stage.run(APPLY, "--check")

    assert 0 == again.returncode, again.stdout + again.stderr
    assert "The server is as this folder says." in again.stdout


def test_a_person_approves_the_plan_and_exactly_that_is_done(stage: Stage, demo: Sandbox, tmp_path: Path) -> None:
    """Trigger, look at the plan, answer with a wrong hash, approve, read artifacts, events and export."""
    rest = stage.rest
    expected = expectation_of(demo)
    before = writes(demo)

    run_id = stage.start_run("migrate-files/on-demand", demo, tmp_path, file_version_strategy="all", refresh=True)
    waiting = rest.wait_for(run_id, "Suspended")

    assert before == writes(demo), "something was written before the plan was approved"
    plan_hash = rest.plan_hash(run_id)
    refused = rest.resume(run_id, {"plan_hash": "0123456789ab", "approve": True})
    assert "REJECT" == refused["status"], refused
    assert waiting["state"]["id"] == rest.run(run_id)["state"]["id"]

    listed = demo.app.traffic.by_call[LISTING]
    assert "ACCEPT" == rest.resume(run_id, {"plan_hash": plan_hash, "approve": True})["status"]
    ended = rest.wait_for(run_id, "Completed")

    assert "everything planned is migrated and verified" == ended["state"]["message"]
    assert [] == expected.violations(snapshot(demo))
    assert (listed > 0, listed) == (True, demo.app.traffic.by_call[LISTING]), (
        "looked again, after the plan was approved"
    )
    counts = {row["status"]: row["items"] for row in json.loads(rest.artifacts(run_id)["migration-counts"]["data"])}
    assert expected.places() == counts["MIGRATED"]
    assert [] == damaged_files(tmp_path / "m-report" / "parquet")
    told = rest.wait_for_events(run_id, EVENTS, 4)
    # the process that acts on the answer does not tell again that a plan waits
    moments = [event["event"].removeprefix(EVENTS) for event in told]
    assert ["planned", "approved", "started", "finished"] == moments
    assert {plan_hash} == {event["payload"]["plan_hash"] for event in told[:3]}
    assert (0, expected.places()) == (told[3]["payload"]["exit_code"], told[3]["payload"]["MIGRATED"])


def test_a_declined_plan_writes_nothing_and_credentials_from_blocks_are_shown_nowhere(
    stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """The worker holds no token; the block does; parameters, logs, artifacts and results never do.

    The declined run ends as cancelled, and the index is kept for the next one.
    """
    before = writes(demo)
    variables = variables_for(demo, tmp_path)
    kept = stage.run("deployments/keep_credentials.py", "prod", **variables)
    assert 0 == kept.returncode, kept.stderr
    assert "Saved as prod: the Synapse token, AWS keys." in kept.stdout
    secrets = (variables.pop("SYNAPSE_AUTH_TOKEN"), variables.pop("AWS_SECRET_ACCESS_KEY"))
    variables.pop("AWS_ACCESS_KEY_ID")
    worker = stage.have_worker()

    parameters = parameters_for(demo, tmp_path) | {"credentials": "prod"}
    run_id = stage.rest.start("migrate-files/on-demand", parameters, variables)
    stage.rest.wait_for(run_id, "Suspended")
    stage.rest.resume(run_id, {"approve": False})
    ended = stage.rest.wait_for(run_id, "Cancelled")

    assert "declined" in ended["state"]["message"]
    assert before == writes(demo)
    assert (tmp_path / "m.duckdb").is_file()
    told = worker.log.read_text() + json.dumps(
        [
            stage.rest.run(run_id),
            stage.rest.artifacts(run_id),
            stage.rest.log(run_id),
            stage.rest.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}}),
            stage.rest.post("/block_documents/filter", {}),
        ]
    )
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode("latin-1")
    assert [] == [secret for secret in secrets if secret in told or secret in written]
    assert "migration-plan" in told


def test_nobody_answers_in_time_and_nothing_is_written(stage: Stage, demo: Sandbox, tmp_path: Path) -> None:
    """The server ends the run; a late approval is refused, and starts nothing. The index is where deployments say."""
    before = writes(demo)
    stage.have_worker()
    asked = parameters_for(demo, tmp_path) | {"approval_hours": 3 / 3600}
    del asked["index_path"]  # so that it is where the deployment has it
    run_id = stage.rest.start("migrate-files/on-demand", asked, variables_for(demo, tmp_path))

    ended = stage.rest.wait_for(run_id, "Failed")

    assert "never resumed" in ended["state"]["message"]
    assert "ABORT" == stage.rest.resume(run_id, {"approve": False})["status"]
    assert before == writes(demo)
    assert (tmp_path / "synapse-storage" / "migration.duckdb").is_file()


def expectation_of(sandbox: Sandbox) -> Expectation:
    """What must be true after migrating all versions of the sandbox's project."""
    facts = sandbox.facts
    assert facts is not None
    return Expectation(
        snapshot(sandbox), facts.root_id, facts.destination_id, "all", unreadable=set(facts.unreadable_ids)
    )


def damaged_files(folder: Path) -> list[str]:
    """Files of an export that are not what its manifest says."""
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert manifest["files"]
    return [
        one["name"]
        for one in manifest["files"]
        if hashlib.sha256((folder / one["name"]).read_bytes()).hexdigest() != one["sha256"]
    ]


def test_wrong_parameters_of_every_deployment_are_refused_before_a_run_starts(stage: Stage) -> None:
    """The answer names the field; what only the steward can know is asked for. All values: tests/flows."""
    accepted, unnamed, tried = [], [], 0
    for deployment in stage.rest.deployments():
        schema = deployment["parameter_openapi_schema"]
        good = {name: value for name, value in GOOD.items() if name in schema["properties"]}
        cases = [(name, good | {name: value}) for name in schema["properties"] for value in WRONG[name][:1]]
        cases += [
            (name, {key: value for key, value in good.items() if key != name})
            for name in schema.get("required", [])
            if name not in deployment["parameters"]
        ]
        for name, parameters in cases:
            answer = stage.rest.start_answered(deployment["id"], parameters)
            tried += 1
            if answer.is_success:
                accepted.append((deployment["name"], name, parameters.get(name)))
            elif name not in answer.text:
                unnamed.append((deployment["name"], name, answer.text))

    assert [] == accepted
    assert [] == unnamed
    assert tried > 100
