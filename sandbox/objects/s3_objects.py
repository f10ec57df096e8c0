"""Operations on single objects: read, write, copy, delete, describe."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime

from sandbox.objects import refusals, s3_xml
from sandbox.objects.access import Action
from sandbox.objects.checksums import (
    COMPOSITE,
    DEFAULT_ALGORITHM,
    FULL_OBJECT,
    header_of,
    object_checksum,
    part_checksums,
)
from sandbox.objects.contents import Content
from sandbox.objects.payloads import receive_payload
from sandbox.objects.records import LARGEST_COPY_BYTES, StoredObject
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.s3_calls import S3Call, attributes_of, check_conditions
from sandbox.objects.s3_http import S3Answer, xml_answer

QUICKLY_SUMMED_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_OVERRIDES = {
    "response-content-type": "content-type",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
    "response-content-language": "content-language",
    "response-cache-control": "cache-control",
    "response-expires": "expires",
}


@dataclass(frozen=True, slots=True)
class _Window:
    """The bytes to send, both ends included."""

    first: int
    last: int
    is_partial: bool = False

    @property
    def size(self) -> int:
        return self.last - self.first + 1


async def get_object(call: S3Call) -> S3Answer:
    """The bytes, or the range asked for."""
    stored = call.store.get(call.request.bucket, call.request.key, by=call.credential)
    is_cheap = stored.attributes.checksum_algorithm != DEFAULT_ALGORITHM or stored.size <= QUICKLY_SUMMED_BYTES
    checksum = await _checksum_headers(stored) if is_cheap and _asks_for_checksum(call) else {}
    return _described(call, stored, checksum, stored.content)


async def head_object(call: S3Call) -> S3Answer:
    """What GetObject would say, without the bytes."""
    stored = call.stored()
    checksum = await _checksum_headers(stored) if _asks_for_checksum(call) else {}
    return _described(call, stored, checksum, None)


async def put_object(call: S3Call) -> S3Answer:
    """Store the body."""
    call.bucket(Action.WRITE)
    payload = await receive_payload(call.request, call.store.spool_folder)
    call.check_destination()
    attributes = attributes_of(call.request.headers, algorithm=payload.algorithm)
    stored = call.store.put(
        call.request.bucket, call.request.key, payload.content, attributes=attributes, by=call.credential
    )
    headers = {"etag": f'"{stored.etag}"'}
    if payload.algorithm:
        headers |= await _checksum_headers(stored)
    return S3Answer(headers=headers)


async def copy_object(call: S3Call) -> S3Answer:
    """Copy an object of up to 5 GiB inside the store."""
    call.bucket(Action.WRITE)
    source = call.copy_source()
    if source.size > LARGEST_COPY_BYTES:
        raise refusals.copy_source_too_large()
    call.check_destination()
    await call.wait_for_copy(source.size)
    algorithm = call.request.header("x-amz-checksum-algorithm") or source.attributes.checksum_algorithm
    if (call.request.header("x-amz-metadata-directive") or "COPY").upper() == "REPLACE":
        attributes = attributes_of(call.request.headers, algorithm=algorithm)
    else:
        fresh = attributes_of({}, algorithm=algorithm)
        storage_class = call.request.header("x-amz-storage-class") or "STANDARD"
        attributes = replace(
            source.attributes, storage_class=storage_class, checksum_algorithm=fresh.checksum_algorithm
        )
    stored = call.store.put(
        call.request.bucket, call.request.key, source.content, attributes=attributes, by=call.credential
    )
    return xml_answer(
        s3_xml.document(
            "CopyObjectResult",
            s3_xml.text("LastModified", s3_xml.moment(stored.last_modified)),
            s3_xml.etag(stored.etag),
        )
    )


async def delete_object(call: S3Call) -> S3Answer:
    """Remove the object; no complaint when there is none."""
    call.store.delete(call.request.bucket, call.request.key, by=call.credential)
    return S3Answer(status=204)


async def get_object_attributes(call: S3Call) -> S3Answer:
    """ETag, size, checksum, storage class and parts, as far as asked for."""
    stored = call.stored()
    wanted = {one.strip() for one in (call.request.header("x-amz-object-attributes") or "").split(",")}
    value = await _checksum(stored) if "Checksum" in wanted else None
    members = {
        "ETag": s3_xml.text("ETag", stored.etag),
        "Checksum": _checksum_element(stored, value),
        "ObjectParts": _parts_element(stored),
        "StorageClass": s3_xml.text("StorageClass", stored.attributes.storage_class),
        "ObjectSize": s3_xml.text("ObjectSize", stored.size),
    }
    document = s3_xml.document(
        "GetObjectAttributesResponse", *(text for name, text in members.items() if name in wanted)
    )
    return xml_answer(document, headers={"last-modified": _http_date(stored)})


def _described(call: S3Call, stored: StoredObject, checksum: Mapping[str, str], content: Content | None) -> S3Answer:
    headers = call.request.headers
    if _is_known(stored, headers):
        return S3Answer(status=304, headers={"etag": f'"{stored.etag}"'})
    check_conditions(stored, {name: value for name, value in headers.items() if name != "if-none-match"})
    window = _window(call, stored)
    answer = _object_headers(stored)
    if call.store.bucket(call.request.bucket).has_opaque_etags:
        answer["x-amz-server-side-encryption"] = "aws:kms"
    if window.is_partial:
        answer["content-range"] = f"bytes {window.first}-{window.last}/{stored.size}"
    else:
        answer |= checksum
    if stored.part_sizes and call.query("partNumber"):
        answer["x-amz-mp-parts-count"] = str(len(stored.part_sizes))
    answer |= {_OVERRIDES[name]: value for name, value in call.request.query.items() if name in _OVERRIDES}
    return S3Answer(
        status=206 if window.is_partial else 200,
        headers=answer,
        stream=None if content is None else content.read(window.first, window.last),
        length=window.size,
    )


def _is_known(stored: StoredObject, headers: Mapping[str, str]) -> bool:
    known = headers.get("if-none-match")
    return known is not None and known.strip('"') in ("*", stored.etag)


def _window(call: S3Call, stored: StoredObject) -> _Window:
    if call.query("partNumber"):
        return _part_window(stored, call.number("partNumber", default=1))
    whole = _Window(0, stored.size - 1)
    match = _RANGE.fullmatch(call.request.header("range") or "")
    if match is None or match.group(0) == "bytes=-":
        return whole
    first_text, last_text = match.groups()
    if not first_text:
        first, last = max(0, stored.size - int(last_text)), stored.size - 1
    else:
        first, last = int(first_text), min(int(last_text or stored.size - 1), stored.size - 1)
    if first > last:
        raise refusals.range_not_satisfiable(stored.size)
    return _Window(first, last, is_partial=True)


def _part_window(stored: StoredObject, number: int) -> _Window:
    sizes = stored.part_sizes or (stored.size,)
    if not 1 <= number <= len(sizes):
        raise S3Refusal("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)
    first = sum(sizes[: number - 1])
    return _Window(first, first + sizes[number - 1] - 1, is_partial=stored.size > 0)


def _object_headers(stored: StoredObject) -> dict[str, str]:
    attributes = stored.attributes
    headers = {
        "etag": f'"{stored.etag}"',
        "content-type": attributes.content_type,
        "last-modified": _http_date(stored),
        "accept-ranges": "bytes",
        **{f"x-amz-meta-{name}": value for name, value in attributes.metadata},
    }
    if attributes.disposition:
        headers["content-disposition"] = attributes.disposition
    if attributes.storage_class != "STANDARD":
        headers["x-amz-storage-class"] = attributes.storage_class
    return headers


def _asks_for_checksum(call: S3Call) -> bool:
    return (call.request.header("x-amz-checksum-mode") or "").upper() == "ENABLED"


async def _checksum(stored: StoredObject) -> str | None:
    """The object's checksum; summed up beside the event loop when that takes a while."""
    if stored.size <= QUICKLY_SUMMED_BYTES or not stored.content.is_real:
        return object_checksum(stored)
    return await asyncio.to_thread(object_checksum, stored)


