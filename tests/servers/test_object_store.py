"""The object store adapter against two S3 servers that are not ours."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from storage_core.aws import file_objects
from storage_core.aws.file_objects import MOST_PARTS, SMALLEST_PART, parts_of
from storage_core.config import Config, ObjectStoreProfile
from storage_core.errors import AccessError, SourceChanged, TransferBroken, TransferFailed
from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import FileHandleId, StorageLocationId
from storage_core.model.secret import Secret
from storage_core.model.transfers import LocalFile, ObjectStoreObject, Readable, Stored, UploadDestination
from storage_core.stores.own_keys_store import OwnKeysStore, profile_for
from tests.conformance.test_byte_stores import (
    ENTITY,
    TICKET,
    StoreBench,
    content_of,
    local_file,
    test_a_repeat_with_the_same_ticket_leaves_one_object,
    test_bytes_with_another_md5_never_become_visible,
    test_empty_files_are_stored_or_declared_impossible,
    test_reading_may_begin_anywhere,
    test_stat_tells_the_size,
    test_what_goes_up_comes_down,
    test_what_is_poured_comes_down,
    upload_of,
)
from tests.servers.cutting import Line, cuttable_line
from tests.servers.s3 import Keys, Server

__all__ = [
    "test_a_repeat_with_the_same_ticket_leaves_one_object",
    "test_bytes_with_another_md5_never_become_visible",
    "test_empty_files_are_stored_or_declared_impossible",
    "test_reading_may_begin_anywhere",
    "test_stat_tells_the_size",
    "test_what_goes_up_comes_down",
    "test_what_is_poured_comes_down",
]
pytestmark = [pytest.mark.real_server, pytest.mark.anyio]
MIB = 1 << 20
_NUMBERS = itertools.count(1)


@pytest.fixture(params=["seaweedfs", "juicefs"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def owner(server: Server) -> Iterator[Any]:
    with closing(server.client()) as client:
        yield client


@pytest.fixture
def bucket(owner: Any) -> str:
    name = f"store-{os.getpid()}-{next(_NUMBERS)}"
    owner.create_bucket(Bucket=name)
    return name


def write_profile(name: str, keys: Keys) -> None:
    """In the home folder of the tests, as users have it."""
    path = Path.home() / ".aws" / "credentials"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as credentials:
        token = f"aws_session_token = {keys.token}\n" if keys.token else ""
        credentials.write(
            f"[{name}]\naws_access_key_id = {keys.access}\naws_secret_access_key = {keys.secret}\n{token}\n"
        )


def config(endpoint: str, bucket: str, keys: Keys, tmp_path: Path) -> Config:
    write_profile(bucket, keys)
    profile = ObjectStoreProfile(url=f"{endpoint}/{bucket}", profile_name=bucket)
    return Config(token=Secret("none"), state_folder=tmp_path, connect_seconds=5, object_store_profiles=(profile,))


def bench_at(endpoint: str, bucket: str, store: OwnKeysStore, owner: Any) -> StoreBench:
    def readable_of(stored: Stored, _file: LocalFile) -> Readable:
        assert isinstance(stored, ObjectStoreObject)
        return readable_at(endpoint, bucket, stored.key)

    return StoreBench(
        store=store,
        destination=UploadDestination(
            entity_id=ENTITY,
            location_id=StorageLocationId(7),
            kind=LocationKind.EXTERNAL_OBJECT_STORE,
            upload_type=UploadType.S3,
            bucket=bucket,
            endpoint_url=endpoint,
        ),
        readable_of=readable_of,
        objects_there=lambda: int(owner.list_objects_v2(Bucket=bucket)["KeyCount"]),
    )


def readable_at(endpoint: str, bucket: str, key: str) -> Readable:
    handle = FileHandle(
        id=FileHandleId("9"),
        kind=HandleKind.OBJECT_STORE,
        concrete_type="org.sagebionetworks.repo.model.file.ExternalObjectStoreFileHandle",
        storage_location_id=StorageLocationId(7),
        endpoint_url=endpoint,
        bucket=bucket,
        key=key,
    )
    association = Association(handle_id=handle.id, object_id=ENTITY, kind=AssociationKind.FILE)
    return Readable(handle=handle, association=association)


@pytest.fixture
async def bench(server: Server, bucket: str, owner: Any, tmp_path: Path) -> AsyncIterator[StoreBench]:
    store = OwnKeysStore(config(server.url, bucket, server.owner, tmp_path))
    yield bench_at(server.url, bucket, store, owner)
    await store.aclose()


@pytest.fixture
async def cuttable(server: Server, bucket: str, owner: Any, tmp_path: Path) -> AsyncIterator[tuple[Line, StoreBench]]:
    with cuttable_line(urlsplit(server.url).port or 0) as line:
        endpoint = f"http://127.0.0.1:{line.port}"
        store = OwnKeysStore(config(endpoint, bucket, server.owner, tmp_path))
        yield line, bench_at(endpoint, bucket, store, owner)
        await store.aclose()


async def test_a_large_file_goes_up_in_parts(bench: StoreBench, tmp_path: Path) -> None:
    content = os.urandom(2 * SMALLEST_PART + 5)
    file = local_file(tmp_path, content)
    told: list[int] = []

    stored = await bench.store.put(upload_of(bench, file), told.append)

    assert content == await content_of(bench, bench.readable_of(stored, file))
    assert [5, SMALLEST_PART, SMALLEST_PART] == sorted(told)
    assert stored == await bench.store.put(upload_of(bench, file))
    assert 1 == bench.objects_there()


async def test_one_part_too_many_becomes_larger_parts(
    bench: StoreBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that a test can reach, against servers that keep the parts we send."""
    monkeypatch.setattr(file_objects, "MOST_PARTS", 2)
    content = os.urandom(2 * SMALLEST_PART + 1)
    file = local_file(tmp_path, content)
    told: list[int] = []

    stored = await bench.store.put(upload_of(bench, file), told.append)

    assert content == await content_of(bench, bench.readable_of(stored, file))
    assert [15 * 2**20 + 1, 17 * 2**20] == sorted(told)


