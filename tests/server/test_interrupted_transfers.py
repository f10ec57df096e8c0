"""Uploads and downloads that somebody suspends or cancels in Prefect's UI: nothing breaks, and they go on."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox
from tasks.pausing import NOTICED
from tests.server.processes import descendants, wait_until
from tests.server.stage import Stage, ended, variables_for

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]

FILES = {f"part-{number}.txt": f"number {number}" for number in range(6)}


@pytest.fixture
def demo(start_sandbox: Any) -> Sandbox:
    """The sample project."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    return sandbox


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory of small files."""
    folder = tmp_path / "tree"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_an_upload_that_is_suspended_goes_on_when_resumed(
    stage: Stage, demo: Sandbox, tree: Path, tmp_path: Path
) -> None:
    """What was under way is given up, though it may be done; resumed on another worker, each file is there once."""
    held = FaultRule(kind=FaultKind.HOLD, method="POST", path="/entity$", skip=2, times=None)
    demo.faults.add(held)
    worker = stage.have_worker()
    run_id = started(stage, "upload-tree/upload", demo, tmp_path, folder=str(tree))
    wait_until(lambda: held.struck, "a file to be made")

    stage.rest.suspend(run_id)
    wait_until(lambda: NOTICED in stage.rest.log(run_id), "the flow to notice")
    wait_until(lambda: not descendants(worker.pid), "the flow's process to end")
    state, log = stage.rest.state(run_id), stage.rest.log(run_id)
    worker.kill()
    demo.faults.clear()
    stage.have_worker()
    assert ("ACCEPT", "Suspended") == (stage.rest.resume(run_id, {})["status"], state)
    stage.rest.wait_for(run_id, "Completed")

    assert "Traceback" not in log
    made = [one for one in demo.world.entities.all() if one.name in FILES]
    assert sorted(FILES) == sorted(one.name for one in made)
    assert {1} == {len(one.versions) for one in made}


def test_a_download_that_is_cancelled_leaves_no_failure_and_the_next_ends_it(
    stage: Stage, demo: Sandbox, tmp_path: Path
) -> None:
    """Its batches are shown as cancelled; no connection that was closed under a file is told as its error."""
    held = FaultRule(kind=FaultKind.HOLD, method="POST", path="/fileHandle/batch$", skip=1, times=None)
    demo.faults.add(held)
    stage.have_worker()
    (amsterdam,) = (one.id for one in demo.world.entities.all() if one.name == "Amsterdam")
    where = {"container_id": amsterdam, "folder": str(tmp_path / "down")}
    run_id = started(stage, "download-tree/download", demo, tmp_path, **where)
    wait_until(lambda: held.struck, "a file to be asked for")

    stage.rest.cancel(run_id)
    end = wait_until(lambda: ended(stage, run_id), "the run to be cancelled")
    demo.faults.clear()
    again = started(stage, "download-tree/download", demo, tmp_path, **where)
    stage.rest.wait_for(again, "Completed")

    assert "Cancelled" == end["name"]
    assert "Traceback" not in stage.rest.log(run_id)
    assert "FAILED" not in stage.rest.task_states(run_id)
    assert 4 == len(list((tmp_path / "down").rglob("amsterdam_sample_*.tsv")))


def started(stage: Stage, name: str, demo: Sandbox, home: Path, **parameters: str) -> str:
    """Press "Run" for a transfer, by default with the project itself; the run's id."""
    facts = demo.facts
    assert facts is not None
    return stage.rest.start(name, {"container_id": facts.root_id} | parameters, variables_for(demo, home))
