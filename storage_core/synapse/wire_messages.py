"""Messages: JSON and records (contract 11)."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage_core.model.ids import FileHandleId, PrincipalId
from storage_core.model.messages import Principal
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields
from storage_core.synapse.wire_handles import PREFIX

_SMALLEST_PART_BYTES = 5 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """What is said about a text that is to be uploaded; it fits into one part."""

    name: str
    md5: str
    size_bytes: int


def aliases(names: Sequence[str]) -> JsonObject:
    """Ask who has these names."""
    return {"list": list(names)}


def read_principals(answer: Answer) -> tuple[Principal, ...]:
    """Read headers of users and teams."""
    return tuple(
        Principal(id=PrincipalId(one.id("ownerId")), name=one.optional_text("userName") or "")
        for one in Fields.of(answer).inners("list")
    )


def text_start(file: TextFile) -> JsonObject:
    """Ask Synapse to take a plain text into its own storage."""
    return {
        "concreteType": f"{PREFIX}MultipartUploadRequest",
        "fileName": file.name,
        "contentType": "text/plain; charset=utf-8",
        "contentMD5Hex": file.md5,
        "fileSizeBytes": file.size_bytes,
        "partSizeBytes": max(_SMALLEST_PART_BYTES, file.size_bytes),
        "generatePreview": False,
    }


def message(recipients: Sequence[PrincipalId], subject: str, body: FileHandleId) -> JsonObject:
    """A message whose text is a file."""
    return {"recipients": list(recipients), "subject": subject, "fileHandleId": body}
