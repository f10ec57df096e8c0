"""A place that takes and gives bytes, in memory. Breaks where it is told to."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from storage_core.errors import SourceChanged, TransferBroken, TransferFailed
from storage_core.model.transfers import AddressedFile, ObjectFacts, Readable, StoreLimits, Upload
from storage_core.ports.transfers import Content, Moved, untold

CHUNK = 1 << 20


@dataclass
class MemoryStore:
    """Objects by address; uploads become ``memory://location/ticket/name``.

    Attributes:
        breaks_after: byte positions at which a reading breaks, each once.
        refuses_puts: how many uploads break before one succeeds.
        puts: uploads that arrived.
    """

    limits: StoreLimits = field(default_factory=StoreLimits)
    objects: dict[str, bytes] = field(default_factory=dict)
    breaks_after: list[int] = field(default_factory=list)
    refuses_puts: int = 0
    puts: int = 0
    is_closed: bool = False

    async def put(self, upload: Upload, moved: Moved = untold) -> AddressedFile:
        """Store the file under an address that is the same for the same ticket."""
        if self.refuses_puts:
            self.refuses_puts -= 1
            raise TransferBroken("The line broke.", fix="Try again.")
        content = Path(upload.file.path).read_bytes()  # noqa: ASYNC240 - a fake, small files
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != upload.file.md5:
            raise SourceChanged(f"{upload.file.path} changed.", fix="Try again.")
        location = upload.destination.location_id
        address = f"memory://{location}/{upload.ticket}/{upload.file_name}"
        self.objects[address] = content
        self.puts += 1
        moved(len(content))
        return AddressedFile(url=address, location_id=location)

    async def pour(self, upload: Upload, content: Content, moved: Moved = untold) -> AddressedFile:
        """Store what comes, in two stretches; what is there already is met."""
        location, file = upload.destination.location_id, upload.file
        stored = AddressedFile(url=f"memory://{location}/{upload.ticket}/{upload.file_name}", location_id=location)
        if len(self.objects.get(stored.url, b"")) == file.size_bytes:
            return stored
        middle, gathered = file.size_bytes // 2, b""
        for first, end in ((0, middle), (middle, file.size_bytes)):
            async with aclosing(content.reading(first, end - first, moved).chunks()) as chunks:
                gathered += b"".join([chunk async for chunk in chunks])
            if self.refuses_puts:
                self.refuses_puts -= 1
                raise TransferBroken("The line broke.", fix="Try again.")
        await content.require_unchanged()
        self.objects[stored.url] = gathered
        self.puts += 1
        return stored

    async def discard(self, upload: Upload) -> None:
        """Forget it."""
        self.objects.pop(f"memory://{upload.destination.location_id}/{upload.ticket}/{upload.file_name}", None)

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The bytes, until a planned break."""
        content = self._content(readable)
        end = len(content) if last_byte is None else last_byte + 1
        at = first_byte
        while at < end:
            stop = min(end, at + CHUNK)
            due = sorted(one for one in self.breaks_after if at <= one < stop)
            if due:
                self.breaks_after.remove(due[0])
                if due[0] > at:
                    yield content[at : due[0]]
                raise TransferBroken("The line broke.", fix="Try again.")
            yield content[at:stop]
            at = stop

    async def stat(self, readable: Readable) -> ObjectFacts:
        """Size and MD5."""
        content = self._content(readable)
        return ObjectFacts(size_bytes=len(content), md5=hashlib.md5(content, usedforsecurity=False).hexdigest())

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True

    def _content(self, readable: Readable) -> bytes:
        address = readable.handle.url or ""
        if address not in self.objects:
            raise TransferFailed(f"There is nothing at {address}.", fix="Correct the address.")
        return self.objects[address]
