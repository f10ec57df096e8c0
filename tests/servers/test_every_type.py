"""Locations of every type, in a sandbox that knows nothing of the servers behind them, from upload to download."""

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
from storage_core.errors import UsageError
from storage_core.locations import StorageLocationType, build_location
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import (
    Downloaded,
    DownloadOrder,
    DownloadResult,
    Registered,
    RegisterOrder,
    Uploaded,
    UploadOrder,
    UploadResult,
)
from storage_core.steps.attaching import set_locations
from storage_core.steps.declaring import declare_location
from storage_core.storage_wiring import StorageDesk, storage_desk
from storage_core.transfer_wiring import TransferDesk, transfer_desk
from tests.servers.nginx import SECRET, WebServer
from tests.servers.openssh import SftpServer
from tests.servers.s3 import Server

pytestmark = pytest.mark.real_server
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

    def upload(self, container: EntityId) -> Uploaded:
        path = self.folder / NAME
        path.write_bytes(CONTENT)
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


def check_comes_down(steward: Steward, entity_id: EntityId | None) -> None:
    first = steward.download(entity_id)
    again = steward.download(entity_id)

    assert CONTENT == Path(first.path).read_bytes()
    assert NAME == Path(first.path).name
    assert first.is_verified
    assert DownloadResult.UNCHANGED == again.result


@pytest.fixture
def sftp_login(sftp: SftpServer, configuration: Path, steward: Steward) -> SftpServer:
    configuration.write_text(
        f"[sftp://{sftp.host}]\nusername = {sftp.username}\nprivate_key = {sftp.user_key}\nhost_key = {sftp.host_key}\n"
    )
    return sftp


def test_sftp_files_go_up_and_come_down(sftp_login: SftpServer, steward: Steward) -> None:
    """With sub-folders: the server has the folders that Synapse has."""
    location = steward.location(StorageLocationType.EXTERNAL_SFTP, url=sftp_login.url, supports_subfolders=True)
    container = steward.container("By SFTP", location)

    up = steward.upload(container)

    assert UploadResult.CREATED == up.result
    assert [CONTENT] == [path.read_bytes() for path in sftp_login.upload.glob(f"*/By SFTP/*/{NAME}")]
    check_comes_down(steward, up.entity_id)
    assert UploadResult.UNCHANGED == steward.upload(container).result


def test_files_on_an_sftp_server_are_registered(sftp_login: SftpServer, steward: Steward) -> None:
    (sftp_login.upload / NAME).write_bytes(CONTENT)
    location = steward.location(StorageLocationType.EXTERNAL_SFTP, url=sftp_login.url)
    container = steward.container("On SFTP", location)

    done = steward.register(
        f"{sftp_login.url}/measured%20(1).bin", location_id=location, entity_id=container, md5=MD5, size_bytes=1280000
    )

    check_comes_down(steward, done.entity_id)


@pytest.fixture(params=["seaweedfs", "juicefs"])
def store(request: pytest.FixtureRequest, configuration: Path, steward: Steward) -> tuple[Server, str]:
    """A bucket in a store that Synapse never sees; its keys are in an AWS profile, as the existing client has it."""
    server: Server = request.getfixturevalue(request.param)
    bucket = f"every-type-{os.getpid()}-{request.param}-{abs(hash(request.node.name)) % 10_000}"
    with closing(server.client()) as owner:
        owner.create_bucket(Bucket=bucket)
    credentials = Path.home() / ".aws" / "credentials"
    credentials.parent.mkdir(exist_ok=True)
    with credentials.open("a") as written:
        keys = server.owner
        written.write(f"[{bucket}]\naws_access_key_id = {keys.access}\naws_secret_access_key = {keys.secret}\n\n")
    configuration.write_text(f"[{server.url}/{bucket}]\nprofile_name = {bucket}\n")
    return server, bucket


def test_object_store_files_go_up_and_come_down(store: tuple[Server, str], steward: Steward) -> None:
    server, bucket = store
    location = steward.location(StorageLocationType.EXTERNAL_OBJECT_STORE, bucket=bucket, endpoint_url=server.url)
    container = steward.container(f"In {bucket}", location)

    up = steward.upload(container)

    with closing(server.client()) as owner:
        (there,) = owner.list_objects_v2(Bucket=bucket)["Contents"]
    assert there["Key"].endswith(f"/{NAME}")
    check_comes_down(steward, up.entity_id)
    assert UploadResult.UNCHANGED == steward.upload(container).result


def test_objects_in_an_object_store_are_registered(store: tuple[Server, str], steward: Steward) -> None:
    server, bucket = store
    location = steward.location(StorageLocationType.EXTERNAL_OBJECT_STORE, bucket=bucket, endpoint_url=server.url)
    with closing(server.client()) as owner:
        owner.put_object(Bucket=bucket, Key=f"in/{NAME}", Body=CONTENT)
    container = steward.container(f"Registered in {bucket}", location)

    done = steward.register(f"in/{NAME}", location_id=location, entity_id=container, md5=MD5, size_bytes=len(CONTENT))

    check_comes_down(steward, done.entity_id)


