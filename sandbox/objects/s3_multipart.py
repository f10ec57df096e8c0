"""Operations on multipart uploads."""

from sandbox.objects import s3_xml
from sandbox.objects.access import Action
from sandbox.objects.checksums import DEFAULT_ALGORITHM, header_of, object_checksum
from sandbox.objects.parts import check_part_number
from sandbox.objects.payloads import receive_payload
from sandbox.objects.records import Part, StoredObject, Upload
from sandbox.objects.s3_calls import S3Call, attributes_of
from sandbox.objects.s3_http import S3Answer, xml_answer


async def create_upload(call: S3Call) -> S3Answer:
    """Begin an upload."""
    request = call.request
    attributes = attributes_of(request.headers)
    upload = call.store.start_upload_with(request.bucket, request.key, attributes, by=call.credential)
    document = s3_xml.document(
        "InitiateMultipartUploadResult",
        s3_xml.text("Bucket", request.bucket),
        s3_xml.text("Key", request.key),
        s3_xml.text("UploadId", upload.id),
    )
    headers = {}
    if "x-amz-checksum-algorithm" in request.headers:
        headers = {
            "x-amz-checksum-algorithm": str(attributes.checksum_algorithm),
            "x-amz-checksum-type": attributes.checksum_type,
        }
    return xml_answer(document, headers=headers)


async def upload_part(call: S3Call) -> S3Answer:
    """Store the body as a part."""
    _upload(call)
    payload = await receive_payload(call.request, call.store.spool_folder)
    part = call.store.put_part(
        call.request.bucket, call.request.key, call.query("uploadId"), _part_number(call), call.spoil(payload.content)
    )
    headers = {"etag": f'"{part.etag}"'}
    if payload.algorithm:
        name = header_of(payload.algorithm)
        if name in call.request.headers:
            headers[name] = call.request.headers[name]
    return S3Answer(headers=headers)


async def upload_part_copy(call: S3Call) -> S3Answer:
    """Copy a range of another object into a part; takes as long as so many bytes take."""
    _upload(call)
    number = _part_number(call)
    source = call.copy_source()
    taken = call.store.part_source(source, call.copy_range())
    await call.wait_for_copy(taken.size)
    part = call.store.put_part(call.request.bucket, call.request.key, call.query("uploadId"), number, call.spoil(taken))
    return xml_answer(
        s3_xml.document(
            "CopyPartResult", s3_xml.text("LastModified", s3_xml.moment(part.last_modified)), s3_xml.etag(part.etag)
        )
    )


async def complete_upload(call: S3Call) -> S3Answer:
    """Join the parts."""
    request = call.request
    upload = _upload(call)
    parts = s3_xml.parse_parts(await call.body())
    call.check_destination()
    stored = call.store.complete_upload(request.bucket, request.key, upload.id, parts, by=call.credential)
    return xml_answer(
        s3_xml.document(
            "CompleteMultipartUploadResult",
            s3_xml.text("Location", f"{call.store.endpoint_url}{request.path}"),
            s3_xml.text("Bucket", request.bucket),
            s3_xml.text("Key", request.key),
            s3_xml.etag(stored.etag),
            _checksum_members(stored),
        )
    )


async def abort_upload(call: S3Call) -> S3Answer:
    """Forget the upload."""
    call.store.abort_upload(call.request.bucket, call.request.key, call.query("uploadId"), by=call.credential)
    return S3Answer(status=204)


async def list_parts(call: S3Call) -> S3Answer:
    """The parts sent so far, in pages."""
    upload = _upload(call)
    after, limit = call.number("part-number-marker", default=0), call.number("max-parts", default=1000)
    waiting = [upload.parts[number] for number in sorted(upload.parts) if number > after]
    shown = waiting[:limit]
    return xml_answer(
        s3_xml.document(
            "ListPartsResult",
            s3_xml.text("Bucket", upload.bucket),
            s3_xml.text("Key", upload.key),
            s3_xml.text("UploadId", upload.id),
            s3_xml.text("PartNumberMarker", after),
            s3_xml.text("NextPartNumberMarker", shown[-1].number if shown else after),
            s3_xml.text("MaxParts", limit),
            s3_xml.text("IsTruncated", str(len(waiting) > len(shown)).lower()),
            *(_part_element(part) for part in shown),
        )
    )


async def list_uploads(call: S3Call) -> S3Answer:
    """Uploads of the bucket that are neither completed nor aborted."""
    prefix = call.query("prefix")
    call.store.require(call.credential, Action.LIST, call.request.bucket, prefix)
    uploads = call.store.uploads(call.request.bucket, prefix)
    return xml_answer(
        s3_xml.document(
            "ListMultipartUploadsResult",
            s3_xml.text("Bucket", call.request.bucket),
            s3_xml.text("Prefix", prefix),
            s3_xml.text("MaxUploads", 1000),
            s3_xml.text("IsTruncated", "false"),
            *(_upload_element(upload, call.query("encoding-type")) for upload in uploads),
        )
    )


def _upload(call: S3Call) -> Upload:
    call.bucket(Action.WRITE)
    return call.store.upload(call.request.bucket, call.request.key, call.query("uploadId"))


def _part_number(call: S3Call) -> int:
    number = call.number("partNumber", default=0)
    check_part_number(number)
    return number


def _checksum_members(stored: StoredObject) -> str:
    """The checksum the client asked for; the default one is left to HeadObject, as computing it takes long."""
    algorithm = stored.attributes.checksum_algorithm
    value = None if algorithm == DEFAULT_ALGORITHM else object_checksum(stored)
    if value is None:
        return ""
    return s3_xml.text(f"Checksum{algorithm}", value) + s3_xml.text("ChecksumType", stored.attributes.checksum_type)


def _part_element(part: Part) -> str:
    return s3_xml.element(
        "Part",
        s3_xml.text("PartNumber", part.number),
        s3_xml.text("LastModified", s3_xml.moment(part.last_modified)),
        s3_xml.etag(part.etag),
        s3_xml.text("Size", part.content.size),
    )


def _upload_element(upload: Upload, encoding: str) -> str:
    return s3_xml.element(
        "Upload",
        s3_xml.text("Key", s3_xml.shown_key(upload.key, encoding)),
        s3_xml.text("UploadId", upload.id),
        s3_xml.text("Initiated", s3_xml.moment(upload.started)),
    )
