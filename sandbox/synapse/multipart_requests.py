"""Start requests of multipart uploads and copies: the fields and limits that are checked first (contract 8.1)."""

import re
from dataclasses import dataclass

from sandbox.synapse.associations import Association, association_in
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.locations import DEFAULT_LOCATION_ID
from sandbox.synapse.multipart import LARGEST_PART_BYTES, SMALLEST_PART_BYTES, count_parts, hash_of_request

_PREFIX = "org.sagebionetworks.repo.model.file."
UPLOAD_REQUEST = _PREFIX + "MultipartUploadRequest"
COPY_REQUEST = _PREFIX + "MultipartUploadCopyRequest"

_COMMON_FIELDS = ("partSizeBytes", "storageLocationId", "fileName", "generatePreview")
_UPLOAD_FIELDS = (*_COMMON_FIELDS, "contentMD5Hex", "fileSizeBytes", "contentType")
_COPY_FIELDS = (*_COMMON_FIELDS, "sourceFileHandleAssociation")
_FILE_NAME = re.compile(r"[A-Za-z0-9 ,_.\-+'()]{1,256}")
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """A valid request to upload bytes."""

    request_hash: str
    file_name: str
    content_type: str | None
    md5: str
    size_bytes: int
    part_size_bytes: int
    location_id: int
    wants_preview: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRequest:
    """A valid request to copy the object of a file handle. No file name means the source's."""

    request_hash: str
    source: Association
    file_name: str | None
    part_size_bytes: int
    location_id: int
    wants_preview: bool


def read_start_request(body: Json) -> UploadRequest | CopyRequest:
    """The request by its class; an upload when no class is named. 400 for anything missing or out of its limits."""
    match body.get("concreteType") or UPLOAD_REQUEST:
        case name if name == UPLOAD_REQUEST:
            return _read_upload(body)
        case name if name == COPY_REQUEST:
            return _read_copy(body)
        case name:
            raise Refused(400, f"Unknown multipart request: {name}")


def require_file_name(name: object) -> str:
    """400 unless the name is one that an entity could have (contract 6.7)."""
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise Refused(
            400,
            f"Invalid name: '{name}'. Names may only contain: letters, numbers, spaces, underscores, hyphens, "
            "periods, plus signs, apostrophes, commas and parentheses",
        )
    return name


def require_md5(value: object) -> str:
    """400 unless the value is an MD5 in hexadecimal digits."""
    if not isinstance(value, str) or not _MD5.fullmatch(value):
        raise Refused(400, "An MD5 of 32 hexadecimal digits is required")
    return value


def _read_upload(body: Json) -> UploadRequest:
    size_bytes = _number(body, "fileSizeBytes")
    part_size_bytes = _number(body, "partSizeBytes")
    count_parts(size_bytes, part_size_bytes)
    return UploadRequest(
        request_hash=_identity(UPLOAD_REQUEST, body, _UPLOAD_FIELDS),
        file_name=require_file_name(body.get("fileName")),
        content_type=body.get("contentType"),
        md5=require_md5(body.get("contentMD5Hex")),
        size_bytes=size_bytes,
        part_size_bytes=part_size_bytes,
        location_id=DEFAULT_LOCATION_ID
        if body.get("storageLocationId") is None
        else _number(body, "storageLocationId"),
        wants_preview=body.get("generatePreview") is not False,
    )


def _read_copy(body: Json) -> CopyRequest:
    source = association_in(body.get("sourceFileHandleAssociation"))
    part_size_bytes = _number(body, "partSizeBytes")
    if not SMALLEST_PART_BYTES <= part_size_bytes <= LARGEST_PART_BYTES:
        raise Refused(400, f"Part size must be between {SMALLEST_PART_BYTES} and {LARGEST_PART_BYTES} bytes")
    return CopyRequest(
        request_hash=_identity(COPY_REQUEST, body, _COPY_FIELDS),
        source=source,
        file_name=None if body.get("fileName") is None else require_file_name(body["fileName"]),
        part_size_bytes=part_size_bytes,
        location_id=_number(body, "storageLocationId"),
        wants_preview=body.get("generatePreview") is not False,
    )


def _identity(concrete_type: str, body: Json, names: tuple[str, ...]) -> str:
    return hash_of_request({"concreteType": concrete_type} | {name: body.get(name) for name in names})


def _number(body: Json, name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
        raise Refused(400, f"{name} is required and must be a number")
    return int(value)
