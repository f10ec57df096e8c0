"""How the judge's scripts are run: in the client's own environment, against the test's own sandbox."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.server import Sandbox

SCRIPTS = Path(__file__).parent / "scripts"
OUR_SETTINGS = ("SYNAPSE_", "PREFECT_", "AWS_")


@pytest.fixture(scope="session")
def client_python(repository: Path) -> Path:
    """The Python of the environment that holds the real client."""
    python = repository / ".venv-judge" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-judge: run the tests with `make test`, which installs it from judge.lock")
    return python


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """The environment of a child process: an empty home, nobody's settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OUR_SETTINGS)}
    return {**inherited, "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}


@pytest.fixture
def ask(client_python: Path, surroundings: dict[str, str], sandbox: "Sandbox", tmp_path: Path) -> Callable[..., Any]:
    """Runs a script of the judge against this test's sandbox; returns the JSON it answers with."""

    def run(script: str, **wishes: Any) -> Any:
        done = subprocess.run(
            [client_python, SCRIPTS / f"{script}.py", json.dumps(wishes)],
            cwd=tmp_path,
            env={**surroundings, **sandbox.environment()},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run
