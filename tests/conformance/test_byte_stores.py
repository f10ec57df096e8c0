"""What every `ByteStore` promises. An adapter takes part with a fixture that gives a `StoreBench`.

Run with the fake in memory here; those that need a server have their own modules, which import these promises.
"""

import hashlib
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage_core.engines.relay_reading import RelayedContent
from storage_core.errors import SourceChanged, TransferFailed
from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.transfers import AddressedFile, LocalFile, Readable, Stored, Upload, UploadDestination
from storage_core.ports.transfers import ByteStore, StreamStore
from storage_core.testing.fake_clock import FakeClock
from storage_core.testing.fake_store import MemoryStore

ENTITY = EntityId("syn1")
TICKET = "0123456789abcdef" * 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBench:
    """A store with a place behind it.

    Attributes:
        readable_of: a file handle for what was stored, as Synapse would give it.
        objects_there: how many objects the place holds now.
    """

    store: ByteStore
    destination: UploadDestination
    readable_of: Callable[[Stored, LocalFile], Readable]
    objects_there: Callable[[], int]


def local_file(folder: Path, content: bytes, name: str = "a.bin") -> LocalFile:
    path = folder / name
    path.write_bytes(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return LocalFile(path=str(path), size_bytes=len(content), md5=md5, modified_ns=path.stat().st_mtime_ns)


def upload_of(bench: StoreBench, file: LocalFile, *, ticket: str = TICKET, name: str = "a.bin") -> Upload:
    return Upload(
        file=file,
        file_name=name,
        content_type="application/octet-stream",
        destination=bench.destination,
        ticket=ticket,
    )


async def content_of(bench: StoreBench, readable: Readable, first: int = 0, last: int | None = None) -> bytes:
    async with aclosing(bench.store.read(readable, first_byte=first, last_byte=last)) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.fixture
def bench() -> StoreBench:
    store = MemoryStore()

    def readable_of(stored: Stored, file: LocalFile) -> Readable:
        assert isinstance(stored, AddressedFile)
        return readable_at(stored.url)

    return StoreBench(
        store=store,
        destination=UploadDestination(
            entity_id=ENTITY,
            location_id=StorageLocationId(7),
            kind=LocationKind.EXTERNAL_SFTP,
            upload_type=UploadType.SFTP,
        ),
        readable_of=readable_of,
        objects_there=lambda: len(store.objects),
    )


def readable_at(url: str) -> Readable:
    handle = FileHandle(
        id=FileHandleId("9"),
        kind=HandleKind.EXTERNAL_URL,
        concrete_type="org.sagebionetworks.repo.model.file.ExternalFileHandle",
        storage_location_id=StorageLocationId(7),
        url=url,
    )
    association = Association(handle_id=handle.id, object_id=ENTITY, kind=AssociationKind.FILE)
    return Readable(handle=handle, association=association)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 1000, 3 * 2**20 + 7])
async def test_what_goes_up_comes_down(bench: StoreBench, tmp_path: Path, size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    file = local_file(tmp_path, content)
    told: list[int] = []

    stored = await bench.store.put(upload_of(bench, file), told.append)

    assert content == await content_of(bench, bench.readable_of(stored, file))
    assert size == sum(told)


@pytest.mark.anyio
async def test_empty_files_are_stored_or_declared_impossible(bench: StoreBench, tmp_path: Path) -> None:
    if bench.store.limits.smallest_bytes:
        pytest.skip("this kind declares that it takes no empty files")
    file = local_file(tmp_path, b"")

    stored = await bench.store.put(upload_of(bench, file))

    assert b"" == await content_of(bench, bench.readable_of(stored, file))


@pytest.mark.anyio
async def test_a_repeat_with_the_same_ticket_leaves_one_object(bench: StoreBench, tmp_path: Path) -> None:
    """A kill between storing and noting it must not leave bytes that nobody knows."""
    file = local_file(tmp_path, b"twice")
    before = bench.objects_there()

    first = await bench.store.put(upload_of(bench, file))
    second = await bench.store.put(upload_of(bench, file))

    assert first == second
    assert before + 1 == bench.objects_there()


@pytest.mark.anyio
async def test_reading_may_begin_anywhere(bench: StoreBench, tmp_path: Path) -> None:
    if not bench.store.limits.reads_ranges:
        pytest.skip("this kind declares that it reads no ranges")
    content = bytes(index % 251 for index in range(2 * 2**20 + 3))
    file = local_file(tmp_path, content)
    readable = bench.readable_of(await bench.store.put(upload_of(bench, file)), file)

    assert content[1_500_000:] == await content_of(bench, readable, 1_500_000)
    assert content[10:21] == await content_of(bench, readable, 10, 20)


@pytest.mark.anyio
async def test_stat_tells_the_size(bench: StoreBench, tmp_path: Path) -> None:
    file = local_file(tmp_path, b"12345")
    readable = bench.readable_of(await bench.store.put(upload_of(bench, file)), file)

    facts = await bench.store.stat(readable)

    assert 5 == facts.size_bytes
    assert facts.md5 in {None, file.md5}


def streamed(content: bytes, *, claimed: bytes | None = None) -> tuple[RelayedContent, LocalFile]:
    """Bytes that lie elsewhere, with the MD5 that is claimed of them."""
    md5 = hashlib.md5(content if claimed is None else claimed, usedforsecurity=False).hexdigest()
    expected = LocalFile(path="file handle 1", size_bytes=len(content), md5=md5, modified_ns=0)
    source = MemoryStore(objects={"memory://elsewhere": content}, breaks_after=[len(content) // 3])
    return RelayedContent(source, readable_at("memory://elsewhere"), expected, FakeClock()), expected


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 1000, 17 * 2**20 + 7])
async def test_what_is_poured_comes_down(bench: StoreBench, size: int) -> None:
    """Though the line to the source breaks once; poured again it is the same object, and can be discarded."""
    assert isinstance(bench.store, StreamStore)
    content = hashlib.shake_128(b"poured").digest(size)
    stream, file = streamed(content)
    before = bench.objects_there()

    stored = await bench.store.pour(upload_of(bench, file), stream)
    again = await bench.store.pour(upload_of(bench, file), streamed(content)[0])

    assert stored == again
    assert stream.md5 == file.md5
    is_whole = content == await content_of(bench, bench.readable_of(stored, file))
    assert is_whole
    assert before + 1 == bench.objects_there()
    await bench.store.discard(upload_of(bench, file))
    assert before == bench.objects_there()


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1000, 17 * 2**20 + 7])
async def test_bytes_with_another_md5_never_become_visible(bench: StoreBench, size: int) -> None:
    assert isinstance(bench.store, StreamStore)
    stream, file = streamed(bytes(size), claimed=b"something else")
    before = bench.objects_there()

    with pytest.raises(SourceChanged):
        await bench.store.pour(upload_of(bench, file), stream)

    assert before == bench.objects_there()


@pytest.mark.anyio
async def test_what_is_not_there_is_said_so() -> None:
    with pytest.raises(TransferFailed):
        await MemoryStore().stat(readable_at("memory://nowhere"))
