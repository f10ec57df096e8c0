"""What we rely on in Prefect, before any flow runs."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]


def deployments(repository: Path) -> list[dict[str, object]]:
    """The entries of prefect.yaml; none when there is no such file."""
    path = repository / "prefect.yaml"
    return yaml.safe_load(path.read_text())["deployments"] if path.exists() else []


def test_prefects_server_can_be_imported(repository: Path) -> None:
    """Decision 0003: a newer FastAPI breaks exactly this, and no metadata tells."""
    code = "from prefect.server.api.server import create_app; create_app(ephemeral=True)"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False, timeout=240
    )

    assert done.returncode == 0, done.stderr


def test_every_deployment_names_a_flow_that_exists(repository: Path) -> None:
    """Entrypoints are module paths: file paths load a second copy of the module."""
    for deployment in deployments(repository):
        entrypoint = str(deployment["entrypoint"])
        assert "/" not in entrypoint, entrypoint
        assert ":" not in entrypoint, entrypoint
        module, _, name = entrypoint.rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert "Flow" == type(flow).__name__, entrypoint


def test_every_deployment_fits_its_flow(repository: Path) -> None:
    """Stated parameters exist, and a description says what somebody in the UI starts."""
    for deployment in deployments(repository):
        module, _, name = str(deployment["entrypoint"]).rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        parameters = deployment.get("parameters") or {}
        assert isinstance(parameters, dict)
        assert set() == parameters.keys() - flow.parameters.properties.keys(), deployment["name"]
        assert deployment.get("description") or flow.description, deployment["name"]


def test_pull_is_always_stated(repository: Path) -> None:
    """Left out, `prefect deploy` would write somebody's working directory into the deployment."""
    path = repository / "prefect.yaml"
    if not path.exists():
        pytest.skip("no prefect.yaml yet")
    document = yaml.safe_load(path.read_text())

    for deployment in document["deployments"]:
        assert [] == deployment.get("pull", document.get("pull")), deployment["name"]
