"""Multipart copies: JSON and records (contract 8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.copies import CopyRequest, PartPlan
from storage_core.model.ids import FileHandleId, StorageLocationId, UploadId
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields, nonsense
from storage_core.synapse.wire_handles import PREFIX, association_json


class MultipartState(StrEnum):
    """There is no failed and no expired state (contract 8.2)."""

    UPLOADING = "UPLOADING"
    COMPLETED = "COMPLETED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipartStart:
    """Where an upload stands.

    Attributes:
        parts_added: one claim per part, in order: was it added?
        result: the new handle, when COMPLETED.
    """

    upload_id: UploadId
    state: MultipartState
    parts_added: tuple[bool, ...]
    result: FileHandleId | None = None

    @property
    def missing_parts(self) -> tuple[int, ...]:
        """Numbers, from 1, of the parts that still have to be added."""
        return tuple(number for number, added in enumerate(self.parts_added, 1) if not added)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PresignedPart:
    """Where and how to send one part; lives 15 minutes. A credential: its repr shows the number only."""

    number: int
    url: str
    headers: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"PresignedPart(number={self.number})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAdded:
    """Synapse took note of the part."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartNotAdded:
    """Synapse did not; send the part once more, then add it again."""

    number: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStart:
    """What a plain upload is known by: the same request of the same user is the same upload (contract 8.3)."""

    file_name: str
    content_type: str
    md5: str
    location_id: StorageLocationId
    parts: PartPlan

    @property
    def body(self) -> JsonObject:
        """The request (contract 8.1)."""
        return {
            "concreteType": f"{PREFIX}MultipartUploadRequest",
            "fileName": self.file_name,
            "contentType": self.content_type,
            "contentMD5Hex": self.md5,
            "fileSizeBytes": self.parts.size_bytes,
            "partSizeBytes": self.parts.part_size_bytes,
            "storageLocationId": self.location_id,
            "generatePreview": True,
        }


def copy_start(request: CopyRequest, parts: PartPlan, *, file_name: str | None) -> JsonObject:
    """Ask Synapse to copy a handle. Every field counts for recognising a repeat (contract 8.3), so none varies."""
    body: JsonObject = {
        "concreteType": f"{PREFIX}MultipartUploadCopyRequest",
        "sourceFileHandleAssociation": association_json(request.association),
        "partSizeBytes": parts.part_size_bytes,
        "storageLocationId": request.destination,
        "generatePreview": False,
    }
    return body if file_name is None else {**body, "fileName": file_name}


def read_start(answer: Answer) -> MultipartStart:
    """Read a status object."""
    fields = Fields.of(answer)
    state_text = fields.text("state")
    state = MultipartState(state_text) if state_text in set(MultipartState) else MultipartState.UNKNOWN
    result = fields.optional_id("resultFileHandleId")
    if state is MultipartState.COMPLETED and result is None:
        raise nonsense(answer.call, "a completed upload has no result handle")
    return MultipartStart(
        upload_id=UploadId(fields.id("uploadId")),
        state=state,
        parts_added=tuple(mark == "1" for mark in fields.optional_text("partsState") or ""),
        result=FileHandleId(result) if result else None,
    )


def presign_request(upload_id: UploadId, numbers: Sequence[int]) -> JsonObject:
    """Ask for the addresses of parts."""
    return {"uploadId": upload_id, "partNumbers": list(numbers)}


def read_presigned(answer: Answer, numbers: Sequence[int]) -> tuple[PresignedPart, ...]:
    """Read the addresses, in the order of *numbers*."""
    found = {part.number: part for part in map(_presigned, Fields.of(answer).inners("partPresignedUrls"))}
    if missing := [number for number in numbers if number not in found]:
        raise nonsense(answer.call, f"part {missing[0]} has no address")
    return tuple(found[number] for number in numbers)


def _presigned(fields: Fields) -> PresignedPart:
    signed = fields.optional_inner("signedHeaders")
    headers = () if signed is None else tuple((name, signed.text(name)) for name in signed.raw)
    return PresignedPart(number=fields.whole("partNumber"), url=fields.text("uploadPresignedUrl"), headers=headers)


def read_added(answer: Answer) -> PartAdded | PartNotAdded:
    """Read whether a part was added; a failure comes with a success status, too (contract 8.6)."""
    fields = Fields.of(answer)
    number = fields.whole("partNumber")
    if fields.text("addPartState") == "ADD_SUCCESS":
        return PartAdded(number=number)
    return PartNotAdded(number=number, detail=fields.optional_text("errorMessage") or "no reason was given")
