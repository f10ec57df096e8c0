"""Plain multipart uploads: parts go to S3, Synapse checks and joins them (contract 8)."""

import pytest

from sandbox.synapse.handles import HandleKind
from sandbox.synapse.http import Json
from sandbox.synapse.locations import SYNAPSE_BUCKET
from sandbox.synapse.multipart import count_parts
from tests.unit.sandbox.storage_world import GIB, HANDLE_TYPE, MIB, Service, md5_of

START = "/file/v1/file/multipart"
BYTES = b"a,b\n" * (2 * MIB)  # 8 MiB: two parts of 5 MiB at most
PARTS = (BYTES[: 5 * MIB], BYTES[5 * MIB :])


@pytest.fixture
def service() -> Service:
    return Service()


def upload_request(data: bytes = BYTES, **fields: object) -> Json:
    return {
        "fileName": "a.csv",
        "contentType": "text/csv",
        "contentMD5Hex": md5_of(data),
        "fileSizeBytes": len(data),
        "partSizeBytes": 5 * MIB,
        "generatePreview": False,
        **fields,
    }


def sign(service: Service, upload_id: str, number: int, **fields: object) -> Json:
    body = {"uploadId": upload_id, "partNumbers": [number], **fields}
    part: Json = service.post(f"{START}/{upload_id}/presigned/url/batch", body)["partPresignedUrls"][0]
    return part


def add(service: Service, upload_id: str, number: int, md5: str) -> Json:
    return service.put(f"{START}/{upload_id}/add/{number}?partMD5Hex={md5}")


def state_of(service: Service, request: Json) -> str:
    return str(service.post(START, request)["partsState"])


def upload_all(service: Service, request: Json) -> Json:
    upload_id = service.post(START, request)["uploadId"]
    for number, data in enumerate(PARTS, 1):
        service.send_part(sign(service, upload_id, number), data)
        add(service, upload_id, number, md5_of(data))
    return service.put(f"{START}/{upload_id}/complete")


def test_an_upload_without_a_location_goes_to_synapse_storage(service: Service) -> None:
    done = upload_all(service, upload_request())

    handle = service.world.handles.require(done["resultFileHandleId"])
    assert (HandleKind.S3, 1, SYNAPSE_BUCKET, "text/csv") == (
        handle.kind,
        handle.storage_location_id,
        handle.bucket,
        handle.content_type,
    )
    stored = service.world.objects.get(SYNAPSE_BUCKET, str(handle.key))
    assert BYTES == stored.content.bytes()
    assert ("INTELLIGENT_TIERING", "bucket-owner-full-control") == (
        stored.attributes.storage_class,
        stored.attributes.acl,
    )
    assert handle.id == handle.preview_id


def test_anybody_may_upload_to_anybodys_location(service: Service) -> None:
    bucket = service.bucket("lab", owner=service.colleague, base_key="in")
    location_id = service.external_s3(bucket, user=service.colleague, baseKey="in")

    done = upload_all(service, upload_request(storageLocationId=location_id))

    assert str(service.world.handles.require(done["resultFileHandleId"]).key).startswith(f"in/{service.steward.id}/")


def test_an_upload_to_google_makes_a_google_handle(service: Service) -> None:
    location_id = service.location("ExternalGoogleCloudStorageLocationSetting", bucket=service.bucket("gcs-lab"))

    done = upload_all(service, upload_request(storageLocationId=location_id))

    assert HandleKind.GOOGLE_CLOUD == service.world.handles.require(done["resultFileHandleId"]).kind


def test_the_declared_md5_is_stored_unchecked(service: Service) -> None:
    done = upload_all(service, upload_request(contentMD5Hex="F" * 32))

    assert "F" * 32 == service.world.handles.require(done["resultFileHandleId"]).content_md5


def test_a_part_with_another_md5_is_refused_with_success(service: Service) -> None:
    """ADD_FAILED comes with 201 (contract 8.6)."""
    upload_id = service.post(START, upload_request())["uploadId"]
    service.send_part(sign(service, upload_id, 1), PARTS[0])

    answer = service.answer("PUT", f"{START}/{upload_id}/add/1?partMD5Hex={'0' * 32}")

    assert (201, "ADD_FAILED") == (answer.status, (answer.json or {})["addPartState"])
    assert (answer.json or {})["errorMessage"]
    assert "00" == state_of(service, upload_request())


