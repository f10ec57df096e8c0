"""Addresses on the web, as a kind of storage: read, never written (the service knows no upload to them)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import urlsplit

from storage_core.config import Config
from storage_core.errors import TransferFailed, UsageError
from storage_core.model.destinations import LocationFacts
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.transfers import (
    ObjectFacts,
    Readable,
    Stored,
    StoreLimits,
    TransferWishes,
    Upload,
    UploadDestination,
)
from storage_core.ports.transfers import ByteStore, Moved, untold
from storage_core.stores.store_type import StoreTools, StoreType
from storage_core.stores.web_reading import WebFacts, WebReader

_RANGES_AT_ONCE = 4
_MOST_REMEMBERED = 10_000


class WebStore:
    """Implements `ports.transfers.ByteStore` for external file handles. No Synapse call of its own."""

    def __init__(self, config: Config) -> None:
        self._reader = WebReader(
            config, when_refused="Ask its owner for the right to read it; who may is decided there, not by Synapse."
        )
        self._versions: dict[str, str | None] = {}

    @property
    def limits(self) -> StoreLimits:
        """Servers without ranges send everything, of which we pass over what was not asked for."""
        return StoreLimits(ranges_at_once=_RANGES_AT_ONCE)

    async def put(self, upload: Upload, moved: Moved = untold) -> Stored:  # noqa: ARG002 - the port's signature
        """Nobody can upload to a web address."""
        raise UsageError(
            f"Nothing can be uploaded to {upload.destination.url}.",
            fix="Put the file there by other means, then run `synapse-storage register`.",
        )

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read with one request. What begins in the middle is of the version that was met before, or fails."""
        url = _address(readable)
        version = self._versions.get(url) if first_byte else None
        stream = self._reader.stream(url, first_byte, last_byte, version=version)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, WebFacts):
                    self._remember(url, chunk)
                else:
                    yield chunk

    async def stat(self, readable: Readable) -> ObjectFacts:
        """The size that the server announces."""
        url = _address(readable)
        facts = await self._reader.facts(url)
        if facts.size_bytes is None:
            raise TransferFailed(f"{url} does not say how large it is.", fix="Download it to see.")
        return ObjectFacts(size_bytes=facts.size_bytes)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._reader.aclose()

    def _remember(self, url: str, facts: WebFacts) -> None:
        if len(self._versions) >= _MOST_REMEMBERED:
            self._versions.pop(next(iter(self._versions)))
        self._versions[url] = facts.version


def _address(readable: Readable) -> str:
    return readable.handle.url or ""


def _takes(_destination: UploadDestination, _wishes: TransferWishes) -> bool:
    return False


def _gives(handle: FileHandle, _facts: LocationFacts | None, _wishes: TransferWishes) -> bool:
    scheme = urlsplit(handle.url or "").scheme.lower()
    return handle.kind is HandleKind.EXTERNAL_URL and scheme in {"http", "https"}


def _make(tools: StoreTools) -> ByteStore:
    return WebStore(tools.config)


STORE_TYPE = StoreType(name="web", takes=_takes, gives=_gives, make=_make)
