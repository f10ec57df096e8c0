"""Moves files to and from S3 with borrowed keys that renew themselves, in the middle of a transfer too."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from datetime import timedelta
from functools import partial

from botocore.exceptions import ClientError

from storage_core.aws.borrowed import ENOUGH
from storage_core.aws.borrowed_clients import borrowed_client
from storage_core.aws.file_objects import LARGEST_OBJECT, FileObjects
from storage_core.aws.file_refusals import code_of
from storage_core.errors import SynapseStorageError, TransferBroken, UsageError
from storage_core.model.credentials import StsPermission
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import ObjectFacts, Readable, S3Object, StoreLimits, Upload
from storage_core.ports.transfers import Moved, untold
from storage_core.stores.store_type import StoreTools

_THREADS = 16
_RANGES_AT_ONCE = 8
_KEYS_ENDED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken"})
_FRESH = timedelta(days=1)
"""More life than any kept token has: asks for new ones."""

_Key = tuple[StorageLocationId, StsPermission]


class StsStore:
    """Implements `ports.transfers.ByteStore`. One Synapse call per location and hour.

    Keys reach the whole base key of a location, so the first entity that needs them asks for all files there.
    """

    def __init__(self, tools: StoreTools) -> None:
        self._tools = tools
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sts")
        self._buckets: dict[_Key, FileObjects] = {}
        self._refused: set[_Key] = set()
        self._opening = asyncio.Lock()

    @property
    def limits(self) -> StoreLimits:
        """S3's own; empty files are fine."""
        return StoreLimits(largest_bytes=LARGEST_OBJECT, ranges_at_once=_RANGES_AT_ONCE)

    async def put(self, upload: Upload, moved: Moved = untold) -> S3Object:
        """Store under ``base key/ticket/file name``; the bucket's owner gets full control."""
        to = upload.destination
        if not to.bucket:
            raise UsageError(f"Storage location {to.location_id} names no bucket.", fix="Look at the location.")
        base = (to.base_key or "").strip("/")
        key = "/".join(filter(None, (base, upload.ticket, upload.file_name)))
        which = (to.location_id, StsPermission.READ_WRITE)
        objects = await self._objects(which, to.entity_id, to.bucket)
        with self._renewed(which):
            await objects.put(key, upload.file, upload.content_type, moved)
        return S3Object(location_id=to.location_id, bucket=to.bucket, key=key)

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read with one request to S3."""
        which, objects = await self._readable(readable)
        with self._renewed(which):
            async with aclosing(objects.read(readable.handle.key or "", first_byte, last_byte)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def stat(self, readable: Readable) -> ObjectFacts:
        """The size; an ETag may be an MD5 or not, and S3 does not say."""
        which, objects = await self._readable(readable)
        with self._renewed(which):
            return ObjectFacts(size_bytes=await objects.size_of(readable.handle.key or ""))

    async def aclose(self) -> None:
        """Close the connections and let the threads go."""
        for objects in self._buckets.values():
            objects.close()
        self._buckets.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _readable(self, readable: Readable) -> tuple[_Key, FileObjects]:
        handle = readable.handle
        which = (handle.storage_location_id, StsPermission.READ_ONLY)
        return which, await self._objects(which, readable.association.object_id, handle.bucket or "")

    async def _objects(self, which: _Key, entity_id: EntityId, bucket: str) -> FileObjects:
        async with self._opening:
            if which not in self._buckets:
                at_least = _FRESH if which in self._refused else ENOUGH
                fetch = partial(self._tools.borrow_token, entity_id, which[1], at_least=at_least)
                client = await asyncio.get_running_loop().run_in_executor(
                    self._threads, partial(borrowed_client, fetch, connections=_THREADS)
                )
                self._buckets[which] = FileObjects(client, bucket, server="S3", threads=self._threads)
            return self._buckets[which]

    @contextmanager
    def _renewed(self, which: _Key) -> Iterator[None]:
        """Keys that S3 takes for ended although they should live (clocks differ): the next try borrows new ones."""
        try:
            yield
        except SynapseStorageError as error:
            cause = error.__cause__
            if not isinstance(cause, ClientError) or code_of(cause) not in _KEYS_ENDED:
                raise
            self._buckets.pop(which, None)
            self._refused.add(which)
            raise TransferBroken("The temporary keys ended too early.", fix="Run the same command again.") from error
