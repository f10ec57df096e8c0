"""The four calls of a multipart copy."""

import json

import httpx
import pytest

from storage_core.errors import ServiceUnavailable
from storage_core.model.copies import CopyRequest, PartPlan
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId, UploadId
from storage_core.synapse.endpoints.multipart import Multipart
from storage_core.synapse.wire_multipart import MultipartState, PartAdded, PartNotAdded, PresignedPart

REQUEST = CopyRequest(
    copy_id=1,
    source=FileHandle(
        id=FileHandleId("90017"),
        kind=HandleKind.S3,
        concrete_type="org.sagebionetworks.repo.model.file.S3FileHandle",
        storage_location_id=StorageLocationId(1),
        size_bytes=10,
    ),
    association=Association(handle_id=FileHandleId("90017"), object_id=EntityId("syn777"), kind=AssociationKind.FILE),
    destination=StorageLocationId(41277),
)
PARTS = PartPlan(size_bytes=10, part_size_bytes=5_242_880)
STATUS = {"uploadId": 665511, "partsState": "010", "state": "UPLOADING"}


@pytest.fixture
def multipart(lab):
    return Multipart(lab.transport)


def test_a_copy_starts_with_the_same_request_every_time(lab, multipart):
    lab.answer = lambda _request: httpx.Response(201, json=STATUS)

    started = lab.run(multipart.start_copy(request=REQUEST, parts=PARTS))
    lab.run(multipart.start_copy(request=REQUEST, parts=PARTS))

    first, second = lab.requests
    assert first.content == second.content
    assert {
        "concreteType": "org.sagebionetworks.repo.model.file.MultipartUploadCopyRequest",
        "sourceFileHandleAssociation": {
            "fileHandleId": "90017",
            "associateObjectId": "syn777",
            "associateObjectType": "FileEntity",
        },
        "partSizeBytes": 5_242_880,
        "storageLocationId": 41277,
        "generatePreview": False,
    } == json.loads(first.content)
    assert "https://synapse.test/file/v1/file/multipart?forceRestart=false" == str(first.url)
    assert (UploadId("665511"), MultipartState.UPLOADING, (1, 3)) == (
        started.upload_id,
        started.state,
        started.missing_parts,
    )
    assert started.result is None


def test_a_restart_and_a_cleaned_name_are_said(lab, multipart):
    lab.answers = [httpx.Response(201, json=STATUS)]

    lab.run(multipart.start_copy(request=REQUEST, parts=PARTS, force_restart=True, file_name="clean.csv"))

    assert "forceRestart=true" == lab.requests[0].url.query.decode()
    assert "clean.csv" == json.loads(lab.requests[0].content)["fileName"]


def test_a_finished_copy_comes_with_its_result(lab, multipart):
    lab.answers = [
        httpx.Response(201, json={**STATUS, "state": "COMPLETED", "partsState": "1", "resultFileHandleId": "90555"})
    ]

    finished = lab.run(multipart.complete(upload_id=UploadId("665511")))

    assert ("90555", ()) == (finished.result, finished.missing_parts)
    assert ("PUT", "/file/v1/file/multipart/665511/complete") == (
        lab.requests[0].method,
        lab.requests[0].url.path,
    )
    assert 900.0 == lab.requests[0].extensions["timeout"]["read"]


def test_a_finished_copy_without_a_result_is_nonsense(lab, multipart):
    lab.answers = [httpx.Response(201, json={**STATUS, "state": "COMPLETED"})]

    with pytest.raises(ServiceUnavailable, match="no result handle"):
        lab.run(multipart.complete(upload_id=UploadId("665511")))


def test_parts_are_signed_in_the_order_asked_for(lab, multipart):
    lab.answers = [
        httpx.Response(
            201,
            json={
                "partPresignedUrls": [
                    {"partNumber": 2, "uploadPresignedUrl": "https://s3/2", "signedHeaders": {"x-amz-a": "b%20c"}},
                    {"partNumber": 1, "uploadPresignedUrl": "https://s3/1"},
                ]
            },
        )
    ]

    parts = lab.run(multipart.presign(upload_id=UploadId("665511"), numbers=[1, 2]))

    assert {"uploadId": "665511", "partNumbers": [1, 2]} == json.loads(lab.requests[0].content)
    assert (
        PresignedPart(number=1, url="https://s3/1", headers=()),
        PresignedPart(number=2, url="https://s3/2", headers=(("x-amz-a", "b%20c"),)),
    ) == parts


def test_a_part_that_was_not_signed_is_nonsense(lab, multipart):
    lab.answers = [httpx.Response(201, json={"partPresignedUrls": []})]

    with pytest.raises(ServiceUnavailable, match="part 1 has no address"):
        lab.run(multipart.presign(upload_id=UploadId("665511"), numbers=[1]))


def test_a_part_is_added_or_it_is_not_and_both_come_with_success(lab, multipart):
    lab.answers = [
        httpx.Response(201, json={"uploadId": "665511", "partNumber": 1, "addPartState": "ADD_SUCCESS"}),
        httpx.Response(
            201,
            json={"uploadId": "665511", "partNumber": 1, "addPartState": "ADD_FAILED", "errorMessage": "no etag"},
        ),
    ]

    added = lab.run(multipart.add_part(upload_id=UploadId("665511"), number=1, md5="9e10"))
    failed = lab.run(multipart.add_part(upload_id=UploadId("665511"), number=1, md5="9e10"))

    assert PartAdded(number=1) == added
    assert PartNotAdded(number=1, detail="no etag") == failed
    assert "https://synapse.test/file/v1/file/multipart/665511/add/1?partMD5Hex=9e10" == str(lab.requests[0].url)
