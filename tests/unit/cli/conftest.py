"""The program as people run it: in a process of its own, against a sandbox on this machine."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.server import Sandbox, SandboxOptions, running_sandbox

PROGRAM = [sys.executable, "-c", "from storage_core.cli.main import main; main()"]
Run = Callable[..., subprocess.CompletedProcess[str]]
AtTerminal = Callable[..., tuple[int, str]]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with the sample project, new for each test."""
    with running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0.01)) as running:
        yield running


@pytest.fixture
def root(sandbox: Sandbox) -> str:
    assert sandbox.facts is not None
    return sandbox.facts.root_id


@pytest.fixture
def destination(sandbox: Sandbox) -> str:
    assert sandbox.facts is not None
    return str(sandbox.facts.destination_id)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the program sees when it is pointed nowhere."""
    return {**os.environ, "SYNAPSE_STATE_FOLDER": str(tmp_path / "state"), "SYNAPSE_CALLS_PER_MINUTE": "60000"}


@pytest.fixture
def run_alone(repository: Path, environment: dict[str, str], tmp_path: Path) -> Run:
    """Run the program without a sandbox, in the test's folder, with nobody at standard input."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(repository), environment.get("PYTHONPATH", "")])
        return subprocess.run(
            [*PROGRAM, *arguments],
            env={**environment, "PYTHONPATH": path, **more},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


@pytest.fixture
def run(run_alone: Run, sandbox: Sandbox) -> Run:
    """Run the program against the sandbox."""

    def run_there(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_alone(*arguments, **sandbox.environment())

    return run_there


@pytest.fixture
def at_terminal(repository: Path, environment: dict[str, str], tmp_path: Path, sandbox: Sandbox) -> AtTerminal:
    """Run the program at a terminal of its own; somebody types one line when asked. Returns the code and the screen."""

    def run(typed: str, *arguments: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        path = os.pathsep.join([str(repository), environment.get("PYTHONPATH", "")])
        with subprocess.Popen(
            [*PROGRAM, *arguments],
            env={**environment, **sandbox.environment(), "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "100"},
            cwd=tmp_path,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as program:
            os.close(theirs)
            screen = _conversation(ours, typed)
            code = program.wait(timeout=60)
        os.close(ours)
        return code, screen

    return run


def _conversation(terminal: int, typed: str) -> str:
    """Answer the one question; everything that was shown, up to the end."""
    screen = ""
    is_answered = False
    while select.select([terminal], [], [], 60)[0]:
        try:
            shown = os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:  # Linux says so when the other side has closed
            break
        if not shown:
            break
        screen += shown
        if "Proceed? (y/n)? " in screen and not is_answered:
            is_answered = True
            os.write(terminal, f"{typed}\n".encode())
    return screen
