"""Killed (SIGKILL) at ten moments, to and from servers of every kind, then run again: right bytes, once, no rest."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage_core.locations import StorageLocationType
from storage_core.model.ids import EntityId
from tests.servers.google_cloud import GoogleServer
from tests.servers.nginx import SECRET, WebServer
from tests.servers.openssh import SftpServer
from tests.servers.s3 import Server
from tests.servers.steward import Steward, note, own_bucket

pytestmark = pytest.mark.real_server
MIB = 2**20
SIZE = 24 * MIB + 7
MOMENTS = ["0", "1", *(str(share * SIZE // 100) for share in (12, 25, 40, 55, 75, 95)), "ended"]
UP = [*MOMENTS, "attached"]
DOWN = [*MOMENTS, str(SIZE)]
NORMAL = str(55 * SIZE // 100)
CONTENT = hashlib.shake_128(b"killed").digest(MIB) * 24 + b"the end"


def mostly_long(moments: Sequence[str]) -> Any:
    """One moment in the middle is tried by the normal run, all by the long one."""
    return pytest.mark.parametrize(
        "moment", [pytest.param(one, marks=[] if one == NORMAL else [pytest.mark.long]) for one in moments]
    )


def killed(script: Path, words: Sequence[str], environment: dict[str, str], repository: Path) -> int:
    """The exit code of the process, negative when it was killed."""
    path = os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(repository / script), *words],
        env={**os.environ, **environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-3000:]
    return done.returncode


@pytest.fixture
def victim(steward: Steward, repository: Path) -> Callable[..., int]:
    """Runs a transfer in a process that dies at a moment."""
    script = Path("tests") / "transfers" / "victim.py"
    return lambda *words: killed(script, words, steward.environment, repository)


def check_one_handle(steward: Steward, container: EntityId) -> None:
    world = steward.sandbox.world
    (child,) = world.entities.children_of(container)
    assert 1 == len(child.versions)
    handle = world.handles.require(str(child.current.handle_id))
    assert hashlib.md5(CONTENT, usedforsecurity=False).hexdigest() == handle.content_md5


@mostly_long(UP)
def test_an_sftp_upload_that_was_killed(
    sftp_login: SftpServer, steward: Steward, victim: Callable[..., int], moment: str
) -> None:
    folder = sftp_login.upload / f"killed-{moment}"
    location = steward.location(StorageLocationType.EXTERNAL_SFTP, url=f"{sftp_login.url}/{folder.name}")
    container = steward.container(f"Killed at {moment} by SFTP", location)
    path = steward.folder / "a.bin"
    path.write_bytes(CONTENT)

    assert -signal.SIGKILL == victim("up", moment, container, str(path))
    steward.upload(container, name="a.bin", content=CONTENT)

    files = [one for one in folder.rglob("*") if one.is_file()]
    assert ["a.bin"] == [one.name for one in files]
    is_whole = files[0].read_bytes() == CONTENT
    assert is_whole
    check_one_handle(steward, container)


@mostly_long(UP)
def test_an_object_store_upload_that_was_killed(
    seaweedfs: Server, configuration: Path, steward: Steward, victim: Callable[..., int], moment: str
) -> None:
    bucket = own_bucket(seaweedfs, configuration, f"killed-{os.getpid()}-{moment}")
    location = steward.location(StorageLocationType.EXTERNAL_OBJECT_STORE, bucket=bucket, endpoint_url=seaweedfs.url)
    container = steward.container(f"Killed at {moment} in a store", location)
    path = steward.folder / "a.bin"
    path.write_bytes(CONTENT)

    assert -signal.SIGKILL == victim("up", moment, container, str(path))
    steward.upload(container, name="a.bin", content=CONTENT)

    with closing(seaweedfs.client()) as owner:
        (there,) = owner.list_objects_v2(Bucket=bucket)["Contents"]
        is_whole = owner.get_object(Bucket=bucket, Key=there["Key"])["Body"].read() == CONTENT
        assert [] == owner.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    assert is_whole
    check_one_handle(steward, container)


@mostly_long([*MOMENTS, "registered"])
def test_a_google_upload_that_was_killed(
    gcp_emulator: GoogleServer, repository: Path, tmp_path: Path, moment: str
) -> None:
    """With the user's own credentials: the upload's address survives, and goes when it is not needed any more."""
    bucket = gcp_emulator.make_bucket(f"killed-{os.getpid()}-{moment}")
    path, noted = tmp_path / "a.bin", tmp_path / "registrations"
    path.write_bytes(CONTENT)
    script = Path("tests") / "servers" / "google_victim.py"
    words = [gcp_emulator.url, bucket, str(tmp_path / "state"), str(path), str(noted)]

    assert -signal.SIGKILL == killed(script, [*words, moment], {}, repository)
    assert 0 == killed(script, [*words, "never"], {}, repository)

    (there,) = httpx.get(f"{gcp_emulator.url}/storage/v1/b/{bucket}/o").json()["items"]
    whole = httpx.get(
        f"{gcp_emulator.url}/download/storage/v1/b/{bucket}/o/{there['name'].replace('/', '%2F')}?alt=media"
    )
    is_whole = whole.content == CONTENT
    assert is_whole
    assert {there["name"]} == set(noted.read_text().split())
    assert [] == list((tmp_path / "state" / "uploads").iterdir())


def check_comes_down(steward: Steward, victim: Callable[..., int], entity_id: EntityId, moment: str) -> None:
    folder = steward.folder / "down"
    assert -signal.SIGKILL == victim("down", moment, entity_id, str(folder))
    assert not (folder / "a.bin").exists()

    steward.download(entity_id)

    assert ["a.bin"] == [one.name for one in folder.iterdir()]
    is_whole = (folder / "a.bin").read_bytes() == CONTENT
    assert is_whole


@mostly_long(DOWN)
def test_an_sftp_download_that_was_killed(
    sftp_login: SftpServer, steward: Steward, victim: Callable[..., int], moment: str
) -> None:
    (sftp_login.upload / "a.bin").write_bytes(CONTENT)
    location = steward.location(StorageLocationType.EXTERNAL_SFTP, url=sftp_login.url)
    container = steward.container(f"From SFTP, killed at {moment}", location)
    entity_id = registered(steward, f"{sftp_login.url}/a.bin", container, location)

    check_comes_down(steward, victim, entity_id, moment)


@mostly_long(DOWN)
def test_an_object_store_download_that_was_killed(
    seaweedfs: Server, configuration: Path, steward: Steward, victim: Callable[..., int], moment: str
) -> None:
    bucket = own_bucket(seaweedfs, configuration, f"read-{os.getpid()}-{moment}")
    with closing(seaweedfs.client()) as owner:
        owner.put_object(Bucket=bucket, Key="a.bin", Body=CONTENT)
    location = steward.location(StorageLocationType.EXTERNAL_OBJECT_STORE, bucket=bucket, endpoint_url=seaweedfs.url)
    container = steward.container(f"From a store, killed at {moment}", location)
    entity_id = registered(steward, "a.bin", container, location)

    check_comes_down(steward, victim, entity_id, moment)


@mostly_long(DOWN)
def test_a_google_download_that_was_killed(
    gcp_emulator: GoogleServer, configuration: Path, steward: Steward, victim: Callable[..., int], moment: str
) -> None:
    """The bytes come from the emulator, by the user's own credentials; to the sandbox only their size is known."""
    bucket, key = gcp_emulator.make_bucket(f"read-{os.getpid()}-{moment}"), "a.bin"
    gcp_emulator.put(bucket, key, CONTENT)
    objects = steward.sandbox.world.objects
    objects.create_bucket(bucket, region="us-east-1")
    objects.put(bucket, "owner.txt", b"3412")
    objects.put(bucket, key, bytes(SIZE))
    note(configuration, "[transfer]\nuse_google_credentials = true\n")
    steward.environment["STORAGE_EMULATOR_HOST"] = gcp_emulator.url
    location = steward.location(StorageLocationType.EXTERNAL_GOOGLE_CLOUD, bucket=bucket)
    container = steward.container(f"From Google, killed at {moment}", location)
    entity_id = registered(steward, key, container, location)

    check_comes_down(steward, victim, entity_id, moment)


@mostly_long(DOWN)
def test_a_download_behind_a_proxy_that_was_killed(
    trusted_web: WebServer, steward: Steward, victim: Callable[..., int], moment: str
) -> None:
    """Nothing can be uploaded through a proxy, so there is no upload to kill."""
    (trusted_web.files / "a.bin").write_bytes(CONTENT)
    assert steward.sandbox.facts is not None
    location = steward.location(
        StorageLocationType.PROXY,
        proxy_url=trusted_web.url,
        secret_key=SECRET,
        benefactor_id=steward.sandbox.facts.root_id,
    )
    container = steward.container(f"Behind a proxy, killed at {moment}", location)
    entity_id = registered(steward, "a.bin", container, location)

    check_comes_down(steward, victim, entity_id, moment)


def registered(steward: Steward, what: str, container: EntityId, location: Any) -> EntityId:
    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    done = steward.register(what, location_id=location, entity_id=container, md5=md5, size_bytes=SIZE, name="a.bin")
    assert done.entity_id is not None
    return done.entity_id
