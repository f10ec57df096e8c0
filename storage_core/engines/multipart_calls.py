"""What the synapse engine needs of the service and of S3 for a multipart copy; `synapse.endpoints` provides it."""

from collections.abc import Sequence
from typing import Protocol

from storage_core.model.copies import CopyRequest, PartPlan
from storage_core.model.ids import UploadId
from storage_core.synapse.presigned import PartCopied, S3Refused
from storage_core.synapse.wire_multipart import MultipartStart, PartAdded, PartNotAdded, PresignedPart


class MultipartCalls(Protocol):
    """The four calls. Each may be repeated blindly (contract 13.6), and the transport has done so already."""

    async def start_copy(
        self, *, request: CopyRequest, parts: PartPlan, force_restart: bool = False, file_name: str | None = None
    ) -> MultipartStart:
        """Begin, continue, or meet the finished result of an earlier identical request."""
        ...

    async def presign(self, *, upload_id: UploadId, numbers: Sequence[int]) -> tuple[PresignedPart, ...]:
        """Sign parts, in the order asked for."""
        ...

    async def add_part(self, *, upload_id: UploadId, number: int, md5: str) -> PartAdded | PartNotAdded:
        """Tell the service of a part by the ETag S3 gave it."""
        ...

    async def complete(self, *, upload_id: UploadId) -> MultipartStart:
        """Make the object and its handle. BadRequest for every trouble in S3, passing ones included."""
        ...


class PartSender(Protocol):
    """Has S3 copy one part. What S3 or the line did comes back as a value."""

    async def copy_part(self, url: str, headers: Sequence[tuple[str, str]]) -> PartCopied | S3Refused:
        """The part's ETag, from a body that was parsed: S3 may answer 200 with an error inside (contract 8.5)."""
        ...
