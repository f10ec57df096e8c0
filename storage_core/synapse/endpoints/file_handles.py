"""File handles: batches, presigned addresses, registration of objects that already lie in a bucket (contract 7)."""

from collections.abc import Sequence
from urllib.parse import quote

from storage_core.model.handles import Association, FileHandle, HandleAnswer
from storage_core.model.ids import FileHandleId, StorageLocationId
from storage_core.synapse import wire_handles
from storage_core.synapse.calls import Base, RestCall, Shape
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_fields import Fields

MOST_PER_BATCH = 100


class FileHandles:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def batch(self, *, associations: Sequence[Association], with_urls: bool) -> tuple[HandleAnswer, ...]:
        """At most 100 handles in request order (contract 7.3). Repeat-safe: it reads.

        Presigned addresses live 30 seconds. BadRequest or NotFound when one entry is malformed: nobody gets any.
        """
        body = wire_handles.batch_request(associations, with_urls=with_urls)
        call = RestCall(method="POST", base=Base.FILE, path="/fileHandle/batch", body=body, repeat_safe=True)
        return wire_handles.read_batch(await self._transport.send(call), associations)

    async def get(self, *, handle_id: FileHandleId) -> FileHandle:
        """A handle of the caller's own; Forbidden for others (contract 7.4). Repeat-safe: it reads."""
        call = RestCall(method="GET", base=Base.FILE, path=_path(handle_id), repeat_safe=True)
        return wire_handles.read_handle(Fields.of(await self._transport.send(call)))

    async def presigned_url(self, *, handle_id: FileHandleId) -> str:
        """Where the caller's own handle can be downloaded for 30 seconds (contract 7.4). Repeat-safe: it reads."""
        call = RestCall(
            method="GET",
            base=Base.FILE,
            path=f"{_path(handle_id)}/url",
            query=(("redirect", "false"),),
            repeat_safe=True,
            shape=Shape.TEXT,
        )
        return (await self._transport.send(call)).text

    async def register_s3(
        self,
        *,
        location_id: StorageLocationId,
        bucket: str,
        key: str,
        source: FileHandle,
        is_repeat: bool = False,
    ) -> FileHandle:
        """Make a handle for an object that lies in a bucket of the caller's own location (contract 7.6).

        MD5, name and type are *source*'s and believed unseen, so the bytes are to be proven. The size is left out:
        then the service asks S3 for it, and the handle tells how large the object really is.

        AnswerLost when it may have been made. A repeat makes a second record of the same object, and either may be
        used (contract 13.6); *is_repeat* says that this is known. It has read-only windows ridden out, in which nothing
        is made; it is not sent again after a fault or a lost answer, each of which may leave one more (ServerFault).
        """
        body = wire_handles.s3_registration(location_id=location_id, bucket=bucket, key=key, source=source)
        call = RestCall(
            method="POST",
            base=Base.FILE,
            path="/externalFileHandle/s3",
            body=body,
            repeat_safe=is_repeat,
            faults_at_most=1,
        )
        return wire_handles.read_handle(Fields.of(await self._transport.send(call)))

    async def copy_records(self, *, associations: Sequence[Association]) -> tuple[HandleAnswer, ...]:
        """New records of the caller's own for at most 100 objects, in request order (contract 7.5).

        Not repeat-safe: a repeat makes more records, so a lost answer is AnswerLost.
        """
        body = wire_handles.copy_records_request(associations)
        call = RestCall(method="POST", base=Base.FILE, path="/filehandles/copy", body=body, repeat_safe=False)
        return wire_handles.read_copied_records(await self._transport.send(call), associations)


def _path(handle_id: FileHandleId) -> str:
    return f"/fileHandle/{quote(handle_id, safe='')}"
