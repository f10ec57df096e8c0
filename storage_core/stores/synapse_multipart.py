"""S3 and Google Cloud through Synapse: it signs addresses, and the bytes go straight to the bucket (contract 8).

The service keeps the state of an upload and knows it by its request, so nothing has to be remembered here: an upload
that was killed is found again by asking for the same.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from weakref import WeakValueDictionary

from storage_core.errors import BadRequest, TransferBroken, TransferFailed
from storage_core.local_files.reading import LocalContent
from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.transfers import (
    MadeHandle,
    ObjectFacts,
    Readable,
    StoreLimits,
    TransferWishes,
    Upload,
    UploadDestination,
)
from storage_core.plan.upload_parts import plan_upload_parts
from storage_core.ports.transfers import Content, Moved, untold
from storage_core.stores.addresses import PresignedAddresses
from storage_core.stores.part_sending import PARTS_AT_ONCE, PartSending, PartWork, UploadGoneError
from storage_core.stores.store_type import StoreTools, StoreType
from storage_core.synapse.presigned import S3Refused, S3Trouble
from storage_core.synapse.wire_multipart import MultipartStart, UploadStart

_RANGES_AT_ONCE = 8
_PAUSE_SECONDS = 1.0
_NO_REPEAT_HELPS = frozenset({S3Trouble.NO_SUCH_OBJECT, S3Trouble.REFUSED})


class SynapseMultipart:
    """Implements `ports.transfers.ByteStore`. Four calls for a file of one part, one to read one."""

    def __init__(self, tools: StoreTools) -> None:
        self._tools = tools
        self._calls = tools.multipart
        self._part_limits = tools.part_limits
        self._parts = PartSending(tools.multipart, tools.sender, tools.clock, tools.s3_slots)
        self._addresses = PresignedAddresses(tools.catalog, tools.clock)
        self._guards: WeakValueDictionary[UploadStart, asyncio.Lock] = WeakValueDictionary()

    @property
    def limits(self) -> StoreLimits:
        """The service cuts nothing into parts that has no bytes (contract 8.1)."""
        return StoreLimits(
            smallest_bytes=1,
            largest_bytes=self._part_limits.largest_file_bytes,
            ranges_at_once=_RANGES_AT_ONCE,
            needs_tickets=False,
            part_size_of=self._part_size,
        )

    def _part_size(self, size_bytes: int) -> int | None:
        if not 1 <= size_bytes <= self._part_limits.largest_file_bytes:
            return None
        return plan_upload_parts(size_bytes, limits=self._part_limits).part_size_bytes

    async def put(self, upload: Upload, moved: Moved = untold) -> MadeHandle:
        """Send what the service does not have yet of it; it checks every part.

        The same content under the same name at the same location is one upload, and one handle, however often it
        is asked for; the ticket says nothing here.
        """
        content = LocalContent(upload.file)
        try:
            return await self._store(upload, _Way(content, moved))
        except TransferFailed:
            # a part that the service refuses may be one to which somebody wrote meanwhile
            await content.require_unchanged()
            raise

    async def pour(self, upload: Upload, content: Content, moved: Moved = untold) -> MadeHandle:
        """The same with bytes that can only be read in order: all parts are sent, those that are there included."""
        return await self._store(upload, _Way(content, moved, in_order=True))

    async def discard(self, upload: Upload) -> None:
        """Have the service forget it; what it begins instead holds no bytes, and a repeat goes on with that."""
        await self._started(self._start_of(upload), force_restart=True)

    async def _store(self, upload: Upload, way: "_Way") -> MadeHandle:
        start = self._start_of(upload)
        # two at once would send the same parts, and the service takes each only once (contract 8.6)
        guard = self._guards.setdefault(start, asyncio.Lock())
        async with guard:
            return await self._put(start, upload, way)

    def _start_of(self, upload: Upload) -> UploadStart:
        return UploadStart(
            file_name=upload.file_name,
            content_type=upload.content_type,
            md5=upload.file.md5,
            location_id=upload.destination.location_id,
            parts=plan_upload_parts(upload.file.size_bytes, limits=self._part_limits),
        )

    async def _put(self, start: UploadStart, upload: Upload, way: "_Way") -> MadeHandle:
        why = ""
        for force_restart in (False, True):
            try:
                return await self._bring(start, upload, way, force_restart=force_restart)
            except UploadGoneError as error:
                why = str(error)
        raise TransferBroken(
            f"The upload of {upload.file.path} was lost twice: {why}.", fix="Run the same command again."
        )

    async def _bring(self, start: UploadStart, upload: Upload, way: "_Way", *, force_restart: bool) -> MadeHandle:
        status = await self._started(start, force_restart=force_restart)
        _require_all_parts(status, start)
        work = PartWork(upload_id=status.upload_id, file=upload.file, content=way.content, plan=start.parts)
        every = range(1, start.parts.count + 1)
        to_send = every if way.in_order and status.result is None else status.missing_parts
        way.moved(sum(work.size_of(number) for number in set(every).difference(to_send)))
        if status.result is not None:
            return MadeHandle(handle_id=status.result)
        await self._parts.send(work, to_send, way.moved, at_once=1 if way.in_order else PARTS_AT_ONCE)
        await way.content.require_unchanged()
        return await self._completed(status, start, upload)

    async def _started(self, start: UploadStart, *, force_restart: bool) -> MultipartStart:
        try:
            return await self._calls.start_upload(start=start, force_restart=force_restart)
        except BadRequest:
            # another process may have begun the very same at this moment (contract 8.3); what is really wrong
            # is refused again
            await self._tools.clock.sleep(_PAUSE_SECONDS)
            return await self._calls.start_upload(start=start)

    async def _completed(self, status: MultipartStart, start: UploadStart, upload: Upload) -> MadeHandle:
        """Join the parts; S3's passing troubles arrive as 400, too, so that is believed the second time only."""
        try:
            done = await self._calls.complete(upload_id=status.upload_id)
        except BadRequest:
            await self._tools.clock.sleep(_PAUSE_SECONDS)
            done = await self._completed_at_last(status, start)
        if done.result is None:
            raise TransferBroken(f"The upload of {upload.file.path} did not finish.", fix="Run the same command again.")
        return MadeHandle(handle_id=done.result)

    async def _completed_at_last(self, status: MultipartStart, start: UploadStart) -> MultipartStart:
        try:
            return await self._calls.complete(upload_id=status.upload_id)
        except BadRequest as error:
            again = await self._calls.start_upload(start=start)
            if again.result is not None:
                return again
            raise UploadGoneError(error.reason) from error

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read from a fresh presigned address; it lives 30 seconds, and a reading that has begun goes on."""
        # the slot first: the address would run out while it waited for one
        async with self._tools.s3_slots:
            url = await self._addresses.of(readable)
            stream = self._tools.sender.stream_object(url, first_byte=first_byte, last_byte=last_byte)
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, S3Refused):
                        self._addresses.forget(readable)
                        raise _unread(readable, chunk)
                    yield chunk

    async def stat(self, readable: Readable) -> ObjectFacts:
        """What Synapse recorded; presigned addresses allow no look at the object itself (contract 7.3)."""
        handle = readable.handle
        if handle.size_bytes is None:
            raise TransferFailed(f"File handle {handle.id} has no size.", fix="Download it to see how large it is.")
        return ObjectFacts(size_bytes=handle.size_bytes, md5=handle.md5)

    async def aclose(self) -> None:
        """Nothing is its own."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How the bytes of one upload come: from where, who is told, and whether only one after the other."""

    content: Content
    moved: Moved
    in_order: bool = False


