"""The same project is never migrated twice at once: by one deployment, by two, with one index or with two."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.contract.test_three_doors import expectation_of
from tests.migration.harness import snapshot
from tests.server.moments import MOMENTS, Stop
from tests.server.stage import Stage, parameters_for

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]

FORCE = {"confirm": "force", "include_table_files": True}


@pytest.fixture
def demo(start_sandbox: Any) -> Sandbox:
    """The sample project, tables included."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    return sandbox


def test_a_second_run_of_a_deployment_waits_for_the_first(stage: Stage, demo: Sandbox, tmp_path: Path) -> None:
    """Two people press Run: the second run begins when the first has ended, and finds nothing left to do."""
    expected = expectation_of(demo, "new")
    stop = held_while_copying(demo)
    first = stage.start_run("migrate-files/on-demand", demo, tmp_path, **FORCE)
    stop.wait()

    second = stage.start_run("migrate-files/on-demand", demo, tmp_path, **FORCE)
    stage.rest.wait_for(second, "AwaitingConcurrencySlot")
    assert "Running" == stage.rest.state(first)
    stop.lift()
    ended = stage.rest.wait_for(first, "Completed")
    began_after = stage.rest.wait_for(second, "Completed")

    assert ended["end_time"] <= began_after["start_time"]
    assert [] == expected.violations(snapshot(demo))


def test_a_scheduled_run_that_meets_another_is_dropped(stage: Stage, demo: Sandbox, tmp_path: Path) -> None:
    """Last week's run is still at work: this week's is cancelled, and disturbs nothing."""
    expected = expectation_of(demo, "new")
    stop = held_while_copying(demo)
    first = stage.start_run("migrate-files/approval-gated", demo, tmp_path, **FORCE)
    stop.wait()

    second = stage.start_run("migrate-files/approval-gated", demo, tmp_path, **FORCE)
    dropped = stage.rest.wait_for(second, "Cancelled")
    assert "concurrency" in dropped["state"]["message"].lower()
    assert "Running" == stage.rest.state(first)
    stop.lift()

    stage.rest.wait_for(first, "Completed")
    assert [] == expected.violations(snapshot(demo))


def test_another_deployment_with_another_index_is_refused_in_words(stage: Stage, demo: Sandbox, tmp_path: Path) -> None:
    """No file is shared and no deployment either: the project's own place is what the second run cannot have."""
    expected = expectation_of(demo, "new")
    stop = held_while_copying(demo)
    first = stage.start_run("migrate-files/on-demand", demo, tmp_path, **FORCE)
    stop.wait()

    (tmp_path / "other").mkdir()
    other = parameters_for(demo, tmp_path / "other") | FORCE
    second = stage.start_run("migrate-files/approval-gated", demo, tmp_path, **other)
    refused = stage.rest.wait_for(second, "Failed")
    root = demo.facts.root_id if demo.facts else ""
    assert f"Another run migrates {root} now. Wait until it has ended" in refused["state"]["message"]
    assert not (tmp_path / "other" / "m.duckdb").exists()
    assert "Running" == stage.rest.state(first)
    stop.lift()

    stage.rest.wait_for(first, "Completed")
    assert [] == expected.violations(snapshot(demo))


def held_while_copying(sandbox: Sandbox) -> Stop:
    """Hold the next run in the middle of its copies."""
    return Stop(sandbox, next(moment for moment in MOMENTS if moment.phase == "copy"))
