"""SFTP servers: files are written under a name that says they are unfinished, then renamed.

A connection that broke may leave a server process behind that still works through what it was sent, and a server that
crashed may have kept less than it confirmed. So what an earlier try left is never taken for granted: it is read back
while the local file is read, and written again wherever it differs. And nothing is ever cut off: whatever a late
process does to an unfinished file, it can only write right bytes to their right place.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import TypeVar, cast

import asyncssh

from storage_core.config import Config
from storage_core.errors import SourceChanged, TransferBroken, TransferFailed, UsageError
from storage_core.local_files.reading import CHUNK, LocalContent
from storage_core.model.transfers import (
    AddressedFile,
    ObjectFacts,
    Readable,
    StoreLimits,
    Upload,
)
from storage_core.plan.sftp_addresses import SftpAddress, file_address, read_sftp_address
from storage_core.ports.transfers import Content, Moved, Reading, untold
from storage_core.stores.sftp_sessions import SftpSessions, full, translated

_UNCONFIRMED = 8
"""Pieces of `CHUNK` bytes on their way at once, in either direction."""
_UNCERTAIN = 8 << 20
"""So much at the end of an unfinished file is written again without a look: a few pieces were on their way when the
line broke, and reading them back would mostly be in vain."""
_WITHOUT_CUTTING = asyncssh.FXF_READ | asyncssh.FXF_WRITE | asyncssh.FXF_CREAT
_SETTLING_SECONDS = 5
_T = TypeVar("_T")


class SftpStore:
    """Implements `ports.transfers.ByteStore`. No Synapse call of its own."""

    def __init__(self, config: Config) -> None:
        self._sessions = SftpSessions(config)

    @property
    def limits(self) -> StoreLimits:
        """One stream fills what one connection can encrypt."""
        return StoreLimits()

    async def put(self, upload: Upload, moved: Moved = untold) -> AddressedFile:
        """Write to the folder that the destination names; folders on the way are made.

        The folder's name is fresh for each upload (contract 4), so what lies there is this upload's, or foreign and
        then never replaced.
        """
        return await self.pour(upload, LocalContent(upload.file), moved)

    async def pour(self, upload: Upload, content: Content, moved: Moved = untold) -> AddressedFile:
        """The same with bytes from anywhere."""
        url = file_address(upload.destination.url or "", upload.file_name)
        address = read_sftp_address(url)
        if "/" in upload.file_name:
            raise UsageError(f"{upload.file_name!r} is a path, not a file name.", fix="Give a name without slashes.")
        if isinstance(content, LocalContent):
            await content.require_unchanged()
        client = await self._sessions.client(address)
        with translated(address, f"store {address.path}"):
            if await client.exists(address.path):
                await self._require_same(client, address, upload)
                moved(upload.file.size_bytes)
            else:
                folder = address.path.rpartition("/")[0]
                await _make_folders(client, folder or "/")
                unfinished = _unfinished(address, upload)
                reading = content.reading(0, upload.file.size_bytes, moved)
                await self._send(client, unfinished, address, upload, reading)
                await _renamed(client, unfinished, address)
        return AddressedFile(url=url, location_id=upload.destination.location_id)

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read ahead by a few pieces."""
        address = _address_of(readable)
        client = await self._sessions.client(address)
        with translated(address, f"give {address.path}"):
            async with client.open(address.path, "rb", encoding=None) as file:
                size = (await file.stat()).size or 0
                end = size if last_byte is None else min(size, last_byte + 1)
                pieces: deque[asyncio.Task[bytes]] = deque()
                at = first_byte
                try:
                    while at < end or pieces:
                        while at < end and len(pieces) < _UNCONFIRMED:
                            pieces.append(asyncio.create_task(_piece(file, at, min(CHUNK, end - at))))
                            at += CHUNK
                        yield await pieces.popleft()
                finally:
                    await _settled(pieces)
        if last_byte is not None and last_byte >= end:
            raise TransferFailed(
                f"{address.path} on {address.server} has {end} bytes only.", fix="Ask its owner whether it was changed."
            )

    async def stat(self, readable: Readable) -> ObjectFacts:
        """The size."""
        address = _address_of(readable)
        client = await self._sessions.client(address)
        with translated(address, f"look at {address.path}"):
            return ObjectFacts(size_bytes=(await client.stat(address.path)).size or 0)

    async def discard(self, upload: Upload) -> None:
        """Remove the file, finished or not, and the folder that was made for it alone."""
        address = read_sftp_address(file_address(upload.destination.url or "", upload.file_name))
        client = await self._sessions.client(address)
        with translated(address, f"remove {address.path}"):
            for path in (address.path, _unfinished(address, upload)):
                with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                    await client.remove(path)
            folder = address.path.rpartition("/")[0]
            if folder.endswith(f"/{upload.ticket}"):
                with suppress(asyncssh.SFTPError):
                    await client.rmdir(folder)

    async def aclose(self) -> None:
        """Hang up."""
        await self._sessions.aclose()

    async def _send(
        self, client: asyncssh.SFTPClient, path: str, address: SftpAddress, upload: Upload, reading: Reading
    ) -> None:
        """Write what is missing of the unfinished file; the whole content is read, and hashed on the way."""
        present = await _size_of(client, path)
        if present is not None and present > upload.file.size_bytes:
            # none of our tries made it so long; whoever still writes to it goes on writing to a file without a name
            await client.remove(path)
            present = None
        left = _left_by_others(present)
        async with client.open(path, _WITHOUT_CUTTING, encoding=None) as file:
            try:
                await _write(file, reading, left)
            except asyncssh.SFTPFailure as error:
                if await _has_no_room(client, path, upload.file.size_bytes - left):
                    await client.remove(path)
                    raise full(address, f"store {upload.file.size_bytes} bytes") from error
                raise
            with suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()
            there = (await file.stat()).size
        if reading.md5 != upload.file.md5:
            await client.remove(path)
            raise SourceChanged(f"{upload.file.path} changed while it was read.", fix="Run again when it is at rest.")
        if there != upload.file.size_bytes:
            raise TransferBroken(
                f"{address.server} kept {there} of {upload.file.size_bytes} bytes.", fix="Run the same command again."
            )

    async def _require_same(self, client: asyncssh.SFTPClient, address: SftpAddress, upload: Upload) -> None:
        """A file of that name is this upload's own, finished before a kill, or it is somebody else's."""
        md5 = hashlib.md5(usedforsecurity=False)
        async with client.open(address.path, "rb", encoding=None) as file:
            at = 0
            while piece := await _read(file, at, CHUNK * _UNCONFIRMED):
                await asyncio.to_thread(md5.update, piece)
                at += len(piece)
        if md5.hexdigest() != upload.file.md5:
            raise TransferFailed(
                f"{address.server} has another file called {address.path} already; it was left alone.",
                fix="Run the same command again: the upload then gets a folder of its own.",
            )


