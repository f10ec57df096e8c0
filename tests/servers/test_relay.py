"""The engine `relay` from end to end: the command line, a sandbox, and servers that the sandbox knows nothing of."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sandbox.synapse.handles import Handle
from storage_core.locations import StorageLocationType
from storage_core.model.ids import EntityId, StorageLocationId
from tests.servers.nginx import SECRET, WebServer
from tests.servers.openssh import SftpServer
from tests.servers.s3 import Server
from tests.servers.steward import CONTENT, MD5, Steward, command, own_bucket

pytestmark = pytest.mark.real_server
MIB = 2**20
LARGE = hashlib.shake_128(b"relayed").digest(MIB) * 20 + b"the end"
FILES = {"small.txt": b"small", "large (1).bin": LARGE}


def uploaded(steward: Steward, container: EntityId, *, salt: str = "") -> dict[EntityId, bytes]:
    """Files with two versions of the first; equal content would be one upload to the service."""
    made = {}
    for name, content in [*FILES.items(), ("small.txt", b"small, second version")]:
        salted = content + salt.encode()
        made[steward.upload(container, name=name, content=salted).entity_id] = salted
    return made


def migrate(steward: Steward, container: EntityId, to: StorageLocationId, *more: str) -> dict[str, object]:
    """Migrate in place; the summary."""
    index = steward.folder / "m.duckdb"
    words = ["migrate", container, str(to), str(index), "--file-version-strategy", "all", "--force", "--json", *more]
    done = command(steward, *words)
    assert 0 == done.returncode, done.stderr + done.stdout
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


def copies(steward: Steward) -> set[tuple[str, str]]:
    with duckdb.connect(str(steward.folder / "m.duckdb"), read_only=True) as connection:
        return set(connection.execute("select engine, proof from copies_v1").fetchall())


def handles_of(steward: Steward, container: EntityId) -> list[Handle]:
    world = steward.sandbox.world
    children = world.entities.children_of(container)
    return [world.handles.require(str(version.handle_id)) for child in children for version in child.versions]


def test_from_synapse_to_an_object_store_of_ones_own(seaweedfs: Server, configuration: Path, steward: Steward) -> None:
    """Every version keeps its bytes; two calls a copy: the address, and the registration."""
    bucket = own_bucket(seaweedfs, configuration, f"relay-{os.getpid()}")
    source = steward.location(StorageLocationType.EXTERNAL_S3, bucket="lab")
    to = steward.location(StorageLocationType.EXTERNAL_OBJECT_STORE, bucket=bucket, endpoint_url=seaweedfs.url)
    container = steward.container("Out of Synapse", source)
    files = uploaded(steward, container)

    migrate(steward, container, to)

    assert {("relay", "hashed")} == copies(steward)
    assert {to} == {handle.storage_location_id for handle in handles_of(steward, container)}
    with closing(seaweedfs.client()) as owner:
        assert 3 == len(owner.list_objects_v2(Bucket=bucket)["Contents"])
        assert [] == owner.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    check_content(steward, files)


def test_from_an_sftp_server_into_synapse(sftp_login: SftpServer, steward: Steward) -> None:
    source = steward.location(StorageLocationType.EXTERNAL_SFTP, url=f"{sftp_login.url}/leaving")
    to = steward.location(StorageLocationType.SYNAPSE_S3)
    container = steward.container("Off SFTP", source)
    files = uploaded(steward, container)

    migrate(steward, container, to, "--source-storage-location-ids", str(source))

    assert {("relay", "hashed")} == copies(steward)
    objects = steward.sandbox.world.objects
    for handle in handles_of(steward, container):
        assert to == handle.storage_location_id
        stored = objects.get(str(handle.bucket), str(handle.key)).content.bytes()
        assert handle.content_md5 == hashlib.md5(stored, usedforsecurity=False).hexdigest()
        assert [] == list(objects.uploads(str(handle.bucket)))
    check_content(steward, files)


def test_a_wrong_login_at_the_destination_ends_it_before_anything_is_looked_into(
    sftp_login: SftpServer, configuration: Path, steward: Steward
) -> None:
    configuration.write_text(configuration.read_text().replace(sftp_login.host_key, "SHA256:somebody-else"))
    source = steward.location(StorageLocationType.EXTERNAL_S3, bucket="lab")
    to = steward.location(StorageLocationType.EXTERNAL_SFTP, url=f"{sftp_login.url}/never")
    container = steward.container("Not to SFTP", source)

    done = command(steward, "migrate", container, str(to), str(steward.folder / "m.duckdb"), "--force")

    assert 3 == done.returncode, done.stderr
    assert "shows another host key" in done.stderr
    assert not (sftp_login.upload / "never").exists()


MOMENTS = ["begun", "half", "poured", "told", "kept"]


@pytest.mark.parametrize(
    "moment", [pytest.param(one, marks=[] if one == "poured" else [pytest.mark.long]) for one in MOMENTS]
)
def test_a_relay_to_a_server_that_was_killed_leaves_no_second_object(
    sftp_login: SftpServer, steward: Steward, repository: Path, moment: str
) -> None:
    """Killed before, while and after Synapse is told; the next run goes on, and each copy is there once."""
    folder = sftp_login.upload / f"arriving-{moment}"
    source = steward.location(StorageLocationType.EXTERNAL_S3, bucket="lab")
    to = steward.location(StorageLocationType.EXTERNAL_SFTP, url=f"{sftp_login.url}/{folder.name}")
    container = steward.container(f"To SFTP, killed when {moment}", source)
    files = uploaded(steward, container)
    handles = len(steward.sandbox.world.handles)

    index = steward.folder / "m.duckdb"
    words = ["migrate", container, str(to), str(index), "--file-version-strategy", "all", "--force", "--json"]
    killed(repository / "tests" / "servers" / "relay_victim.py", [moment, *words], steward)
    migrate(steward, container, to)

    assert {("relay", "hashed")} == copies(steward)
    there = [one for one in folder.rglob("*") if one.is_file()]
    assert ["large (1).bin", "small.txt", "small.txt"] == sorted(one.name for one in there)
    assert {to} == {handle.storage_location_id for handle in handles_of(steward, container)}
    # told twice of an object, Synapse has a second record of it: at most one for each copy that was under way
    spare = len(steward.sandbox.world.handles) - handles - 3
    assert 0 <= spare <= (0 if moment == "poured" else 3)
    check_content(steward, files)


@pytest.mark.long
@pytest.mark.parametrize("moment", ["half", "poured"])
def test_a_relay_into_synapse_that_was_killed_leaves_no_second_object(
    sftp_login: SftpServer, steward: Steward, repository: Path, moment: str
) -> None:
    """The service recognises the upload: not even a second record."""
    source = steward.location(StorageLocationType.EXTERNAL_SFTP, url=f"{sftp_login.url}/from-{moment}")
    to = steward.location(StorageLocationType.SYNAPSE_S3)
    container = steward.container(f"Off SFTP, killed when {moment}", source)
    files = uploaded(steward, container, salt=moment)
    handles = len(steward.sandbox.world.handles)

    index = steward.folder / "m.duckdb"
    more = ["--source-storage-location-ids", str(source)]
    words = ["migrate", container, str(to), str(index), "--file-version-strategy", "all", "--force", "--json", *more]
    killed(repository / "tests" / "servers" / "relay_victim.py", [moment, *words], steward)
    migrate(steward, container, to, *more)

    assert {("relay", "hashed")} == copies(steward)
    assert handles + 3 == len(steward.sandbox.world.handles)
    (bucket,) = {str(handle.bucket) for handle in handles_of(steward, container)}
    assert [] == list(steward.sandbox.world.objects.uploads(bucket))
    check_content(steward, files)


def killed(script: Path, words: list[str], steward: Steward) -> None:
    path = os.pathsep.join([str(script.parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(script), *words],
        env={**os.environ, **steward.environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert -signal.SIGKILL == done.returncode, done.stderr[-3000:]


def check_content(steward: Steward, files: dict[EntityId, bytes]) -> None:
    for entity_id, content in files.items():
        is_whole = Path(steward.download(entity_id).path).read_bytes() == content
        assert is_whole


@pytest.fixture
def every_source(
    seaweedfs: Server,
    configuration: Path,
    sftp_login: SftpServer,
    trusted_web: WebServer,
    steward: Steward,
    tmp_path: Path,
) -> tuple[EntityId, dict[EntityId, bytes], list[StorageLocationId]]:
    """A folder with a file of every kind of place that can be read, and their locations."""
    assert steward.sandbox.facts is not None
    bucket = own_bucket(seaweedfs, configuration, f"leaving-{os.getpid()}-{len(list(tmp_path.parent.iterdir()))}")
    with closing(seaweedfs.client()) as owner:
        owner.put_object(Bucket=bucket, Key="a.bin", Body=CONTENT)
    (sftp_login.upload / "a.bin").write_bytes(CONTENT)
    steward.sandbox.world.objects.put("lab", "in/a.bin", CONTENT)
    places = [
        (StorageLocationType.EXTERNAL_SFTP, {"url": sftp_login.url}, f"{sftp_login.url}/a.bin"),
        (StorageLocationType.EXTERNAL_HTTPS, {"url": f"{trusted_web.url}/files"}, f"{trusted_web.url}/files/a.bin"),
        (StorageLocationType.EXTERNAL_OBJECT_STORE, {"bucket": bucket, "endpoint_url": seaweedfs.url}, "a.bin"),
        (StorageLocationType.EXTERNAL_GOOGLE_CLOUD, {"bucket": "lab"}, "in/a.bin"),
        (StorageLocationType.EXTERNAL_S3, {"bucket": "lab"}, "in/a.bin"),
        (
            StorageLocationType.PROXY,
            {"proxy_url": trusted_web.url, "secret_key": SECRET, "benefactor_id": steward.sandbox.facts.root_id},
            "a.bin",
        ),
    ]
    (trusted_web.files / "a.bin").write_bytes(CONTENT)
    locations = [steward.location(kind, **wanted) for kind, wanted, _ in places]
    container = steward.container(f"From everywhere {tmp_path.name}", locations[4])
    made = {}
    for (kind, _, what), location in zip(places, locations, strict=True):
        done = steward.register(
            what, location_id=location, entity_id=container, md5=MD5, size_bytes=len(CONTENT), name=f"{kind.name}.bin"
        )
        assert done.entity_id is not None
        made[done.entity_id] = CONTENT
    return container, made, locations


@pytest.mark.long
@pytest.mark.parametrize("kind", ["SYNAPSE_S3", "EXTERNAL_GOOGLE_CLOUD"])
def test_from_everywhere_into_buckets_that_synapse_opens(
    every_source: tuple[EntityId, dict[EntityId, bytes], list[StorageLocationId]], steward: Steward, kind: str
) -> None:
    """SFTP, web, object store, Google Cloud, S3 and proxy: each file arrives, by hash, and can be downloaded."""
    container, files, sources = every_source
    wanted: dict[str, dict[str, object]] = {"SYNAPSE_S3": {}, "EXTERNAL_GOOGLE_CLOUD": {"bucket": "lab-2"}}
    steward.sandbox.world.objects.create_bucket("lab-2", region="us-east-1")
    steward.sandbox.world.objects.put("lab-2", "owner.txt", b"3412")
    to = steward.location(StorageLocationType[kind], **wanted[kind])

    migrate(steward, container, to, "--engine", "relay", "--source-storage-location-ids", *map(str, sources))

    assert {("relay", "hashed")} == copies(steward)
    assert {to} == {handle.storage_location_id for handle in handles_of(steward, container)}
    check_content(steward, files)
