"""Google Cloud with credentials of one's own, against two emulators; each does what the other does not."""

import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from storage_core.config import Config
from storage_core.errors import AccessError, SourceChanged, TransferBroken, TransferFailed
from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import FileHandleId, StorageLocationId
from storage_core.model.secret import Secret
from storage_core.model.transfers import (
    GoogleCloudObject,
    LocalFile,
    Readable,
    Stored,
    TransferWishes,
    UploadDestination,
)
from storage_core.stores.google_cloud import STORE_TYPE
from storage_core.stores.google_cloud_store import GoogleCloudStore
from tests.conformance.test_byte_stores import (
    ENTITY,
    TICKET,
    StoreBench,
    content_of,
    local_file,
    test_a_repeat_with_the_same_ticket_leaves_one_object,
    test_empty_files_are_stored_or_declared_impossible,
    test_reading_may_begin_anywhere,
    test_stat_tells_the_size,
    test_what_goes_up_comes_down,
    upload_of,
)
from tests.servers.cutting import cuttable_line
from tests.servers.google_cloud import GoogleServer

__all__ = [
    "test_a_repeat_with_the_same_ticket_leaves_one_object",
    "test_empty_files_are_stored_or_declared_impossible",
    "test_reading_may_begin_anywhere",
    "test_stat_tells_the_size",
    "test_what_goes_up_comes_down",
]
pytestmark = [pytest.mark.real_server, pytest.mark.anyio]
MIB = 1 << 20
_NUMBERS = itertools.count(1)


@pytest.fixture(params=["fake_gcs", "gcp_emulator"])
def server(request: pytest.FixtureRequest) -> GoogleServer:
    found: GoogleServer = request.getfixturevalue(request.param)
    return found


def bench_at(endpoint: str, bucket: str, store: GoogleCloudStore, server: GoogleServer) -> StoreBench:
    def readable_of(stored: Stored, _file: LocalFile) -> Readable:
        assert isinstance(stored, GoogleCloudObject)
        return readable_at(stored.bucket, stored.key)

    def objects_there() -> int:
        listed = httpx.get(f"{server.url}/storage/v1/b/{bucket}/o").json()
        return len(listed.get("items", []))

    return StoreBench(
        store=store,
        destination=UploadDestination(
            entity_id=ENTITY,
            location_id=StorageLocationId(7),
            kind=LocationKind.EXTERNAL_GOOGLE_CLOUD,
            upload_type=UploadType.GOOGLE_CLOUD_STORAGE,
            bucket=bucket,
            base_key="lab/data",
        ),
        readable_of=readable_of,
        objects_there=objects_there,
    )


def readable_at(bucket: str, key: str) -> Readable:
    handle = FileHandle(
        id=FileHandleId("9"),
        kind=HandleKind.GOOGLE_CLOUD,
        concrete_type="org.sagebionetworks.repo.model.file.GoogleCloudFileHandle",
        storage_location_id=StorageLocationId(7),
        bucket=bucket,
        key=key,
    )
    association = Association(handle_id=handle.id, object_id=ENTITY, kind=AssociationKind.FILE)
    return Readable(handle=handle, association=association)


def config(endpoint: str | None, folder: Path) -> Config:
    return Config(token=Secret("none"), state_folder=folder, google_endpoint=endpoint)


@pytest.fixture
def bucket(server: GoogleServer) -> str:
    return server.make_bucket(f"bucket-{os.getpid()}-{next(_NUMBERS)}")


@pytest.fixture
async def bench(server: GoogleServer, bucket: str, tmp_path: Path) -> AsyncIterator[StoreBench]:
    store = GoogleCloudStore(config(server.url, tmp_path))
    yield bench_at(server.url, bucket, store, server)
    await store.aclose()


async def test_a_large_file_goes_up_in_pieces(bench: StoreBench, tmp_path: Path) -> None:
    content = os.urandom(17 * MIB + 3)
    file = local_file(tmp_path, content)
    told: list[int] = []

    stored = await bench.store.put(upload_of(bench, file, name="größe 1+2.bin"), told.append)

    assert isinstance(stored, GoogleCloudObject)
    assert f"lab/data/{TICKET}/größe 1+2.bin" == stored.key
    assert content == await content_of(bench, bench.readable_of(stored, file))
    assert [0, 8 * MIB, 8 * MIB, MIB + 3] == told
    assert file.md5 == (await bench.store.stat(bench.readable_of(stored, file))).md5


async def test_a_broken_upload_goes_on(gcp_emulator: GoogleServer, tmp_path: Path) -> None:
    """On the emulator that can be asked how much of an upload arrived."""
    bucket = gcp_emulator.make_bucket(f"bucket-{os.getpid()}-{next(_NUMBERS)}")
    content = os.urandom(40 * MIB)
    with cuttable_line(urlsplit(gcp_emulator.url).port or 0) as line:
        endpoint = f"http://127.0.0.1:{line.port}"
        store = GoogleCloudStore(config(endpoint, tmp_path))
        bench = bench_at(endpoint, bucket, store, gcp_emulator)
        upload = upload_of(bench, local_file(tmp_path, content))
        line.cut_after(20 * MIB)
        with pytest.raises(TransferBroken, match="the line broke"):
            await store.put(upload)
        line.cut_after(2**40)
        told: list[int] = []
        stored = await store.put(upload, told.append)

        assert content == await content_of(bench, bench.readable_of(stored, upload.file))
        # what had arrived did not travel again
        assert 16 * MIB <= told[0] < 40 * MIB
        assert len(content) == sum(told)
        assert 1 == bench.objects_there()
        await store.aclose()


