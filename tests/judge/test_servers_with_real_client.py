"""Files on other people's servers: the real client reads ours, we read the real client's."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from storage_core.config import load_config
from storage_core.locations import StorageLocationType, build_location
from storage_core.model.ids import EntityId
from storage_core.model.transfers import DownloadOrder, UploadOrder
from storage_core.steps.attaching import set_locations
from storage_core.steps.declaring import declare_location
from storage_core.wiring.storage import StorageDesk, storage_desk
from storage_core.wiring.transfers import transfer_desk
from tests.servers.openssh import SftpServer, openssh_server
from tests.servers.s3 import Server
from tests.servers.seaweedfs import seaweedfs_server
from tests.servers.skipping import started

pytestmark = [pytest.mark.judge, pytest.mark.real_server]
CONTENT = bytes(range(256)) * 3000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


def openssh_at_its_own_port_server(folder: Path) -> Any:
    """The client asks port 22 for downloads, whatever the address says; so the server gets a host of its own."""
    number = os.getpid()
    return openssh_server(folder, host=f"127.{number >> 16 & 127}.{number >> 8 & 255}.{number & 255 or 1}", port=22)


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    for server in started(openssh_at_its_own_port_server, tmp_path_factory):
        if not server.has_passwords:
            pytest.skip("NO REAL CLIENT WAS ASKED (sftp): it knows passwords only, and those need an sshd of root's")
        yield server


@pytest.fixture(scope="module")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from started(seaweedfs_server, tmp_path_factory)


@dataclass(frozen=True, slots=True)
class Ours:
    """Our side, with the same configuration file that the client reads."""

    environment: dict[str, str]
    desk: StorageDesk
    root: EntityId

    def container(self, name: str, kind: StorageLocationType, **wanted: object) -> EntityId:
        run = self.desk.network.run
        location = run(declare_location(build_location(kind, wanted), self.desk.storage))
        made = run(self.desk.storage.folder_named(name, self.root)).id
        run(set_locations(made, [location.id], self.desk.storage))
        return made

    def upload(self, path: Path, container: EntityId) -> EntityId:
        async def work() -> EntityId:
            async with transfer_desk(load_config(self.environment), self.desk) as transfers:
                return (await transfers.uploader.upload(UploadOrder(path=str(path), parent_id=container))).entity_id

        return self.desk.network.run(work())

    def download(self, entity_id: str, folder: Path) -> bytes:
        async def work() -> str:
            async with transfer_desk(load_config(self.environment), self.desk) as transfers:
                order = DownloadOrder(entity_id=EntityId(entity_id), folder=str(folder))
                return (await transfers.downloader.download(order)).path

        return Path(self.desk.network.run(work())).read_bytes()


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return start_sandbox(scenario="demo")


@pytest.fixture
def ours(sandbox: Sandbox, tmp_path: Path) -> Iterator[Ours]:
    environment = {
        **sandbox.environment(),
        "SYNAPSE_CONFIG_FILE": str(tmp_path / "shared.synapseConfig"),
        "SYNAPSE_SFTP_KNOWN_HOSTS": str(tmp_path / ".ssh" / "known_hosts"),
        "SYNAPSE_STATE_FOLDER": str(tmp_path / "state"),
        "SYNAPSE_CALLS_PER_MINUTE": "60000",
    }
    (tmp_path / "shared.synapseConfig").touch()
    assert sandbox.facts is not None
    with storage_desk(load_config(environment)) as desk:
        yield Ours(environment, desk, EntityId(sandbox.facts.root_id))


def meet(ours: Ours, ask: Callable[..., Any], tmp_path: Path, container: EntityId) -> None:
    """Each fetches what the other stored."""
    path = tmp_path / "from us (1).bin"
    path.write_bytes(CONTENT)

    theirs = ask(
        "visiting_servers", config="shared.synapseConfig", fetch=ours.upload(path, container), container=container
    )

    assert (MD5, "from us (1).bin") == (theirs["fetched"], theirs["name"])
    fetched = ours.download(theirs["stored"], tmp_path / "down")
    assert theirs["md5"] == hashlib.md5(fetched, usedforsecurity=False).hexdigest()


def test_files_on_an_sftp_server(ours: Ours, ask: Callable[..., Any], sftp: SftpServer, tmp_path: Path) -> None:
    """One configuration file and one known_hosts serve both."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(f"{sftp.host} {sftp.host_key}\n")
    (tmp_path / "shared.synapseConfig").write_text(
        f"[sftp://{sftp.host}]\nusername = {sftp.username}\npassword = {sftp.password}\n"
    )
    container = ours.container(
        "By SFTP", StorageLocationType.EXTERNAL_SFTP, url=f"sftp://{sftp.host}{sftp.upload_path}"
    )

    meet(ours, ask, tmp_path, container)


def test_files_in_an_object_store(
    ours: Ours, ask: Callable[..., Any], seaweedfs: Server, tmp_path: Path, surroundings: dict[str, str]
) -> None:
    """The profile of the section that the existing client has for a store."""
    with closing(seaweedfs.client()) as owner:
        owner.create_bucket(Bucket="judged")
    keys = f"[judged]\naws_access_key_id = {seaweedfs.owner.access}\naws_secret_access_key = {seaweedfs.owner.secret}\n"
    for home in (Path.home(), Path(surroundings["HOME"])):
        (home / ".aws").mkdir(exist_ok=True)
        with (home / ".aws" / "credentials").open("a") as credentials:
            credentials.write(keys)
    (tmp_path / "shared.synapseConfig").write_text(f"[{seaweedfs.url}/judged]\nprofile_name = judged\n")
    container = ours.container(
        "In a store", StorageLocationType.EXTERNAL_OBJECT_STORE, bucket="judged", endpoint_url=seaweedfs.url
    )

    meet(ours, ask, tmp_path, container)