def test_a_real_store_refuses_part_10_001(bucket: str, owner: Any) -> None:
    """So a plan may never come to it."""
    upload_id = owner.create_multipart_upload(Bucket=bucket, Key="many")["UploadId"]

    with pytest.raises(ClientError):
        owner.upload_part(Bucket=bucket, Key="many", UploadId=upload_id, PartNumber=10_001, Body=b"x")


async def test_a_broken_upload_goes_on_with_the_missing_parts(
    cuttable: tuple[Line, StoreBench], tmp_path: Path, owner: Any, bucket: str
) -> None:
    """What arrived is not sent again, even by another process: nothing but the store itself remembers it."""
    line, bench = cuttable
    content = os.urandom(5 * SMALLEST_PART)
    upload = upload_of(bench, local_file(tmp_path, content))
    # the library tries three times by itself
    line.cut_after(int(4.5 * SMALLEST_PART), *[0] * 60)
    with pytest.raises(TransferBroken, match="the line broke"):
        await bench.store.put(upload)
    line.cut_after()
    began = owner.list_multipart_uploads(Bucket=bucket, Prefix=TICKET)["Uploads"]
    there = owner.list_parts(Bucket=bucket, Key=began[0]["Key"], UploadId=began[0]["UploadId"]).get("Parts", [])

    line.cut_after(2**40)
    stored = await bench.store.put(upload)

    assert content == await content_of(bench, bench.readable_of(stored, upload.file))
    assert there
    sent_again = (5 - len(there)) * SMALLEST_PART
    assert line._passed < sent_again + MIB
    assert [] == owner.list_multipart_uploads(Bucket=bucket, Prefix=TICKET).get("Uploads", [])


async def test_a_download_breaks_loudly_and_goes_on(cuttable: tuple[Line, StoreBench], tmp_path: Path) -> None:
    line, bench = cuttable
    content = os.urandom(9 * MIB)
    file = local_file(tmp_path, content)
    readable = bench.readable_of(await bench.store.put(upload_of(bench, file)), file)
    line.cut_after(-4 * MIB)
    got = bytearray()

    async def go_on() -> None:
        async for chunk in bench.store.read(readable, first_byte=len(got)):
            got.extend(chunk)

    with pytest.raises(TransferBroken):
        await go_on()
    assert 0 < len(got) < len(content)
    await go_on()

    assert content == got


