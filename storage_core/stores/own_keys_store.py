"""Moves files to and from S3-compatible stores with keys of the user's own.

The keys of ``endpoint/bucket`` are those of the AWS profile that the configuration file names for it; without one,
whatever every AWS tool finds in the environment.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from storage_core.aws.file_objects import LARGEST_OBJECT, FileObjects
from storage_core.aws.own_keys import client_for
from storage_core.config import Config, ObjectStoreProfile
from storage_core.errors import UsageError
from storage_core.model.transfers import ObjectFacts, ObjectStoreObject, Readable, StoreLimits, Upload
from storage_core.ports.transfers import Content, Moved, untold

_THREADS = 16
_RANGES_AT_ONCE = 4


class OwnKeysStore:
    """Implements `ports.transfers.ByteStore`. No Synapse call of its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="object-store")
        self._buckets: dict[tuple[str, str], FileObjects] = {}

    @property
    def limits(self) -> StoreLimits:
        """S3's own."""
        return StoreLimits(largest_bytes=LARGEST_OBJECT, ranges_at_once=_RANGES_AT_ONCE)

    async def put(self, upload: Upload, moved: Moved = untold) -> ObjectStoreObject:
        """Store under ``ticket/file name``, the way the existing client does with a number of the service's."""
        objects = await self._target(upload)
        await objects.put(_key_of(upload), upload.file, upload.content_type, moved)
        return ObjectStoreObject(location_id=upload.destination.location_id, key=_key_of(upload))

    async def pour(self, upload: Upload, content: Content, moved: Moved = untold) -> ObjectStoreObject:
        """The same with bytes from anywhere."""
        objects = await self._target(upload)
        await objects.pour(_key_of(upload), upload.file, content, upload.content_type, moved)
        return ObjectStoreObject(location_id=upload.destination.location_id, key=_key_of(upload))

    async def discard(self, upload: Upload) -> None:
        """Delete the object, and what was begun of it."""
        await (await self._target(upload)).discard(_key_of(upload))

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read with one request."""
        handle = readable.handle
        objects = await self._objects(handle.endpoint_url, handle.bucket)
        async with aclosing(objects.read(handle.key or "", first_byte, last_byte)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def stat(self, readable: Readable) -> ObjectFacts:
        """The size; an ETag may be an MD5 or not, and the store does not say."""
        handle = readable.handle
        objects = await self._objects(handle.endpoint_url, handle.bucket)
        return ObjectFacts(size_bytes=await objects.size_of(handle.key or ""))

    async def aclose(self) -> None:
        """Close the connections and let the threads go."""
        for objects in self._buckets.values():
            objects.close()
        self._buckets.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _target(self, upload: Upload) -> FileObjects:
        return await self._objects(upload.destination.endpoint_url, upload.destination.bucket)

    async def _objects(self, endpoint_url: str | None, bucket: str | None) -> FileObjects:
        if not endpoint_url or not bucket:
            raise UsageError(
                "The object store has no address or no bucket.", fix="Look at its storage location, or file handle."
            )
        place = (endpoint_url.rstrip("/"), bucket)
        if place not in self._buckets:
            # two at once make two clients, and the second is kept: harmless
            client = await asyncio.to_thread(
                client_for,
                place[0],
                bucket,
                profile=profile_for(self._config.object_store_profiles, *place),
                connections=_THREADS,
                connect_seconds=self._config.connect_seconds,
            )
            self._buckets[place] = FileObjects(client, bucket, server=place[0], threads=self._threads)
        return self._buckets[place]


def _key_of(upload: Upload) -> str:
    return f"{upload.ticket}/{upload.file_name}"


def profile_for(profiles: Sequence[ObjectStoreProfile], endpoint_url: str, bucket: str) -> str | None:
    """The AWS profile of a bucket, whose section is called by its endpoint and name."""
    wanted = f"{endpoint_url.rstrip('/')}/{bucket}"
    return next((one.profile_name for one in profiles if one.url.rstrip("/") == wanted), None)
