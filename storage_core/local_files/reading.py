"""Reads local files in pieces: whole, to know their MD5, and by ranges, to send them."""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from itertools import cycle, islice
from pathlib import Path
from stat import S_ISREG

from storage_core.errors import SourceChanged, UsageError
from storage_core.model.transfers import LocalFile, PartDigests

CHUNK = 1 << 19
"""Read on changing threads, whose allocators keep what they have handed out: small, so that they keep little."""
_HASHED_AT_ONCE = 1 << 20
_PIECES_PER_STEP = 32
_ONE_GO = 1 << 20
"""Up to here a range is read in one way to a thread; most files are small."""


async def measure(path: str, cut: Callable[[int], int | None] | None = None) -> LocalFile:
    """Read the file to its end; size, MD5s and time of change belong together.

    *cut* says for a size how large its parts are whose MD5s are wanted, too; None where none are.

    Raises:
        UsageError: it is not there, not readable, or no ordinary file.
        SourceChanged: somebody writes to it at this moment.
    """
    measuring = _Measuring(path, cut)
    # in steps: threads are few, and other files' bytes have to get through as well
    while (found := await asyncio.to_thread(measuring.go_on)) is None:
        pass
    return found


class _Measuring:
    """A file on its way through the hashes. Blocks; nothing stays open between steps, so it may be left at any one."""

    def __init__(self, path: str, cut: Callable[[int], int | None] | None) -> None:
        self._path = path
        self._cut = cut
        self._before: os.stat_result | None = None
        self._whole = hashlib.md5(usedforsecurity=False)
        self._parts: _PartHashing | None = None
        self._size = 0

    def go_on(self) -> LocalFile | None:
        """Read some more; the result at the end."""
        if self._before is None:
            self._before = status_of(self._path)
            self._parts = self._part_hashing(self._before.st_size)
        try:
            is_at_end = self._read_on(min(_HASHED_AT_ONCE, self._before.st_size + 1))
        except OSError as error:
            raise unreadable(self._path, error) from error
        return self._found(self._before) if is_at_end else None

    def _part_hashing(self, size_bytes: int) -> "_PartHashing | None":
        part_size = None if self._cut is None else self._cut(size_bytes)
        return None if part_size is None or part_size >= size_bytes else _PartHashing(part_size)

    def _read_on(self, at_once: int) -> bool:
        with FileIO(self._path) as file:
            file.seek(self._size)
            if self._parts is None:
                return self._hash_some(file, [memoryview(bytearray(at_once))], lambda _: None)
            with _beside(self._parts) as hash_beside:
                # while one buffer is hashed beside, the next is read into the other
                buffers = [memoryview(bytearray(at_once)) for _ in range(2)]
                return self._hash_some(file, buffers, hash_beside)

    def _hash_some(self, file: FileIO, buffers: list[memoryview], beside: Callable[[memoryview], None]) -> bool:
        for buffer in islice(cycle(buffers), _PIECES_PER_STEP):
            count = file.readinto(buffer)
            if not count:
                return True
            beside(buffer[:count])
            self._whole.update(buffer[:count])
            self._size += count
        return False

    def _found(self, before: os.stat_result) -> LocalFile:
        if self._size != before.st_size or not is_same(before, status_of(self._path)):
            raise changed(self._path)
        return LocalFile(
            path=self._path,
            size_bytes=self._size,
            md5=self._whole.hexdigest(),
            modified_ns=before.st_mtime_ns,
            parts=self._digests(),
        )

    def _digests(self) -> PartDigests | None:
        if self._parts is not None:
            return self._parts.digests()
        part_size = None if self._cut is None else self._cut(self._size)
        return None if part_size is None else PartDigests(part_size_bytes=part_size, md5s=(self._whole.hexdigest(),))


@contextmanager
def _beside(parts: "_PartHashing") -> Iterator[Callable[[memoryview], None]]:
    """Hash parts in a thread of their own: that takes as long as the whole, and is ready with it.

    What is given is read until the next is given, or the block ends.
    """
    with ThreadPoolExecutor(1) as thread:
        last: Future[None] | None = None

        def hash_beside(view: memoryview) -> None:
            nonlocal last
            if last is not None:
                last.result()
            last = thread.submit(parts.update, view)

        yield hash_beside
        if last is not None:
            last.result()


