"""local_files/receiving.py: what is called by its name is whole, however it came in."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from storage_core.errors import TransferBroken, TransferFailed
from storage_core.local_files import receiving
from storage_core.local_files.receiving import BLOCK, PartialFile

SMALL = os.urandom(3_000_001)


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


async def coming(content: bytes, *, pieces: int = 200_000, breaks: bool = False) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(content), pieces):
        yield content[at : at + pieces]
    if breaks:
        raise TransferBroken("The line broke.", fix="")


async def received(folder: Path, tries: Sequence[AsyncGenerator[bytes, None]], content: bytes) -> str:
    partial = await PartialFile.begin(str(folder), "mark", len(content))
    for chunks in tries:
        with suppress(TransferBroken):
            await partial.take(0, chunks)
    assert () == partial.missing
    md5 = await partial.md5()
    assert await partial.publish(str(folder / "a.bin"), replace=False)
    return md5


@pytest.mark.parametrize("pieces", [1_000, 2**20, 10 * 2**20])
def test_a_small_file_is_whole_whatever_pieces_it_comes_in(tmp_path: Path, pieces: int) -> None:
    md5 = asyncio.run(received(tmp_path, [coming(SMALL, pieces=pieces)], SMALL))

    assert md5_of(SMALL) == md5
    assert SMALL == (tmp_path / "a.bin").read_bytes()
    assert ["a.bin"] == [path.name for path in tmp_path.iterdir()]


def test_a_small_file_that_broke_off_is_hashed_from_the_beginning(tmp_path: Path) -> None:
    """What the broken try brought must not stay in the MD5, nor in the file."""
    other = bytes(len(SMALL) - 5)

    md5 = asyncio.run(received(tmp_path, [coming(other, breaks=True), coming(SMALL)], SMALL))

    assert md5_of(SMALL) == md5
    assert SMALL == (tmp_path / "a.bin").read_bytes()


def test_what_breaks_after_the_last_byte_is_whole(tmp_path: Path) -> None:
    assert md5_of(SMALL) == asyncio.run(received(tmp_path, [coming(SMALL, breaks=True)], SMALL))


def test_a_large_file_is_hashed_in_order_though_its_end_came_first(tmp_path: Path) -> None:
    content = os.urandom(BLOCK + 5)

    async def backwards() -> str:
        partial = await PartialFile.begin(str(tmp_path), "mark", len(content))
        await partial.take(BLOCK, coming(content[BLOCK:]))
        await partial.take(0, coming(content[:BLOCK], pieces=2**20))
        assert () == partial.missing
        md5 = await partial.md5()
        await partial.discard()
        return md5

    assert md5_of(content) == asyncio.run(backwards())


def test_more_bytes_than_announced_are_refused(tmp_path: Path) -> None:
    async def too_many() -> None:
        partial = await PartialFile.begin(str(tmp_path), "mark", 10)
        try:
            with pytest.raises(TransferFailed, match="More bytes come than the 10"):
                await partial.take(0, coming(bytes(11)))
        finally:
            await partial.discard()

    asyncio.run(too_many())


def test_giving_up_waits_for_the_piece_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its descriptor would be another file's when it is closed too early, and the rest be written there."""
    writing, go_on = threading.Event(), threading.Event()
    written: list[int] = []
    write = receiving._write_all

    def slow(descriptor: int, chunk: bytes) -> None:
        writing.set()
        assert go_on.wait(60)
        write(descriptor, chunk)
        written.append(len(chunk))

    async def given_up() -> None:
        partial = await PartialFile.begin(str(tmp_path), "mark", 2**20 + 5)
        monkeypatch.setattr(receiving, "_write_all", slow)
        taking = asyncio.create_task(partial.take(0, coming(bytes(2**20), pieces=2**20)))
        assert await asyncio.to_thread(writing.wait, 60)
        taking.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not taking.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert [2**20] == written
        await partial.discard()

    asyncio.run(given_up())
