"""Bodies of uploads: received in bounded memory, decoded when chunked, checked against every promise made."""

import asyncio
import base64
import binascii
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sandbox.objects.checksums import ALGORITHMS, RunningChecksum, encoded, header_of
from sandbox.objects.contents import Content, FileContent, MemoryContent
from sandbox.objects.records import LARGEST_PUT_BYTES
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.s3_http import S3Request

HELD_IN_MEMORY_BYTES = 4 * 1024 * 1024
TAKEN_AT_ONCE_BYTES = 1024 * 1024
UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A body that kept all its promises. `algorithm` is the checksum that came along, if any."""

    content: Content
    algorithm: str | None


@dataclass(slots=True)
class ContentWriter:
    """Takes bytes in, in memory first and in a file once they are many."""

    folder: Path
    _data: bytearray = field(default_factory=bytearray)
    _file: BinaryIO | None = None
    _path: Path | None = None
    _size: int = 0

    def __post_init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)

    _md5: "hashlib._Hash" = field(init=False)

    def write(self, chunk: bytes) -> None:
        """Take in more bytes."""
        self._md5.update(chunk)
        self._size += len(chunk)
        if self._file is not None:
            self._file.write(chunk)
            return
        self._data += chunk
        if self._size > HELD_IN_MEMORY_BYTES:
            self._spill()

    def finish(self) -> Content:
        """Everything written, as a content."""
        if self._file is None or self._path is None:
            return MemoryContent(bytes(self._data))
        self._file.close()
        return FileContent(self._path, self._size, self._md5.hexdigest())

    def discard(self) -> None:
        """Forget everything written."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def md5(self) -> bytes:
        """The MD5 of everything written."""
        return self._md5.digest()

    def _spill(self) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as named:
            self._path = Path(named.name)
        self._file = self._path.open("wb")
        self._file.write(self._data)
        self._data = bytearray()


async def receive_payload(request: S3Request, folder: Path) -> Payload:
    """Read the body; refuses with BadDigest and its relatives, and keeps nothing then."""
    _refuse_too_large(request)
    taking = _Taking(
        writer=ContentWriter(folder),
        running={name: ALGORITHMS[name]() for name in _promised_algorithms(request)},
        sha256=hashlib.sha256() if _promised_sha256(request) else None,
    )
    trailers: dict[str, str] = {}
    try:
        async for chunks in _batched(_decoded(request, trailers)):
            await taking.take(chunks)
        _check_length(request, taking.writer)
        _check_sha256(request, taking.sha256)
        _check_md5(request, taking.writer.md5())
        _check_checksums({**request.headers, **trailers}, taking.running)
    except BaseException:  # nothing is swallowed: it is cleaned up and raised again
        taking.writer.discard()
        raise
    return Payload(content=taking.writer.finish(), algorithm=next(iter(taking.running), None))