class _PartHashing:
    """MD5s of consecutive parts of one size."""

    def __init__(self, part_size_bytes: int) -> None:
        self._part_size = part_size_bytes
        self._done: list[str] = []
        self._running = hashlib.md5(usedforsecurity=False)
        self._room = part_size_bytes

    def update(self, view: memoryview) -> None:
        """Take in what follows."""
        while view:
            some = view[: self._room]
            self._running.update(some)
            self._room -= len(some)
            view = view[len(some) :]
            if self._room == 0:
                self._close()

    def digests(self) -> PartDigests:
        """Of everything taken in."""
        if self._room < self._part_size:
            self._close()
        return PartDigests(part_size_bytes=self._part_size, md5s=tuple(self._done))

    def _close(self) -> None:
        self._done.append(self._running.hexdigest())
        self._running = hashlib.md5(usedforsecurity=False)
        self._room = self._part_size


@dataclass(slots=True)
class RangeReading:
    """One range of a file on its way out, chunk by chunk; afterwards `md5` is that of the range.

    Where `measured` says the MD5 already, nothing is hashed again: then a range that was written to since it was
    measured arrives with another MD5 than this one says.

    Raises `SourceChanged` while being read when the file ends before the range does.
    """

    path: str
    first_byte: int
    size_bytes: int
    told: Callable[[int], None]
    measured: str | None = None
    sent: int = 0
    _md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    @property
    def md5(self) -> str:
        """Of everything read so far; of the range, where that is known already."""
        return self.measured or self._md5.hexdigest()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, in order."""
        if 0 < self.size_bytes <= _ONE_GO:
            yield self._taken(await asyncio.to_thread(self._only))
            self._tell(self.size_bytes)
            return
        descriptor = await asyncio.to_thread(_opened, self.path)
        try:
            while self.sent < self.size_bytes:
                chunk = self._taken(await asyncio.to_thread(self._next, descriptor))
                yield chunk
                self._tell(len(chunk))
        finally:
            os.close(descriptor)

    def take_back(self) -> None:
        """Say that what was sent has to travel again."""
        self.told(-self.sent)

    def _taken(self, chunk: bytes) -> bytes:
        if not chunk:
            raise changed(self.path)
        return chunk

    def _tell(self, count: int) -> None:
        self.sent += count
        self.told(count)

    def _only(self) -> bytes:
        descriptor = _opened(self.path)
        try:
            chunk = self._next(descriptor)
        finally:
            os.close(descriptor)
        return chunk if len(chunk) == self.size_bytes else b""

    def _at_once(self) -> int:
        return self.size_bytes if self.size_bytes <= _ONE_GO else min(CHUNK, self.size_bytes - self.sent)

    def _next(self, descriptor: int) -> bytes:
        os.lseek(descriptor, self.first_byte + self.sent, os.SEEK_SET)
        chunk = os.read(descriptor, self._at_once())
        if self.measured is None:
            self._md5.update(chunk)
        return chunk


def _opened(path: str) -> int:
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


@dataclass(frozen=True, slots=True)
class LocalContent:
    """Implements `ports.transfers.Content` for a file of this machine."""

    file: LocalFile

    def reading(self, first_byte: int, size_bytes: int, told: Callable[[int], None] = lambda _: None) -> RangeReading:
        """A stretch of the file."""
        parts, whole = self.file.parts, self.file.size_bytes
        measured = None if parts is None else parts.md5_of(first_byte, size_bytes, file_size_bytes=whole)
        return RangeReading(self.file.path, first_byte, size_bytes, told, measured)

    async def require_unchanged(self) -> None:
        """SourceChanged when the file is not as it was measured, as far as size and time of change tell."""
        await require_unchanged(self.file)


async def require_unchanged(file: LocalFile) -> None:
    """SourceChanged when the file is not as it was measured, as far as size and time of change tell."""
    now = await asyncio.to_thread(status_of, file.path)
    if (now.st_size, now.st_mtime_ns) != (file.size_bytes, file.modified_ns):
        raise changed(file.path)


def status_of(path: str) -> os.stat_result:
    """What the file system says about an ordinary file.

    Raises:
        UsageError: it is not there, not readable, or something else.
    """
    try:
        found = Path(path).stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not S_ISREG(found.st_mode):
        raise UsageError(f"{path} is no ordinary file.", fix="Name a file.")
    return found


def is_same(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether nobody wrote in between, as far as size and time of change tell."""
    return (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def changed(path: str) -> SourceChanged:
    """The error for a file that did not hold still."""
    return SourceChanged(f"{path} changed while it was read.", fix="Wait until nobody writes to it, then run again.")


def unreadable(path: str, error: Exception) -> UsageError:
    """The error for a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return UsageError(f"There is no file {path}.", fix="Correct the path.")
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UsageError(f"{path} cannot be read: {why}.", fix="Correct the path or its permissions.")