async def _checksum_headers(stored: StoredObject) -> dict[str, str]:
    value, algorithm = await _checksum(stored), stored.attributes.checksum_algorithm
    if value is None or algorithm is None:
        return {}
    return {header_of(algorithm): value, "x-amz-checksum-type": _checksum_kind(value)}


def _checksum_element(stored: StoredObject, value: str | None) -> str:
    if value is None:
        return ""
    return s3_xml.element(
        "Checksum",
        s3_xml.text(f"Checksum{stored.attributes.checksum_algorithm}", value.partition("-")[0]),
        s3_xml.text("ChecksumType", _checksum_kind(value)),
    )


def _checksum_kind(value: str) -> str:
    return COMPOSITE if "-" in value else FULL_OBJECT


def _parts_element(stored: StoredObject) -> str:
    if not stored.part_sizes:
        return ""
    algorithm = stored.attributes.checksum_algorithm
    is_composite = stored.attributes.checksum_type == COMPOSITE
    checksums = part_checksums(stored) if is_composite else []
    parts = [
        s3_xml.element(
            "Part",
            s3_xml.text("PartNumber", number),
            s3_xml.text("Size", size),
            s3_xml.text(f"Checksum{algorithm}", checksums[number - 1]) if checksums else "",
        )
        for number, size in enumerate(stored.part_sizes, start=1)
    ]
    return s3_xml.element("ObjectParts", s3_xml.text("PartsCount", len(stored.part_sizes)), *parts if checksums else [])


def _http_date(stored: StoredObject) -> str:
    return format_datetime(stored.last_modified, usegmt=True)
