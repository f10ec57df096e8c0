"""The engine `relay` from end to end: the command line, a sandbox, and servers that the sandbox knows nothing of."""

import hashlib
import json
import os
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sandbox.synapse.handles import Handle
from storage_core.locations import StorageLocationType
from storage_core.model.ids import EntityId, StorageLocationId
from tests.servers.openssh import SftpServer
from tests.servers.s3 import Server
from tests.servers.steward import Steward, command, own_bucket

pytestmark = pytest.mark.real_server
MIB = 2**20
LARGE = hashlib.shake_128(b"relayed").digest(MIB) * 20 + b"the end"
FILES = {"small.txt": b"small", "large (1).bin": LARGE}


def uploaded(steward: Steward, container: EntityId) -> dict[EntityId, bytes]:
    """Files with two versions of the first."""
    made = {steward.upload(container, name=name, content=content).entity_id: content for name, content in FILES.items()}
    first = steward.upload(container, name="small.txt", content=b"small, second version")
    return made | {first.entity_id: b"small, second version"}


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
    for entity_id, content in files.items():
        is_whole = Path(steward.download(entity_id).path).read_bytes() == content
        assert is_whole


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
    for entity_id, content in files.items():
        is_whole = Path(steward.download(entity_id).path).read_bytes() == content
        assert is_whole


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
