"""Uploads and copies with both halves at work: parts really travel to presigned addresses of the S3 half."""

import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from sandbox.objects.s3_app import S3App
from sandbox.synapse.handles import Handle
from sandbox.synapse.http import Json
from tests.unit.sandbox.storage_world import GIB, HANDLE_TYPE, MIB, Service, md5_of

pytestmark = pytest.mark.anyio

START = "/file/v1/file/multipart"
BYTES = bytes(range(256)) * (40 * 1024)  # 10 MiB


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def s3(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the S3 half."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=S3App(service.world.objects))) as client:
        yield client


def start_copy(service: Service, source: Handle, **fields: object) -> Json:
    """Start copying the colleague's file into the steward's bucket."""
    file = service.file(service.project(), source)
    request = {
        "concreteType": HANDLE_TYPE + "MultipartUploadCopyRequest",
        "sourceFileHandleAssociation": {
            "fileHandleId": source.id,
            "associateObjectId": file.id,
            "associateObjectType": "FileEntity",
        },
        "partSizeBytes": 5 * GIB,
        "storageLocationId": service.external_s3(service.bucket("lab-archive")),
        "generatePreview": False,
        **fields,
    }
    return service.post(START, request)


def signed_part(service: Service, status: Json, number: int) -> Json:
    body = {"uploadId": status["uploadId"], "partNumbers": [number]}
    part: Json = service.post(f"{START}/{status['uploadId']}/presigned/url/batch", body)["partPresignedUrls"][0]
    return part


async def put_part(s3: httpx.AsyncClient, part: Json, data: bytes = b"") -> httpx.Response:
    return await s3.put(part["uploadPresignedUrl"], content=data, headers=part.get("signedHeaders"))


def copied_etag(answer: httpx.Response) -> str:
    found = ET.fromstring(answer.text).find("{*}ETag")
    assert found is not None
    return str(found.text).strip('"')


def add(service: Service, status: Json, number: int, md5: str) -> None:
    added = service.put(f"{START}/{status['uploadId']}/add/{number}?partMD5Hex={md5}")
    assert "ADD_SUCCESS" == added["addPartState"]


def complete(service: Service, status: Json) -> Handle:
    done = service.put(f"{START}/{status['uploadId']}/complete")
    return service.world.handles.require(done["resultFileHandleId"])


async def test_uploaded_bytes_arrive(service: Service, s3: httpx.AsyncClient) -> None:
    status = service.post(
        START,
        {
            "fileName": "a b.csv",
            "contentMD5Hex": md5_of(BYTES),
            "fileSizeBytes": len(BYTES),
            "partSizeBytes": 6 * MIB,
        },
    )
    for number, data in enumerate((BYTES[: 6 * MIB], BYTES[6 * MIB :]), 1):
        assert 200 == (await put_part(s3, signed_part(service, status, number), data)).status_code
        add(service, status, number, md5_of(data))

    handle = complete(service, status)

    assert BYTES == service.world.objects.get(str(handle.bucket), str(handle.key)).content.bytes()


async def test_copied_bytes_arrive(service: Service, s3: httpx.AsyncClient) -> None:
    source = service.stored(BYTES, key="3413/x/a (1), b+c'd.csv")
    status = start_copy(service, source, partSizeBytes=5 * MIB)

    for number in (1, 2):
        answer = await put_part(s3, signed_part(service, status, number))
        add(service, status, number, copied_etag(answer))

    handle = complete(service, status)
    assert BYTES == service.world.objects.get(str(handle.bucket), str(handle.key)).content.bytes()


async def test_one_part_of_declared_bytes_has_the_recorded_md5_as_its_etag(
    service: Service, s3: httpx.AsyncClient
) -> None:
    source = service.declared(4 * GIB)
    status = start_copy(service, source)

    etag = copied_etag(await put_part(s3, signed_part(service, status, 1)))
    add(service, status, 1, etag)

    assert source.content_md5 == etag
    assert 4 * GIB == complete(service, status).content_size


async def test_a_source_that_changed_since_the_start_fails_until_a_restart(
    service: Service, s3: httpx.AsyncClient
) -> None:
    """A resume keeps the ETag of the start (contract 8.3)."""
    source = service.stored(BYTES)
    status = start_copy(service, source)
    service.world.objects.put(str(source.bucket), str(source.key), BYTES[::-1])

    assert 412 == (await put_part(s3, signed_part(service, status, 1))).status_code


async def test_a_part_needs_every_signed_header(service: Service, s3: httpx.AsyncClient) -> None:
    status = start_copy(service, service.stored(BYTES))
    part = signed_part(service, status, 1)

    without = {name: value for name, value in part["signedHeaders"].items() if name != "x-amz-copy-source-range"}
    altered = part["signedHeaders"] | {"x-amz-copy-source-range": "bytes=0-1"}

    assert 403 == (await put_part(s3, part | {"signedHeaders": without})).status_code
    assert 403 == (await put_part(s3, part | {"signedHeaders": altered})).status_code


async def test_an_address_lives_fifteen_minutes(service: Service, s3: httpx.AsyncClient) -> None:
    status = start_copy(service, service.stored(BYTES))
    part = signed_part(service, status, 1)

    service.world.clock.shift = timedelta(minutes=15, seconds=5)

    assert 403 == (await put_part(s3, part)).status_code
    assert 200 == (await put_part(s3, signed_part(service, status, 1))).status_code


async def test_a_wrong_recorded_size_fails_at_s3(service: Service, s3: httpx.AsyncClient) -> None:
    """Ranges follow the record, not the object (contract 8.5)."""
    source = service.stored(BYTES)
    service.world.handles.change(source.id, content_size=len(BYTES) + 1)
    status = start_copy(service, source)

    assert 400 <= (await put_part(s3, signed_part(service, status, 1))).status_code < 500


async def test_addresses_of_a_completed_upload_are_given_but_dead(service: Service, s3: httpx.AsyncClient) -> None:
    status = start_copy(service, service.stored(BYTES))
    add(service, status, 1, copied_etag(await put_part(s3, signed_part(service, status, 1))))
    complete(service, status)

    answer = await put_part(s3, signed_part(service, status, 1))

    assert (404, True) == (answer.status_code, "NoSuchUpload" in answer.text)
