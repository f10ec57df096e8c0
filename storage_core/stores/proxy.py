"""Files behind a Synapse file proxy, as a kind of storage: Synapse signs an address, the proxy checks it.

A proxy takes no uploads: its owner puts files behind it, and they are then registered (contract 4, 7.7).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

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
from storage_core.ports.catalog import Catalog
from storage_core.ports.clock import Clock
from storage_core.ports.transfers import ByteStore, Moved, untold
from storage_core.stores.addresses import PresignedAddresses
from storage_core.stores.store_type import StoreTools, StoreType
from storage_core.stores.web_reading import WebFacts, WebReader, cut

_RANGES_AT_ONCE = 4
_WHEN_REFUSED = (
    "The proxy does not accept what Synapse has signed: ask its owner whether its secret key is that of the storage"
    " location, and whether its clock is right."
)


class ProxyStore:
    """Implements `ports.transfers.ByteStore`. Addresses live 30 seconds and are asked for together."""

    def __init__(self, config: Config, catalog: Catalog, clock: Clock) -> None:
        self._addresses = PresignedAddresses(catalog, clock)
        self._reader = WebReader(config, when_refused=_WHEN_REFUSED)

    @property
    def limits(self) -> StoreLimits:
        """The reference proxy refuses ranges of a single byte, which `read` widens."""
        return StoreLimits(ranges_at_once=_RANGES_AT_ONCE)

    async def put(self, upload: Upload, moved: Moved = untold) -> Stored:  # noqa: ARG002 - the port's signature
        """Nobody can upload through a proxy."""
        raise UsageError(
            f"Nothing can be uploaded through the proxy of storage location {upload.destination.location_id}.",
            fix="Put the file behind the proxy by its own means, then run `synapse-storage register`.",
        )

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read from a fresh address; a reading that has begun goes on after the address has expired."""
        url = await self._addresses.of(readable)
        # to the reference proxy a range of one byte is none, so its neighbour comes along
        is_single = first_byte == last_byte
        begin = max(0, first_byte - 1) if is_single else first_byte
        end = begin + 1 if is_single else last_byte
        async with aclosing(self._reader.stream(url, begin, end)) as stream:
            content = (chunk async for chunk in stream if not isinstance(chunk, WebFacts))
            async with aclosing(cut(content, first_byte - begin, 1 if is_single else None)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def stat(self, readable: Readable) -> ObjectFacts:
        """The size that the proxy announces; its MD5 is what somebody claimed when registering."""
        facts = await self._reader.facts(await self._addresses.of(readable))
        if facts.size_bytes is None:
            raise TransferFailed("The proxy does not say how large the file is.", fix="Download it to see.")
        return ObjectFacts(size_bytes=facts.size_bytes)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._reader.aclose()


def _takes(_destination: UploadDestination, _wishes: TransferWishes) -> bool:
    return False


def _gives(handle: FileHandle, _facts: LocationFacts | None, _wishes: TransferWishes) -> bool:
    return handle.kind is HandleKind.PROXY


def _make(tools: StoreTools) -> ByteStore:
    return ProxyStore(tools.config, tools.catalog, tools.clock)


STORE_TYPE = StoreType(name="proxy", takes=_takes, gives=_gives, make=_make)
