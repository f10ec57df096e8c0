"""Receives a file under a name of its own, block by block, and gives it its name when it is whole.

Beside it lies a map with one byte per block: written after the block's bytes, so that a killed process loses blocks
in flight and nothing else. A power failure may lose more; the MD5 of the whole tells. A lock on the map keeps a second
process from receiving the same.
"""

import asyncio
import errno
import hashlib
import os
import shutil
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from storage_core.errors import SynapseStorageError, TransferFailed, UsageError
from storage_core.model.transfers import Stretch
from storage_core.ports.transfers import Moved, untold
from storage_core.synapse.filelock import try_lock

BLOCK = 16 << 20
_WRITTEN_AT_ONCE = 1 << 20
_READ_AT_ONCE = 1 << 20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DONE = b"1"
_MOST_LOCKS = 5
_BEGIN = ".synapse-"


@dataclass(slots=True)
class PartialFile:
    """Implements `ports.transfers.Receiving`. Lives on one event loop; its disk work goes to threads."""

    path: Path
    map_path: Path
    size_bytes: int
    _map: int
    _done: bytearray
    _front: int = 0
    _hashed: int = 0
    _advanced: asyncio.Event = field(default_factory=asyncio.Event)
    _md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    @classmethod
    async def begin(cls, folder: str, mark: str, size_bytes: int) -> "PartialFile":
        """Open what an earlier try left, or begin; see `ports.transfers.LocalFiles.receive`."""
        name = f"{_BEGIN}{hashlib.sha256(f'{mark} {size_bytes}'.encode()).hexdigest()[:24]}.part"
        path = Path(folder) / name
        map_path = path.with_suffix(".map")
        descriptor, done = await asyncio.to_thread(_prepared, path, map_path, size_bytes)
        partial = cls(path=path, map_path=map_path, size_bytes=size_bytes, _map=descriptor, _done=done)
        partial._advance()
        return partial

    @property
    def missing(self) -> tuple[Stretch, ...]:
        """What is not here yet, block by block."""
        return tuple(self._block(number) for number, done in enumerate(self._done) if not done)

    async def take(self, first_byte: int, chunks: AsyncGenerator[bytes, None], told: Moved = untold) -> int:
        """Write what comes from *first_byte* on; blocks count once they are whole."""
        writing = _Writing(self, first_byte)
        try:
            try:
                async with aclosing(gathered(chunks, _WRITTEN_AT_ONCE)) as pieces:
                    async for some in pieces:
                        told(await writing.write(some))
            finally:
                await writing.end()
                self._advance()
        except OSError as error:
            raise disk_error(self.path.parent, error) from error
        return writing.at - first_byte

    async def md5(self) -> str:
        """Hash along behind what has arrived without a gap, until all has."""
        buffer = memoryview(b"")
        while self._hashed < self.size_bytes:
            if self._hashed == self._front:
                self._advanced.clear()
                await self._advanced.wait()
                continue
            # not before: most files are small and were hashed on their way
            buffer = buffer or memoryview(bytearray(min(_READ_AT_ONCE, self.size_bytes)))
            count = min(BLOCK, self._front - self._hashed)
            await asyncio.to_thread(_hash_range, self.path, self._hashed, count, buffer, self._md5)
            self._hashed += count
        return self._md5.hexdigest()

    async def publish(self, path: str, *, replace: bool) -> bool:
        """Rename it; without *replace* never over another file, whoever makes it at this moment."""
        try:
            return await asyncio.to_thread(self._publish, Path(path), replace=replace)
        except OSError as error:
            raise disk_error(self.path.parent, error) from error

    async def discard(self) -> None:
        """Remove it and its map."""
        await asyncio.to_thread(self._remove)

    async def close(self) -> None:
        """Give the lock back."""
        self._close()

    def _close(self) -> None:
        if self._map >= 0:
            os.close(self._map)
            self._map = -1

    def _publish(self, path: Path, *, replace: bool) -> bool:
        if replace:
            self.path.replace(path)
        else:
            try:
                # unlike renaming, linking fails when the name is taken
                path.hardlink_to(self.path)
            except FileExistsError:
                return False
            except OSError:
                # a file system without links: the moment between looking and renaming is the price
                if os.path.lexists(path):
                    return False
                self.path.replace(path)
        self._remove()
        return True

    def _remove(self) -> None:
        # the map last: as long as it is there and locked, nobody else begins
        self.path.unlink(missing_ok=True)
        if sys.platform == "win32":
            self._close()  # nothing open can be removed there
        self.map_path.unlink(missing_ok=True)
        self._close()

    def _received_in_one(self, md5: "hashlib._Hash") -> None:
        """The whole came in one go and was hashed on its way."""
        self._md5 = md5
        self._hashed = self.size_bytes

    def _note(self, first_byte: int, end: int) -> None:
        """Mark the blocks that are whole now: those which this reading covered from their first byte on."""
        whole = [
            number
            for number in range(-(-first_byte // BLOCK), len(self._done))
            if self._block(number).last_byte < end and not self._done[number]
        ]
        if whole:
            for number in whole:
                os.lseek(self._map, number, os.SEEK_SET)
                _write_all(self._map, _DONE)
                self._done[number] = 1

    def _advance(self) -> None:
        gap = self._done.find(0)
        self._front = self.size_bytes if gap < 0 else gap * BLOCK
        self._advanced.set()

    def _block(self, number: int) -> Stretch:
        first = number * BLOCK
        return Stretch(first_byte=first, last_byte=min(first + BLOCK, self.size_bytes) - 1)


class _Writing:
    """One reading on its way to the disk. Its disk work goes to threads, one piece of it after the other.

    A file of one block is hashed on the way: so it is not read again, and most files are small.
    """

    def __init__(self, partial: PartialFile, first_byte: int) -> None:
        self.at = first_byte
        self._partial = partial
        self._first_byte = first_byte
        self._descriptor = -1
        self._is_over = False
        # a piece that nobody waits for any more may still be written when the end is made
        self._one_at_a_time = threading.Lock()
        is_all = first_byte == 0 and partial.size_bytes <= BLOCK
        self._md5 = hashlib.md5(usedforsecurity=False) if is_all else None

    async def write(self, chunks: list[bytes]) -> int:
        """Write them, say how many bytes that were. OSError when the disk does not take them."""
        size = sum(map(len, chunks))
        end = self.at + size
        if end > self._partial.size_bytes:
            raise TransferFailed(
                f"More bytes come than the {self._partial.size_bytes:,} that were announced.",
                fix="Somebody may have replaced the object; ask the owner of the storage location.",
            )
        await asyncio.to_thread(self._write, chunks, end)
        self.at = end
        return size

    async def end(self) -> None:
        """Note which blocks are whole now; to be called in any case."""
        if not self._is_over:
            await asyncio.shield(asyncio.to_thread(self._end))
        if self._md5 is not None and self.at == self._partial.size_bytes:
            self._partial._received_in_one(self._md5)  # noqa: SLF001 - same module

    def _write(self, chunks: list[bytes], end: int) -> None:
        with self._one_at_a_time:
            if self._is_over:
                return
            if self._descriptor < 0:
                self._descriptor = os.open(self._partial.path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
                os.lseek(self._descriptor, self._first_byte, os.SEEK_SET)
            for chunk in chunks:
                _write_all(self._descriptor, chunk)
                if self._md5 is not None:
                    self._md5.update(chunk)
            if end == self._partial.size_bytes:
                self._finish(end)

    def _end(self) -> None:
        with self._one_at_a_time:
            if not self._is_over:
                self._finish(self.at)

    def _finish(self, end: int) -> None:
        self._is_over = True
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._partial._note(self._first_byte, end)  # noqa: SLF001 - same module


def _prepared(path: Path, map_path: Path, size_bytes: int) -> tuple[int, bytearray]:
    """The locked map, and what it says; the file itself is there in its full size, its bytes perhaps not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(map_path)
        try:
            blocks = -(-size_bytes // BLOCK)
            if os.fstat(descriptor).st_size == blocks and path.is_file() and path.stat().st_size == size_bytes:
                return descriptor, bytearray(mark == _DONE[0] for mark in os.read(descriptor, blocks))
            _require_room(path.parent, size_bytes)
            os.ftruncate(descriptor, 0)
            with path.open("wb") as file:
                file.truncate(size_bytes)
            os.ftruncate(descriptor, blocks)
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            os.close(descriptor)
            raise
    except OSError as error:
        raise disk_error(path.parent, error) from error
    return descriptor, bytearray(blocks)


def _locked(map_path: Path) -> int:
    for _ in range(_MOST_LOCKS):
        descriptor = os.open(map_path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        if not try_lock(descriptor):
            os.close(descriptor)
            break
        # another process may have finished and removed it between opening and locking
        if _is_at(map_path, descriptor):
            return descriptor
        os.close(descriptor)
    raise TransferFailed(
        f"Another process is downloading the same file to {map_path.parent}.", fix="Wait until it has finished."
    )


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _require_room(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise TransferFailed(
            f"{folder} has {free:,} bytes left, the file needs {size_bytes:,}.",
            fix="Make room, or choose another folder.",
        )


def _write_all(descriptor: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(descriptor, left) :]


async def gathered(chunks: AsyncGenerator[bytes, None], enough: int) -> AsyncGenerator[list[bytes], None]:
    """The same bytes in fewer pieces: lists of *enough* bytes at least, but for the last before the end or an error."""
    some: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks:
            some.append(chunk)
            size += len(chunk)
            if size >= enough:
                yield some
                some, size = [], 0
    except SynapseStorageError:
        if some:
            yield some
        raise
    if some:
        yield some


def _hash_range(path: Path, first_byte: int, size: int, buffer: memoryview, md5: "hashlib._Hash") -> None:
    with FileIO(path) as file:
        file.seek(first_byte)
        while size and (count := file.readinto(buffer[:size])):
            md5.update(buffer[:count])
            size -= count


def is_partial(name: str) -> bool:
    """Whether this is the name of a file that is still being received, or of its map."""
    return name.startswith(_BEGIN) and name.endswith((".part", ".map"))


def disk_error(folder: Path, error: OSError) -> TransferFailed | UsageError:
    """The error for a file that cannot be written: a full disk is one file's trouble, a wrong folder the caller's."""
    if error.errno in _NO_ROOM:
        return TransferFailed(
            f"There is no room left in {folder}.",
            fix="Make room and run the same command again: it goes on with what has arrived.",
        )
    return UsageError(
        f"Files cannot be written to {folder}: {error.strerror or error}.", fix="Correct the folder or its permissions."
    )
