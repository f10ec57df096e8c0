"""A data steward and the UI: fill the deployment's form, read the plan, approve it. In a real browser.

With `PICTURES_FOLDER` set, the pictures of docs/pipeline.md are made anew there.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.migration.expectation import Expectation
from tests.migration.harness import snapshot
from tests.server.browser import Ui, opened_browser
from tests.server.processes import CannotRunError, wait_until
from tests.server.rest import Json
from tests.server.stage import Stage, variables_for

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]


@pytest.fixture
def ui(stage: Stage, tmp_path: Path) -> Iterator[Ui]:
    """A browser at the server's UI; without Chromium the test is skipped, and says so."""
    pictures = Path(os.environ.get("PICTURES_FOLDER") or tmp_path)
    try:
        with opened_browser() as page:
            yield Ui(page, stage.rest.url.removesuffix("/api"), pictures)
    except CannotRunError as trouble:
        pytest.skip(str(trouble))


def test_a_steward_fills_the_form_and_approves_the_plan(
    stage: Stage, ui: Ui, start_sandbox: Any, tmp_path: Path
) -> None:
    """Nothing but the browser starts and approves; what the sandbox holds in the end is exactly right."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    facts = sandbox.facts
    assert facts is not None
    expected = Expectation(
        snapshot(sandbox), facts.root_id, facts.destination_id, "all", unreadable=set(facts.unreadable_ids)
    )
    deployment = stage.rest.deployment("migrate-files/on-demand")
    before = {one["id"] for one in runs_of(stage, deployment)}
    with stage.only_worker(variables_for(sandbox, tmp_path)):
        ui.open_form(deployment)
        ui.add("root_ids", facts.root_id)
        ui.fill("destination_storage_location_id", str(facts.destination_id))
        ui.fill("index_path", "~/migration.duckdb")
        ui.choose("file_version_strategy", "all")
        ui.picture("form")
        ui.press("Submit")
        run_id = wait_until(lambda: {one["id"] for one in runs_of(stage, deployment)} - before, "the form's run").pop()
        stage.rest.wait_for(run_id, "Suspended")
        ui.open_run(run_id)
        ui.press("Resume")
        ui.fill("Plan Hash", stage.rest.plan_hash(run_id))
        ui.switch_on("Approve")
        ui.picture("approval")
        ui.press("Submit")
        stage.rest.wait_for(run_id, "Completed")
        ui.open_run(run_id)
        ui.page.get_by_text("Completed").first.wait_for()
        ui.picture("finished")
        ui.open_artifact(stage.rest.artifacts(run_id)["migration-plan"])
        ui.picture("plan")

    assert [] == expected.violations(snapshot(sandbox))


def runs_of(stage: Stage, deployment: Json) -> list[Json]:
    """The runs of a deployment, whoever started them."""
    found: list[Json] = stage.rest.post("/flow_runs/filter", {"deployments": {"id": {"any_": [deployment["id"]]}}})
    return found