def _unfinished(address: SftpAddress, upload: Upload) -> str:
    return f"{address.path.rpartition('/')[0]}/.{upload.ticket}.part"


async def _make_folders(client: asyncssh.SFTPClient, folder: str) -> None:
    try:
        await client.makedirs(folder, exist_ok=True)
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
        # the library passes over refusals further up, and then misses what was refused
        raise asyncssh.SFTPPermissionDenied("the folders above cannot be made") from error


async def _write(file: asyncssh.SFTPClientFile, reading: Reading, left: int) -> None:
    """See to all pieces, a few at once; the server has shown or confirmed each of them in the end.

    Up to *left* an earlier try has written: those are looked at, and sent only where they differ.
    """
    pieces: deque[asyncio.Task[int]] = deque()
    at = 0
    try:
        async with aclosing(reading.chunks()) as chunks:
            async for chunk in chunks:
                begin, at = at, at + len(chunk)
                while len(pieces) >= _UNCONFIRMED:
                    await pieces.popleft()
                bring = _kept if at <= left else _written
                pieces.append(asyncio.create_task(bring(file, begin, chunk)))
        while pieces:
            await pieces.popleft()
    finally:
        await _settled(pieces)


def _left_by_others(present: int | None) -> int:
    """How much of an unfinished file is worth looking at: its beginning, but for what was last on its way."""
    return max(0, (present or 0) // CHUNK * CHUNK - _UNCERTAIN)


async def _kept(file: asyncssh.SFTPClientFile, at: int, content: bytes) -> int:
    """Read a piece back; write it where the server has something else, or nothing."""
    if await _read(file, at, len(content)) == content:
        return len(content)
    return await _written(file, at, content)


async def _piece(file: asyncssh.SFTPClientFile, at: int, size: int) -> bytes:
    content = await _read(file, at, size)
    if len(content) < size:
        raise asyncssh.SFTPConnectionLost("the file became shorter while it was read")
    return content


async def _read(file: asyncssh.SFTPClientFile, at: int, size: int) -> bytes:
    step, end = file.read_len or size, at + size
    parts = await _all_heard([file.read(min(step, end - begin), begin) for begin in range(at, end, step)])
    # opened without an encoding, it gives bytes, which the library's types do not know
    return b"".join(cast("list[bytes]", parts))


async def _written(file: asyncssh.SFTPClientFile, at: int, content: bytes) -> int:
    step = file.write_len or len(content)
    return sum(
        await _all_heard(
            [file.write(content[begin : begin + step], at + begin) for begin in range(0, len(content), step)]
        )
    )


async def _all_heard(requests: list[Coroutine[object, object, _T]]) -> list[_T]:
    """Wait for all, then raise the first failure.

    The library, given more than fits into one request, listens to one failure only when the line breaks; the others
    then end up on the screen as exceptions that nobody retrieved.
    """
    answers = await asyncio.gather(*requests, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return cast("list[_T]", answers)


async def _settled(tasks: "deque[asyncio.Task[bytes]] | deque[asyncio.Task[int]]") -> None:
    """Wait for what is under way. Cancelling it would leave requests of the library behind that nobody listens to."""
    if not tasks:
        return
    done, _ = await asyncio.wait(tasks, timeout=_SETTLING_SECONDS)
    for task in done:
        task.exception()


async def _size_of(client: asyncssh.SFTPClient, path: str) -> int | None:
    try:
        return (await client.stat(path)).size
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
        return None


async def _renamed(client: asyncssh.SFTPClient, unfinished: str, address: SftpAddress) -> None:
    try:
        try:
            await client.posix_rename(unfinished, address.path)
        except asyncssh.SFTPOpUnsupported:
            await client.rename(unfinished, address.path)
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
        # an earlier try's own request to rename it came late; the next try finds the finished file, and compares it
        raise TransferBroken(
            f"{address.server}: the unfinished {address.path} was renamed by an earlier try.",
            fix="Run the same command again.",
        ) from error


async def _has_no_room(client: asyncssh.SFTPClient, path: str, wanted: int) -> bool:
    """Older protocol versions have one word for every failure, so the disk is asked."""
    try:
        disk = await client.statvfs(path)
    except asyncssh.SFTPError:
        return False
    return bool((disk.bavail or 0) * (disk.frsize or 0) < wanted)


def _address_of(readable: Readable) -> SftpAddress:
    return read_sftp_address(readable.handle.url or "")