def test_a_part_that_was_never_sent_is_not_added(service: Service) -> None:
    upload_id = service.post(START, upload_request())["uploadId"]

    assert "ADD_FAILED" == add(service, upload_id, 2, md5_of(PARTS[1]))["addPartState"]


def test_a_second_add_needs_a_second_put_and_turns_the_part_back(service: Service) -> None:
    upload_id = service.post(START, upload_request())["uploadId"]
    service.send_part(sign(service, upload_id, 1), PARTS[0])
    assert "ADD_SUCCESS" == add(service, upload_id, 1, md5_of(PARTS[0]))["addPartState"]
    assert "10" == state_of(service, upload_request())

    assert "ADD_FAILED" == add(service, upload_id, 1, md5_of(PARTS[0]))["addPartState"]
    assert "00" == state_of(service, upload_request())
    service.send_part(sign(service, upload_id, 1), PARTS[0])

    assert "ADD_SUCCESS" == add(service, upload_id, 1, md5_of(PARTS[0]))["addPartState"]


def test_adding_needs_an_md5(service: Service) -> None:
    upload_id = service.post(START, upload_request())["uploadId"]

    assert 400 == service.status("PUT", f"{START}/{upload_id}/add/1")


def test_a_content_type_that_is_asked_for_is_signed(service: Service) -> None:
    upload_id = service.post(START, upload_request())["uploadId"]

    plain, typed = sign(service, upload_id, 1), sign(service, upload_id, 1, contentType="text/csv")

    assert "signedHeaders" not in plain
    assert {"Content-Type": "text/csv"} == typed["signedHeaders"]
    assert "X-Amz-Expires=900" in typed["uploadPresignedUrl"]


def test_the_class_may_be_left_out(service: Service) -> None:
    explicit = upload_request(concreteType=HANDLE_TYPE + "MultipartUploadRequest")

    assert service.post(START, upload_request())["uploadId"] == service.post(START, explicit)["uploadId"]


@pytest.mark.parametrize(
    "change",
    [
        {"fileName": None},
        {"fileName": "a/b.csv"},
        {"fileName": "x" * 257},
        {"contentMD5Hex": None},
        {"contentMD5Hex": "abc"},
        {"fileSizeBytes": None},
        {"fileSizeBytes": 0},
        {"fileSizeBytes": 5 * 1024 * GIB + 1},
        {"partSizeBytes": 5 * MIB - 1},
        {"partSizeBytes": None},
        {"storageLocationId": "one"},
    ],
)
def test_a_request_is_complete_and_within_its_limits(service: Service, change: Json) -> None:
    assert 400 == service.status("POST", START, upload_request() | change)


def test_locations_that_synapse_cannot_write_take_no_uploads(service: Service) -> None:
    store = service.location(
        "ExternalObjectStorageLocationSetting", uploadType="S3", bucket="b", endpointUrl="https://store.example.org"
    )

    assert 400 == service.status("POST", START, upload_request(storageLocationId=store))
    assert 404 == service.status("POST", START, upload_request(storageLocationId=424242))


@pytest.mark.parametrize(
    ("size_bytes", "part_bytes", "expected"),
    [
        (1, 5 * MIB, 1),
        (5 * MIB, 5 * MIB, 1),
        (5 * MIB + 1, 5 * MIB, 2),
        (5 * GIB, 5 * GIB, 1),
        (4 * GIB, 2 * GIB, 2),
        (4 * GIB - 1, 2 * GIB, 2),  # a remainder of 2 GiB - 1 still counts
        (5 * GIB, 3 * GIB, 1),  # one of 2 GiB turns negative: the last part is lost (contract 8.1)
        (8 * GIB, 5 * GIB, 1),
        (9 * GIB, 5 * GIB, 1),  # 4 GiB turns into nothing at all
        (9 * GIB + 1, 5 * GIB, 2),  # and 4 GiB + 1 into one: counted again
    ],
)
def test_parts_are_counted_as_the_service_counts(size_bytes: int, part_bytes: int, expected: int) -> None:
    assert expected == count_parts(size_bytes, part_bytes)


def test_ten_thousand_parts_are_the_most(service: Service) -> None:
    most = 10_000 * 5 * MIB

    assert 10_000 == count_parts(most, 5 * MIB)
    assert 400 == service.status("POST", START, upload_request(fileSizeBytes=most + 1))
