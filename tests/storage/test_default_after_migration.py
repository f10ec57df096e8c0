"""A migration of a project whose uploads go elsewhere: warned about, and set right when asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.server import Sandbox

PROGRAM = [sys.executable, "-c", "from storage_core.cli.main import main; main()"]


@pytest.fixture
def run(start_sandbox, tmp_path: Path, repository: Path):
    sandbox: Sandbox = start_sandbox(scenario="demo")

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")])
        more = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}
        return subprocess.run(
            [*PROGRAM, *words],
            env={**os.environ, **sandbox.environment(), **more, "PYTHONPATH": path},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    command.sandbox = sandbox
    return command


@pytest.fixture
def folder(run) -> str:
    """A folder all of whose files can be migrated."""
    return str(next(one.id for one in run.sandbox.world.entities.all() if one.name == "Results"))


def default_of(run, entity: str) -> int:
    return int(json.loads(run("setting", "resolve", entity, "--json").stdout)["storage_location_id"])


def test_new_uploads_follow_when_that_is_asked_for(run, folder: str) -> None:
    destination = run.sandbox.facts.destination_id

    dry = run("migrate", folder, str(destination), "x.duckdb", "--dry-run", "--set-default")
    before = default_of(run, folder)
    done = run("migrate", folder, str(destination), "x.duckdb", "--force", "--set-default")

    assert "still go to storage location 1" in dry.stdout + dry.stderr
    assert (1, 0, destination) == (before, done.returncode, default_of(run, folder))
    assert f"New uploads to {folder} go to {destination}: created." in done.stderr


def test_new_uploads_stay_while_not_all_is_migrated(run, folder: str) -> None:
    destination = run.sandbox.facts.destination_id
    run.sandbox.world.objects.bucket("lab-archive").writable_by_synapse = False

    done = run("migrate", folder, str(destination), "x.duckdb", "--force", "--set-default", "--continue-on-error")

    assert (1, 1) == (done.returncode, default_of(run, folder))
    assert "Not all is migrated" in done.stderr


def test_what_uploads_to_a_proxy_can_be_migrated_too(run, folder: str, tmp_path: Path) -> None:
    """The service describes no upload destination there, which is no reason to refuse the whole migration."""
    (tmp_path / "secret").write_text("s" * 40)
    words = ("--proxy-url", "https://proxy.example.org", "--secret-key-file", "secret", "--benefactor-id", "syn5")
    made = json.loads(run("location", "create", "PROXY", *words, "--json").stdout)
    run("setting", "set", folder, str(made["storage_location_id"]))

    dry = run("migrate", folder, str(run.sandbox.facts.destination_id), "x.duckdb", "--dry-run")

    assert 0 == dry.returncode, dry.stderr
