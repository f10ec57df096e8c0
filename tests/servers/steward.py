"""Somebody who works with a sandbox, and with servers that the sandbox knows nothing of."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.config import load_config
from storage_core.locations import StorageLocationType, build_location
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import Downloaded, DownloadOrder, Registered, RegisterOrder, Uploaded, UploadOrder
from storage_core.steps.attaching import set_locations
from storage_core.steps.declaring import declare_location
from storage_core.wiring.storage import StorageDesk, storage_desk
from storage_core.wiring.transfers import TransferDesk, transfer_desk
from tests.servers.nginx import WebServer
from tests.servers.openssh import SftpServer
from tests.servers.s3 import Server

T = TypeVar("T")
CONTENT = bytes(range(256)) * 5000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
NAME = "measured (1).bin"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0.0)) as sandbox:
        sandbox.world.objects.create_bucket("lab", region="us-east-1")
        sandbox.world.objects.put("lab", "owner.txt", b"3412")
        yield sandbox


def note(configuration: Path, section: str) -> None:
    """Add a section to a configuration file."""
    configuration.write_text(configuration.read_text() + section)


@dataclass(slots=True)
class Steward:
    """Somebody who works with one sandbox, and has a configuration file of their own."""

    sandbox: Sandbox
    folder: Path
    desk: StorageDesk
    environment: dict[str, str]

    def location(self, kind: StorageLocationType, **wanted: object) -> StorageLocationId:
        coming = build_location(kind, wanted)
        return self.desk.network.run(declare_location(coming, self.desk.storage)).id

    def container(self, name: str, location_id: StorageLocationId) -> EntityId:
        """A folder whose uploads go to the location."""
        assert self.sandbox.facts is not None
        run = self.desk.network.run
        made = run(self.desk.storage.folder_named(name, EntityId(self.sandbox.facts.root_id))).id
        run(set_locations(made, [location_id], self.desk.storage))
        return made

    def run(self, work: Callable[[TransferDesk], Coroutine[Any, Any, T]]) -> T:
        async def opened() -> T:
            async with transfer_desk(self.desk_config(), self.desk) as transfers:
                return await work(transfers)

        return self.desk.network.run(opened())

    def desk_config(self) -> Any:
        return load_config(self.environment)

    def upload(self, container: EntityId, *, name: str = NAME, content: bytes = CONTENT) -> Uploaded:
        path = self.folder / name
        path.write_bytes(content)
        return self.run(lambda desk: desk.uploader.upload(UploadOrder(path=str(path), parent_id=container)))

    def download(self, entity_id: EntityId | None) -> Downloaded:
        assert entity_id is not None
        order = DownloadOrder(entity_id=entity_id, folder=str(self.folder / "down"))
        return self.run(lambda desk: desk.downloader.download(order))

    def register(self, what: str, **more: Any) -> Registered:
        return self.run(lambda desk: desk.registering.register(RegisterOrder(what=what, **more)))


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "synapseConfig"
    path.touch()
    return path


@pytest.fixture
def steward(running: Sandbox, tmp_path: Path, configuration: Path) -> Iterator[Steward]:
    environment = {
        **running.environment(),
        "SYNAPSE_CALLS_PER_MINUTE": "60000",
        "SYNAPSE_STATE_FOLDER": str(tmp_path / "state"),
        "SYNAPSE_CONFIG_FILE": str(configuration),
    }
    with storage_desk(load_config(environment)) as desk:
        yield Steward(sandbox=running, folder=tmp_path, desk=desk, environment=environment)


def own_bucket(server: Server, configuration: Path, bucket: str) -> str:
    """A bucket in a store that Synapse never sees; its keys are in an AWS profile, as the existing client has it."""
    with closing(server.client()) as owner:
        owner.create_bucket(Bucket=bucket)
    credentials = Path.home() / ".aws" / "credentials"
    credentials.parent.mkdir(exist_ok=True)
    with credentials.open("a") as written:
        keys = server.owner
        written.write(f"[{bucket}]\naws_access_key_id = {keys.access}\naws_secret_access_key = {keys.secret}\n\n")
    note(configuration, f"[{server.url}/{bucket}]\nprofile_name = {bucket}\n")
    return bucket


@pytest.fixture
def sftp_login(sftp: SftpServer, configuration: Path) -> SftpServer:
    note(
        configuration,
        f"[sftp://{sftp.host}]\nusername = {sftp.username}\nprivate_key = {sftp.user_key}\n"
        f"host_key = {sftp.host_key}\n",
    )
    return sftp


@pytest.fixture
def trusted_web(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """The web server, with its authority trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(web.certificates.authority))
    (web.files / NAME).write_bytes(CONTENT)
    return web


def command(steward: Steward, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command line, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from storage_core.cli.main import main; main()", *arguments],
        env={**os.environ, **steward.environment},
        cwd=steward.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
