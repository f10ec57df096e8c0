"""A sandbox with buckets of several owners, and an open connection to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.api.connection import Connection
from storage_core.config import Config, load_config
from storage_core.wiring.storage import StorageDesk

USER = "3412"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """One sandbox per module: a project with folders and files, a bucket that names the user and one that does not."""
    with running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0.0)) as sandbox:
        objects = sandbox.world.objects
        for bucket in ("lab", "bare"):
            objects.create_bucket(bucket, region="us-east-1")
        for key in ("owner.txt", "sts/owner.txt", "theirs/owner.txt"):
            objects.put("lab", key, USER.encode())
        yield sandbox


@pytest.fixture
def config(running: Sandbox, tmp_path: Path) -> Config:
    environment = running.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_CALLS_IN_FLIGHT": "8"}
    return load_config(environment | {"SYNAPSE_STATE_FOLDER": str(tmp_path / "state")})


@pytest.fixture
def client(config: Config) -> Iterator[Connection]:
    with Connection(config) as connection:
        yield connection


@pytest.fixture
def desk(client: Connection) -> StorageDesk:
    return client.desk


@pytest.fixture
def project(running: Sandbox) -> str:
    assert running.facts is not None
    return running.facts.root_id


@pytest.fixture
def aws(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own AWS keys, and the sandbox's S3 in place of Amazon."""
    for name, value in running.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