async def test_another_process_goes_on_with_a_broken_upload(gcp_emulator: GoogleServer, tmp_path: Path) -> None:
    """The address of the upload survives the process, in a file for its owner's eyes only, gone in the end."""
    bucket = gcp_emulator.make_bucket(f"bucket-{os.getpid()}-{next(_NUMBERS)}")
    with cuttable_line(urlsplit(gcp_emulator.url).port or 0) as line:
        endpoint = f"http://127.0.0.1:{line.port}"
        first, second = (GoogleCloudStore(config(endpoint, tmp_path)) for _ in range(2))
        bench = bench_at(endpoint, bucket, second, gcp_emulator)
        upload = upload_of(bench, local_file(tmp_path, os.urandom(24 * MIB)))
        line.cut_after(12 * MIB)
        with pytest.raises(TransferBroken):
            await first.put(upload)
        await first.aclose()
        (kept,) = (tmp_path / "uploads").iterdir()
        assert 0o600 == kept.stat().st_mode & 0o777
        line.cut_after(2**40)
        told: list[int] = []
        await second.put(upload, told.append)

        assert told[0] >= 8 * MIB
        assert [] == list((tmp_path / "uploads").iterdir())
        await second.aclose()


async def test_an_upload_that_google_has_forgotten_begins_anew(gcp_emulator: GoogleServer, tmp_path: Path) -> None:
    """Sessions live a week; afterwards their address leads nowhere."""
    bucket = gcp_emulator.make_bucket(f"bucket-{os.getpid()}-{next(_NUMBERS)}")
    store = GoogleCloudStore(config(gcp_emulator.url, tmp_path))
    bench = bench_at(gcp_emulator.url, bucket, store, gcp_emulator)
    file = local_file(tmp_path, b"after a week")
    expired = f"{gcp_emulator.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id=long-gone"
    store._uploads.remember(TICKET, expired)

    stored = await store.put(upload_of(bench, file))

    assert b"after a week" == await content_of(bench, bench.readable_of(stored, file))
    assert [] == list((tmp_path / "uploads").iterdir())
    await store.aclose()


async def test_what_is_not_there_is_said_so(bench: StoreBench, bucket: str) -> None:
    with pytest.raises(TransferFailed, match="There is no nowhere in Google Cloud bucket"):
        await bench.store.stat(readable_at(bucket, "nowhere"))
    with pytest.raises(TransferFailed, match="There is no nowhere in Google Cloud bucket"):
        await content_of(bench, readable_at(bucket, "nowhere"))


async def test_a_bucket_that_is_not_there_is_said_so(bench: StoreBench, tmp_path: Path, server: GoogleServer) -> None:
    elsewhere = bench_at(server.url, "no-such-bucket", bench.store, server)  # type: ignore[arg-type]

    with pytest.raises(TransferFailed):
        await bench.store.put(upload_of(elsewhere, local_file(tmp_path, b"a")))


async def test_a_server_that_does_not_answer_may_come_back(tmp_path: Path) -> None:
    with cuttable_line(1) as line:
        line.cut_after(*[0] * 100)
        closed = f"http://127.0.0.1:{line.port}"
        store = GoogleCloudStore(config(closed, tmp_path))
        with pytest.raises(TransferBroken):
            await store.stat(readable_at("b", "a"))
        await store.aclose()


async def test_a_file_that_changes_is_not_stored(bench: StoreBench, tmp_path: Path) -> None:
    file = local_file(tmp_path, b"first")
    os.utime(file.path, ns=(1, 1))

    with pytest.raises(SourceChanged):
        await bench.store.put(upload_of(bench, file))

    assert 0 == bench.objects_there()


async def test_other_bytes_than_announced_are_not_kept(bench: StoreBench, tmp_path: Path) -> None:
    """The file changes without its time of change telling: the MD5 does."""
    file = local_file(tmp_path, b"first")
    Path(file.path).write_bytes(b"other")
    os.utime(file.path, ns=(file.modified_ns, file.modified_ns))

    with pytest.raises((TransferFailed, TransferBroken)):
        await bench.store.put(upload_of(bench, file))


async def test_without_credentials_it_is_said_where_they_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    store = GoogleCloudStore(config(None, tmp_path))

    with pytest.raises(AccessError, match="There are no Google credentials") as refused:
        await store.stat(readable_at("b", "a"))
    await store.aclose()

    assert "GOOGLE_APPLICATION_CREDENTIALS" in refused.value.fix


def test_it_is_used_only_when_it_is_wished_for() -> None:
    handle = readable_at("b", "a").handle

    assert STORE_TYPE.gives(handle, None, TransferWishes(use_google_credentials=True))
    assert not STORE_TYPE.gives(handle, None, TransferWishes())