def _require_all_parts(status: MultipartStart, start: UploadStart) -> None:
    if len(status.parts_added) != start.parts.count:
        # contract 8.1: a service that counts otherwise would join too little
        raise TransferFailed(
            f"Synapse expects {len(status.parts_added)} parts where there are {start.parts.count}.",
            fix="Report this; nothing was stored.",
        )


def _unread(readable: Readable, refused: S3Refused) -> TransferFailed:
    what = f"The bytes of file handle {readable.handle.id} could not be read: {refused.detail}."
    if refused.trouble in _NO_REPEAT_HELPS:
        return TransferFailed(what, fix="Ask the owner of the storage location whether the object is still there.")
    return TransferBroken(what, fix="Run the same command again; it goes on where this ended.")


_UPLOADS = frozenset({LocationKind.SYNAPSE_S3, LocationKind.EXTERNAL_S3, LocationKind.EXTERNAL_GOOGLE_CLOUD})
_DOWNLOADS = frozenset({HandleKind.S3, HandleKind.GOOGLE_CLOUD})


def _takes(destination: UploadDestination, _wishes: TransferWishes) -> bool:
    return destination.kind in _UPLOADS


def _gives(handle: FileHandle, _facts: LocationFacts | None, _wishes: TransferWishes) -> bool:
    return handle.kind in _DOWNLOADS


STORE_TYPE = StoreType(name="synapse", takes=_takes, gives=_gives, make=SynapseMultipart)
