"""steps/fetching.py: what an earlier process left is used only where the whole can be checked."""

import asyncio
import hashlib
from contextlib import aclosing

import pytest

from storage_core.local_files.disk import Disk
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.transfers import Readable
from storage_core.steps.fetching import Fetching
from storage_core.testing.fake_clock import FakeClock
from storage_core.testing.fake_store import MemoryStore

ADDRESS = "memory://1/t/a.bin"
SIZE = 40 * 2**20
OLD, NEW = b"o" * SIZE, b"n" * SIZE


def readable(md5: str | None) -> Readable:
    handle = FileHandle(
        id=FileHandleId("7"),
        kind=HandleKind.EXTERNAL_URL,
        concrete_type="org.sagebionetworks.repo.model.file.ExternalFileHandle",
        storage_location_id=None,
        size_bytes=SIZE,
        md5=md5,
        url=ADDRESS,
    )
    association = Association(handle_id=handle.id, object_id=EntityId("syn1"), kind=AssociationKind.FILE)
    return Readable(handle=handle, association=association)


async def leave_a_half(folder, wanted: Readable) -> None:
    """A process that is killed after the first blocks of the old content."""
    handle = wanted.handle
    receiving = await Disk().receive(folder, f"{handle.id} {handle.md5}", SIZE)
    before = MemoryStore(objects={ADDRESS: OLD})
    async with aclosing(before.read(wanted, last_byte=SIZE // 2)) as chunks:
        await receiving.take(0, chunks)
    await receiving.close()


async def fetch(folder, wanted: Readable, now: bytes) -> tuple[str, int]:
    """The MD5 of what came, and how many bytes it says it had or brought in all."""
    told: list[int] = []
    fetching = Fetching(local=Disk(), clock=FakeClock())
    fetched = await fetching.fetch(wanted, MemoryStore(objects={ADDRESS: now}), folder, SIZE, told.append)
    await fetched.receiving.discard()
    await fetched.receiving.close()
    return fetched.md5, sum(told)


@pytest.mark.parametrize(("md5", "now"), [(None, NEW), (None, OLD), (hashlib.md5(OLD).hexdigest(), OLD)])
def test_halves_of_two_contents_are_never_joined(tmp_path, md5, now):
    """Without an MD5 the object may have become another one since, of the same length."""
    wanted = readable(md5)
    asyncio.run(leave_a_half(str(tmp_path), wanted))

    assert (hashlib.md5(now).hexdigest(), SIZE) == asyncio.run(fetch(str(tmp_path), wanted, now))
    assert [] == list(tmp_path.iterdir())