@pytest.fixture
def trusted_web(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    monkeypatch.setenv("SSL_CERT_FILE", str(web.certificates.authority))
    (web.files / NAME).write_bytes(CONTENT)
    return web


def test_files_on_a_web_server_are_registered_and_come_down(trusted_web: WebServer, steward: Steward) -> None:
    location = steward.location(StorageLocationType.EXTERNAL_HTTPS, url=f"{trusted_web.url}/files")
    container = steward.container("On the web", location)

    done = steward.register(
        f"{trusted_web.url}/files/measured%20(1).bin",
        location_id=location,
        entity_id=container,
        md5=MD5,
        size_bytes=len(CONTENT),
    )

    check_comes_down(steward, done.entity_id)


def test_nothing_is_uploaded_to_a_web_server(trusted_web: WebServer, steward: Steward) -> None:
    location = steward.location(StorageLocationType.EXTERNAL_HTTPS, url=f"{trusted_web.url}/files/up")
    container = steward.container("To the web", location)

    with pytest.raises(UsageError, match="Nothing can be uploaded to storage location") as refused:
        steward.upload(container)

    assert "synapse-storage register" in refused.value.fix


def test_files_behind_a_proxy_are_registered_and_come_down(trusted_web: WebServer, steward: Steward) -> None:
    """Synapse signs, the proxy checks: two programs that know nothing of each other but the secret."""
    assert steward.sandbox.facts is not None
    location = steward.location(
        StorageLocationType.PROXY,
        proxy_url=trusted_web.url,
        secret_key=SECRET,
        benefactor_id=steward.sandbox.facts.root_id,
    )
    container = steward.container("Behind a proxy", location)

    done = steward.register(
        "measured%20(1).bin", location_id=location, entity_id=container, md5=MD5, size_bytes=len(CONTENT)
    )

    check_comes_down(steward, done.entity_id)


def test_nothing_is_uploaded_through_a_proxy(trusted_web: WebServer, steward: Steward) -> None:
    assert steward.sandbox.facts is not None
    root = steward.sandbox.facts.root_id
    location = steward.location(
        StorageLocationType.PROXY, proxy_url=trusted_web.url, secret_key=SECRET, benefactor_id=root
    )
    container = steward.container("Through a proxy", location)

    with pytest.raises(UsageError, match="takes no uploads"):
        steward.upload(container)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (StorageLocationType.SYNAPSE_S3, {}),
        (StorageLocationType.EXTERNAL_S3, {"bucket": "lab"}),
        (StorageLocationType.EXTERNAL_GOOGLE_CLOUD, {"bucket": "lab"}),
    ],
)
def test_files_go_up_and_come_down_through_synapse(
    steward: Steward, kind: StorageLocationType, wanted: dict[str, object]
) -> None:
    """Without keys of one's own, at Google neither: Synapse signs the addresses of the parts, and of the whole."""
    container = steward.container(f"Up to {kind.name}", steward.location(kind, **wanted))

    up = steward.upload(container)

    assert UploadResult.CREATED == up.result
    check_comes_down(steward, up.entity_id)
    assert UploadResult.UNCHANGED == steward.upload(container).result


@pytest.mark.parametrize("kind", [StorageLocationType.EXTERNAL_S3, StorageLocationType.EXTERNAL_GOOGLE_CLOUD])
def test_objects_in_opened_buckets_are_registered(steward: Steward, kind: StorageLocationType) -> None:
    steward.sandbox.world.objects.put("lab", f"in/{NAME}", CONTENT)
    location = steward.location(kind, bucket="lab")
    container = steward.container(f"Registered at {kind.name}", location)

    done = steward.register(f"in/{NAME}", location_id=location, entity_id=container, md5=MD5)

    check_comes_down(steward, done.entity_id)


def test_the_command_line_uploads_and_downloads_by_sftp(sftp_login: SftpServer, steward: Steward) -> None:
    """As people do it, in processes of their own; nothing that is printed holds the login."""
    location = steward.location(StorageLocationType.EXTERNAL_SFTP, url=f"{sftp_login.url}/cli")
    container = steward.container("By command", location)
    path = steward.folder / NAME
    path.write_bytes(CONTENT)

    up = command(steward, "upload", container, str(path))
    entity_id = up.stdout.split()[1].partition(".")[0]
    down = command(steward, "download", entity_id, str(steward.folder / "here"))

    assert 0 == up.returncode, up.stderr
    assert 0 == down.returncode, down.stderr
    assert CONTENT == (steward.folder / "here" / NAME).read_bytes()


def test_the_command_line_explains_a_wrong_host_key(
    sftp_login: SftpServer, steward: Steward, configuration: Path
) -> None:
    configuration.write_text(configuration.read_text().replace(sftp_login.host_key, "SHA256:somebody-else"))
    location = steward.location(StorageLocationType.EXTERNAL_SFTP, url=f"{sftp_login.url}/strange")
    container = steward.container("By another", location)
    path = steward.folder / NAME
    path.write_bytes(CONTENT)

    done = command(steward, "upload", container, str(path))

    assert 3 == done.returncode, done.stdout + done.stderr
    assert "shows another host key" in done.stderr
    assert not (sftp_login.upload / "strange").exists()


def command(steward: Steward, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from storage_core.cli.main import main; main()", *arguments],
        env={**os.environ, **steward.environment},
        cwd=steward.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
