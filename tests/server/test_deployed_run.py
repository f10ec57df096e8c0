"""From deployment to approved, finished, exported run: a real server and worker, driven through REST as the UI does."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.flows.wrong_parameters import GOOD, WRONG
from tests.migration.expectation import Expectation
from tests.migration.harness import snapshot, writes
from tests.server.processes import Program
from tests.server.stage import Stage, variables_for

pytestmark = pytest.mark.timeout(290)


@pytest.fixture
def demo(start_sandbox: Any) -> Sandbox:
    """The sample project, all of which can be migrated or is rightly left alone."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    return sandbox


@pytest.fixture
def worker(stage: Stage, demo: Sandbox, tmp_path: Path) -> Iterator[Program]:
    """A worker whose flows talk to the test's sandbox."""
    running = stage.start_worker(variables_for(demo, tmp_path))
    yield running
    running.stop()


def test_a_person_approves_the_plan_and_exactly_that_is_done(
    stage: Stage, demo: Sandbox, worker: Program, tmp_path: Path
) -> None:
    """Trigger, look at the plan, answer with a wrong hash, approve, read artifacts and export; all as the UI does."""
    rest = stage.rest
    expected = expectation_of(demo)
    before = writes(demo)

    run_id = rest.start("migrate-files/on-demand", parameters_for(demo, tmp_path))
    waiting = rest.wait_for(run_id, "Suspended")

    assert before == writes(demo), "something was written before the plan was approved"
    plan = rest.artifacts(run_id)["migration-plan"]
    plan_hash = plan["description"].removeprefix("Plan ")
    refused = rest.resume(run_id, {"plan_hash": "0123456789ab", "approve": True})
    assert "REJECT" == refused["status"], refused
    assert waiting["state"]["id"] == rest.run(run_id)["state"]["id"]

    assert "ACCEPT" == rest.resume(run_id, {"plan_hash": plan_hash, "approve": True})["status"]
    ended = rest.wait_for(run_id, "Completed")

    assert "everything planned is migrated and verified" == ended["state"]["message"]
    assert [] == expected.violations(snapshot(demo))
    counts = {row["status"]: row["items"] for row in json.loads(rest.artifacts(run_id)["migration-counts"]["data"])}
    assert expected.places() == counts["MIGRATED"]
    assert [] == damaged_files(tmp_path / "m-report" / "parquet")


def test_a_declined_plan_writes_nothing(stage: Stage, demo: Sandbox, worker: Program, tmp_path: Path) -> None:
    """The run ends as cancelled, and the index is kept for the next one."""
    before = writes(demo)
    run_id = stage.rest.start("migrate-files/on-demand", parameters_for(demo, tmp_path))
    stage.rest.wait_for(run_id, "Suspended")

    stage.rest.resume(run_id, {"approve": False})
    ended = stage.rest.wait_for(run_id, "Cancelled")

    assert "declined" in ended["state"]["message"]
    assert before == writes(demo)
    assert (tmp_path / "m.duckdb").is_file()


def test_nobody_answers_in_time_and_nothing_is_written(
    stage: Stage, demo: Sandbox, worker: Program, tmp_path: Path
) -> None:
    """The server ends the run; a late approval is refused, and starts nothing."""
    before = writes(demo)
    run_id = stage.rest.start("migrate-files/on-demand", parameters_for(demo, tmp_path) | {"approval_hours": 3 / 3600})

    ended = stage.rest.wait_for(run_id, "Failed")

    assert "never resumed" in ended["state"]["message"]
    assert "ABORT" == stage.rest.resume(run_id, {"approve": False})["status"]
    assert before == writes(demo)


def parameters_for(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    """What the form asks for, to migrate the sandbox's project."""
    facts = sandbox.facts
    assert facts is not None
    return {
        "root_ids": [facts.root_id],
        "destination_storage_location_id": facts.destination_id,
        "index_path": str(folder / "m.duckdb"),
        "file_version_strategy": "all",
    }


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
        flow = stage.rest.get(f"/flows/{deployment['flow_id']}")["name"]
        schema = deployment["parameter_openapi_schema"]
        good = {name: value for name, value in GOOD.items() if name in schema["properties"]}
        cases = [(name, good | {name: value}) for name in schema["properties"] for value in WRONG[name][:1]]
        cases += [
            (name, {key: value for key, value in good.items() if key != name})
            for name in schema.get("required", [])
            if name not in deployment["parameters"]
        ]
        for name, parameters in cases:
            answer = stage.rest.start_answered(f"{flow}/{deployment['name']}", parameters)
            tried += 1
            if answer.is_success:
                accepted.append((deployment["name"], name, parameters.get(name)))
            elif name not in answer.text:
                unnamed.append((deployment["name"], name, answer.text))

    assert [] == accepted
    assert [] == unnamed
    assert tried > 100