@pytest.mark.parametrize("name", ["a b+c.txt", "größe ✓.csv", "100%.txt", "semi;colon&amp.txt"])
async def test_every_name_survives(bench: StoreBench, tmp_path: Path, name: str, owner: Any, bucket: str) -> None:
    file = local_file(tmp_path, b"named")

    stored = await bench.store.put(upload_of(bench, file, name=name))

    assert [f"{TICKET}/{name}"] == [one["Key"] for one in owner.list_objects_v2(Bucket=bucket)["Contents"]]
    assert b"named" == await content_of(bench, bench.readable_of(stored, file))


async def test_wrong_keys_are_refused_without_showing_them(server: Server, bucket: str, tmp_path: Path) -> None:
    keys = Keys(server.owner.access, "not-the-secret-at-all")
    store = OwnKeysStore(config(server.url, bucket, keys, tmp_path))

    with pytest.raises(AccessError, match="Check the keys for http") as refused:
        await store.stat(readable_at(server.url, bucket, "a"))
    await store.aclose()

    assert keys.secret not in str(refused.value)


async def test_keys_for_another_prefix_are_refused(seaweedfs: Server, tmp_path: Path) -> None:
    """Temporary keys that a real S3 holds to their prefix."""
    with closing(seaweedfs.client()) as owner:
        bucket = f"prefix-{os.getpid()}-{next(_NUMBERS)}"
        owner.create_bucket(Bucket=bucket)
        store = OwnKeysStore(config(seaweedfs.url, bucket, seaweedfs.session(bucket, "mine", False), tmp_path))
        bench = bench_at(seaweedfs.url, bucket, store, owner)
        file = local_file(tmp_path, b"a")
        with pytest.raises(AccessError, match="AccessDenied"):
            await store.put(upload_of(bench, file))
        await store.put(replace(upload_of(bench, file), ticket="mine"))
        await store.aclose()

        assert 1 == bench.objects_there()


async def test_without_keys_it_is_said_where_to_write_them(tmp_path: Path) -> None:
    store = OwnKeysStore(Config(token=Secret("none"), state_folder=tmp_path))

    with pytest.raises(AccessError, match=r"There are no keys for http://127\.0\.0\.1:1") as refused:
        await store.stat(readable_at("http://127.0.0.1:1", "b", "a"))
    await store.aclose()

    assert "[http://127.0.0.1:1/b]" in refused.value.fix


async def test_a_profile_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = ObjectStoreProfile(url="http://127.0.0.1:1/b", profile_name="nobody")
    store = OwnKeysStore(Config(token=Secret("none"), state_folder=tmp_path, object_store_profiles=(missing,)))

    with pytest.raises(AccessError, match="nobody"):
        await store.stat(readable_at("http://127.0.0.1:1", "b", "a"))
    await store.aclose()


async def test_what_is_not_there_is_said_so(bench: StoreBench, server: Server, bucket: str) -> None:
    with pytest.raises(TransferFailed, match="There is no nowhere in bucket"):
        await bench.store.stat(readable_at(server.url, bucket, "nowhere"))
    with pytest.raises(TransferFailed, match="There is no nowhere in bucket"):
        await content_of(bench, readable_at(server.url, bucket, "nowhere"))


@pytest.mark.parametrize("size", [5, SMALLEST_PART + 5])
async def test_a_file_that_changes_is_not_stored(bench: StoreBench, tmp_path: Path, size: int) -> None:
    file = local_file(tmp_path, bytes(size))
    Path(file.path).write_bytes(b"x" * size)
    os.utime(file.path, ns=(1, 1))

    with pytest.raises(SourceChanged):
        await bench.store.put(upload_of(bench, file))

    assert 0 == bench.objects_there()


@pytest.mark.parametrize("size", [1, SMALLEST_PART, SMALLEST_PART + 1, 200 << 30, 5 << 40])
def test_parts_cover_the_file_and_are_never_too_many(size: int) -> None:
    parts = parts_of(size)

    assert len(parts) <= MOST_PARTS
    assert size == sum(part.size_bytes for part in parts)
    assert [part.first_byte for part in parts] == list(
        itertools.accumulate((part.size_bytes for part in parts[:-1]), initial=0)
    )


def test_a_bucket_has_the_profile_of_its_own_section() -> None:
    """The existing client's sections, with or without a slash at the end."""
    profiles = [ObjectStoreProfile(url="https://s3.example.org/b/", profile_name="mine")]

    assert "mine" == profile_for(profiles, "https://s3.example.org/", "b")
    assert profile_for(profiles, "https://s3.example.org", "bb") is None
