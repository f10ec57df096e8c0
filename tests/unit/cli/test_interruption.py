"""Ctrl-C ends a migration in good order, and the same command goes on where it ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.scenarios.facts import Trait
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.state import state_of

PROGRAM = [sys.executable, "-c", "from storage_core.cli.main import main; main()"]


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    """A sandbox whose calls take a while."""
    options = SandboxOptions(scenario="demo", is_throttled=False, latency_seconds=0.1)
    with running_sandbox(options) as running:
        yield running


def test_an_interrupted_migration_resumes_without_a_second_copy(
    slow: Sandbox, repository: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    assert slow.facts is not None
    handles_before = len(state_of(slow.world)["handles"])
    command = [*PROGRAM, "migrate", slow.facts.root_id, str(slow.facts.destination_id), "x.duckdb", "--force"]
    path = os.pathsep.join([str(repository), environment.get("PYTHONPATH", "")])
    env = {**environment, **slow.environment(), "PYTHONPATH": path}
    with subprocess.Popen(
        command, env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    ) as program:  # fmt: skip
        assert program.stderr is not None
        for line in program.stderr:
            if line.startswith("Copying files"):
                break
        time.sleep(0.5)
        program.send_signal(signal.SIGINT)
        told = program.stderr.read()
        assert program.wait(timeout=60) == 130, told
    assert "Run the same command again to go on where this ended." in told
    assert "Traceback" not in told

    slow.app.latency.seconds = 0
    done = subprocess.run(
        command, env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Complete: " in done.stdout
    current = [version for version in slow.facts.expectation.of_trait(Trait.ORDINARY, Trait.HUGE) if version.is_current]
    assert len({version.handle_id for version in current}) == len(state_of(slow.world)["handles"]) - handles_before


def test_ctrl_c_while_the_program_is_being_loaded_leaves_no_traceback(repository: Path, tmp_path: Path) -> None:
    """It comes in the first second, in the middle of some import; here, in that of typer."""
    code = f"""
import sys
sys.path.insert(0, {str(repository)!r})

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient())
from storage_core.cli.starting import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (130, "") == (done.returncode, done.stdout)
    assert "Error: Stopped before anything was begun. Run the same command again.\n" == done.stderr
