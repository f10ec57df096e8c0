"""Multipart uploads and copies run by Synapse (contract 8)."""

from collections.abc import Sequence
from urllib.parse import quote

from storage_core.model.copies import CopyRequest, PartPlan
from storage_core.model.ids import UploadId
from storage_core.synapse import wire_multipart
from storage_core.synapse.calls import Base, RestCall
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_multipart import MultipartStart, PartAdded, PartNotAdded, PresignedPart, UploadStart

_COMPLETE_SECONDS = 900.0


class Multipart:
    """One method, one call. All are repeat-safe by contract 13.6."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def start_copy(
        self, *, request: CopyRequest, parts: PartPlan, force_restart: bool = False, file_name: str | None = None
    ) -> MultipartStart:
        """Begin a copy, continue one, or learn that it is done: the same request finds the same upload (contract 8.3).

        *force_restart* forgets the earlier upload. Give *file_name* only when the source's name is refused.
        """
        query = (("forceRestart", "true" if force_restart else "false"),)
        body = wire_multipart.copy_start(request, parts, file_name=file_name)
        # a repeat of a forced restart makes one more upload and abandons the one before: no bytes were sent yet
        call = RestCall(method="POST", base=Base.FILE, path="/file/multipart", query=query, body=body, repeat_safe=True)
        return wire_multipart.read_start(await self._transport.send(call))

    async def start_upload(self, *, start: UploadStart, force_restart: bool = False) -> MultipartStart:
        """Begin a plain upload, continue one, or learn that it is done; see `start_copy`."""
        query = (("forceRestart", "true" if force_restart else "false"),)
        call = RestCall(
            method="POST", base=Base.FILE, path="/file/multipart", query=query, body=start.body, repeat_safe=True
        )
        return wire_multipart.read_start(await self._transport.send(call))

    async def presign(self, *, upload_id: UploadId, numbers: Sequence[int]) -> tuple[PresignedPart, ...]:
        """Addresses of any number of parts, in that order, good for 15 minutes (contract 8.5)."""
        body = wire_multipart.presign_request(upload_id, numbers)
        call = RestCall(
            method="POST", base=Base.FILE, path=f"{_path(upload_id)}/presigned/url/batch", body=body, repeat_safe=True
        )
        return wire_multipart.read_presigned(await self._transport.send(call), numbers)

    async def add_part(self, *, upload_id: UploadId, number: int, md5: str) -> PartAdded | PartNotAdded:
        """Tell Synapse the ETag S3 gave for a part (contract 8.6). A copied part's is checked on completion only."""
        call = RestCall(
            method="PUT",
            base=Base.FILE,
            path=f"{_path(upload_id)}/add/{number}",
            query=(("partMD5Hex", md5),),
            repeat_safe=True,
        )
        return wire_multipart.read_added(await self._transport.send(call))

    async def complete(self, *, upload_id: UploadId) -> MultipartStart:
        """Join the parts (contract 8.7). BadRequest also for S3's passing troubles: repeat once, then start again."""
        call = RestCall(
            method="PUT",
            base=Base.FILE,
            path=f"{_path(upload_id)}/complete",
            repeat_safe=True,
            read_seconds=_COMPLETE_SECONDS,
        )
        return wire_multipart.read_start(await self._transport.send(call))


def _path(upload_id: UploadId) -> str:
    return f"/file/multipart/{quote(upload_id, safe='')}"
