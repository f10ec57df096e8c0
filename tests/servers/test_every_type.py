"""Locations of every type, in a sandbox that knows nothing of the servers behind them, from upload to download."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from storage_core.errors import UsageError
from storage_core.locations import StorageLocationType
from storage_core.model.ids import EntityId
from storage_core.model.transfers import DownloadResult, UploadResult
from tests.servers.nginx import SECRET, WebServer
from tests.servers.openssh import SftpServer
from tests.servers.s3 import Server
from tests.servers.steward import CONTENT, MD5, NAME, Steward, command, own_bucket

pytestmark = pytest.mark.real_server


def check_comes_down(steward: Steward, entity_id: EntityId | None) -> None:
    first = steward.download(entity_id)
    again = steward.download(entity_id)

    assert CONTENT == Path(first.path).read_bytes()
    assert NAME == Path(first.path).name
    assert first.is_verified
    assert DownloadResult.UNCHANGED == again.result


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
def store(request: pytest.FixtureRequest, configuration: Path) -> tuple[Server, str]:
    """A bucket in a store that Synapse never sees; its keys are in an AWS profile, as the existing client has it."""
    server: Server = request.getfixturevalue(request.param)
    bucket = f"every-type-{os.getpid()}-{request.param}-{abs(hash(request.node.name)) % 10_000}"
    return server, own_bucket(server, configuration, bucket)


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