@dataclass(slots=True, kw_only=True)
class _Taking:
    """A body on its way in, with all that is counted along; `sha256` only where one was promised."""

    writer: ContentWriter
    running: dict[str, RunningChecksum]
    sha256: "hashlib._Hash | None"

    async def take(self, chunks: list[bytes]) -> None:
        """Take more in; much of it beside the event loop, which goes on serving others."""
        if sum(map(len, chunks)) < TAKEN_AT_ONCE_BYTES:
            self._take(chunks)
            return
        await asyncio.to_thread(self._take, chunks)

    def _take(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            self.writer.write(chunk)
            if self.sha256 is not None:
                self.sha256.update(chunk)
            for checksum in self.running.values():
                checksum.update(chunk)


async def _batched(body: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """The same bytes, some pieces at a time: a thread for each would cost more than its work."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in body:
        chunks.append(chunk)
        size += len(chunk)
        if size >= TAKEN_AT_ONCE_BYTES:
            yield chunks
            chunks, size = [], 0
    if chunks:
        yield chunks


def _refuse_too_large(request: S3Request) -> None:
    declared = request.header("x-amz-decoded-content-length") or request.header("content-length")
    if declared is None:
        raise S3Refusal("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    if int(declared) > LARGEST_PUT_BYTES:
        raise S3Refusal("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400)


def _promised_algorithms(request: S3Request) -> list[str]:
    trailer = (request.header("x-amz-trailer") or "").lower()
    return [name for name in ALGORITHMS if header_of(name) in request.headers or header_of(name) == trailer]


def _decoded(request: S3Request, trailers: dict[str, str]) -> AsyncIterator[bytes]:
    declared = request.header("x-amz-content-sha256") or UNSIGNED
    if not declared.startswith("STREAMING-"):
        return request.body
    if declared != UNSIGNED_CHUNKS:
        raise S3Refusal("NotImplemented", f"Payloads of the kind {declared} are not supported", 501)
    return _unchunked(request.body, trailers)


async def _unchunked(body: AsyncIterator[bytes], trailers: dict[str, str]) -> AsyncIterator[bytes]:
    """The payload of an ``aws-chunked`` body; fills *trailers* with the headers after the last chunk."""
    reader = _LineReader(body)
    while size := _chunk_size(await reader.line()):
        async for piece in reader.take(size):
            yield piece
        if await reader.line():
            raise _incomplete()
    while line := await reader.line():
        name, _, value = line.partition(":")
        trailers[name.strip().lower()] = value.strip()


class _LineReader:
    """Lines and counted bytes out of a stream of pieces."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._held = b""

    async def line(self) -> str:
        while b"\r\n" not in self._held:
            if not await self._more():
                line, self._held = self._held, b""
                return line.decode("ascii", "replace").strip()
        line, _, self._held = self._held.partition(b"\r\n")
        return line.decode("ascii", "replace")

    async def take(self, count: int) -> AsyncIterator[bytes]:
        while count > 0:
            if not self._held and not await self._more():
                raise _incomplete()
            piece, self._held = self._held[:count], self._held[count:]
            count -= len(piece)
            yield piece

    async def _more(self) -> bool:
        chunk = await anext(self._body, None)
        if chunk is None:
            return False
        self._held += chunk
        return True


def _chunk_size(line: str) -> int:
    try:
        return int(line.split(";", maxsplit=1)[0], 16)
    except ValueError as error:
        raise _incomplete() from error


def _incomplete() -> S3Refusal:
    return S3Refusal("IncompleteBody", "The request body terminated unexpectedly", 400)


def _check_length(request: S3Request, writer: ContentWriter) -> None:
    declared = request.header("x-amz-decoded-content-length")
    if declared is not None and int(declared) != writer._size:  # noqa: SLF001 - same module
        raise _incomplete()


def _promised_sha256(request: S3Request) -> str | None:
    declared = request.header("x-amz-content-sha256") or UNSIGNED
    return None if declared in (UNSIGNED, UNSIGNED_CHUNKS) else declared


def _check_sha256(request: S3Request, running: "hashlib._Hash | None") -> None:
    if running is not None and running.hexdigest() != _promised_sha256(request):
        raise S3Refusal("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' does not match.", 400)


def _check_md5(request: S3Request, actual: bytes) -> None:
    declared = request.header("content-md5")
    if declared is None:
        return
    try:
        expected = base64.b64decode(declared, validate=True)
    except binascii.Error as error:
        raise S3Refusal("InvalidDigest", "The Content-MD5 you specified was invalid.", 400) from error
    if expected != actual:
        raise S3Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.", 400)


def _check_checksums(promises: dict[str, str], running: dict[str, RunningChecksum]) -> None:
    for name, checksum in running.items():
        if promises.get(header_of(name)) != encoded(checksum.digest()):
            raise S3Refusal("BadDigest", f"The {name} you specified did not match the calculated checksum.", 400)
