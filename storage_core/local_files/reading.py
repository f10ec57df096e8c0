"""Reads local files in pieces: whole, to know their MD5, and by ranges, to send them."""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from stat import S_ISREG

from storage_core.errors import SourceChanged, UsageError
from storage_core.model.transfers import LocalFile

_HASHED_AT_ONCE = 2 << 20
CHUNK = 1 << 19
"""Read on changing threads, whose allocators keep what they have handed out: small, so that they keep little."""


async def measure(path: str, told: Callable[[int], None] | None = None) -> LocalFile:
    """Read the file to its end; size, MD5 and time of change belong together. *told* gets the bytes as they are read.

    Raises:
        UsageError: it is not there, not readable, or no ordinary file.
        SourceChanged: somebody writes to it at this moment.
    """
    before = await asyncio.to_thread(status_of, path)
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    try:
        buffer = memoryview(bytearray(min(_HASHED_AT_ONCE, before.st_size + 1)))
        with await asyncio.to_thread(_opened, path) as file:
            while count := await asyncio.to_thread(_hash_next, file, buffer, md5):
                size += count
                if told is not None:
                    told(count)
    except OSError as error:
        raise unreadable(path, error) from error
    after = await asyncio.to_thread(status_of, path)
    if size != before.st_size or not is_same(before, after):
        raise changed(path)
    return LocalFile(path=path, size_bytes=size, md5=md5.hexdigest(), modified_ns=before.st_mtime_ns)


def _opened(path: str) -> FileIO:
    return FileIO(path)


def _hash_next(file: FileIO, buffer: memoryview, md5: "hashlib._Hash") -> int:
    count = file.readinto(buffer) or 0
    md5.update(buffer[:count])
    return count


@dataclass(slots=True)
class RangeReading:
    """One range of a file on its way out, chunk by chunk; afterwards `md5` is that of the range.

    Raises `SourceChanged` while being read when the file ends before the range does.
    """

    path: str
    first_byte: int
    size_bytes: int
    told: Callable[[int], None]
    sent: int = 0
    _md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    @property
    def md5(self) -> str:
        """Of everything read so far."""
        return self._md5.hexdigest()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, in order."""
        descriptor = await asyncio.to_thread(os.open, self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            while self.sent < self.size_bytes:
                chunk = await asyncio.to_thread(self._next, descriptor)
                if not chunk:
                    raise changed(self.path)
                yield chunk
                self.sent += len(chunk)
                self.told(len(chunk))
        finally:
            os.close(descriptor)

    def take_back(self) -> None:
        """Say that what was sent has to travel again."""
        self.told(-self.sent)

    def _next(self, descriptor: int) -> bytes:
        os.lseek(descriptor, self.first_byte + self.sent, os.SEEK_SET)
        chunk = os.read(descriptor, min(CHUNK, self.size_bytes - self.sent))
        self._md5.update(chunk)
        return chunk


@dataclass(frozen=True, slots=True)
class LocalContent:
    """Implements `ports.transfers.Content` for a file of this machine."""

    file: LocalFile

    def reading(self, first_byte: int, size_bytes: int, told: Callable[[int], None] = lambda _: None) -> RangeReading:
        """A stretch of the file."""
        return RangeReading(self.file.path, first_byte, size_bytes, told)

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
