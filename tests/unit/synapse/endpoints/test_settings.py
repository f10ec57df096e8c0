"""Storage locations, project settings and file handles of one's own."""

import json

import httpx
import pytest

from storage_core.errors import AnswerLost, PreconditionFailed
from storage_core.model.destinations import LocationKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.upload_settings import UploadSetting
from storage_core.synapse.endpoints.file_handles import FileHandles
from storage_core.synapse.endpoints.project_settings import ProjectSettings
from storage_core.synapse.endpoints.storage_locations import StorageLocations
from storage_core.synapse.endpoints.upload_destinations import UploadDestinations
from storage_core.synapse.wire_locations import StorageLocationBody

PREFIX = "org.sagebionetworks.repo.model."
SETTING = {
    "concreteType": f"{PREFIX}project.UploadDestinationListSetting",
    "id": "9021",
    "projectId": "syn501",
    "settingsType": "upload",
    "etag": "77c0",
    "locations": [41277, 1],
}
RECORD = UploadSetting(
    entity_id=EntityId("syn501"),
    location_ids=(StorageLocationId(41277), StorageLocationId(1)),
    id="9021",
    etag="77c0",
)


def answered(status, body):
    return httpx.Response(status, json=body)


def test_a_setting_is_there_or_the_answer_is_empty(lab):
    settings = ProjectSettings(lab.transport)
    lab.answers = [answered(200, SETTING), httpx.Response(200)]

    assert RECORD == lab.run(settings.get(entity_id=EntityId("syn501")))
    assert lab.run(settings.get(entity_id=EntityId("syn501"))) is None
    assert "/repo/v1/projectSettings/syn501/type/upload" == lab.requests[0].url.path


def test_a_new_setting_is_sent_without_id_and_etag(lab):
    lab.answers = [answered(201, SETTING)]
    new = UploadSetting(entity_id=EntityId("syn501"), location_ids=RECORD.location_ids)

    assert RECORD == lab.run(ProjectSettings(lab.transport).create(setting=new))
    assert {"concreteType", "projectId", "settingsType", "locations"} == set(json.loads(lab.requests[0].content))


def test_a_replaced_setting_is_sent_whole(lab):
    lab.answers = [httpx.Response(200), answered(412, {"reason": "stale"})]
    settings = ProjectSettings(lab.transport)

    lab.run(settings.update(setting=RECORD))

    assert SETTING == json.loads(lab.requests[0].content)
    with pytest.raises(PreconditionFailed):
        lab.run(settings.update(setting=RECORD))


def test_a_deletion_whose_answer_is_lost_is_not_repeated(lab):
    lab.answers = [httpx.Response(204), answered(500, {"reason": "oops"})]
    settings = ProjectSettings(lab.transport)

    lab.run(settings.delete(setting_id="9021"))
    with pytest.raises(AnswerLost):
        lab.run(settings.delete(setting_id="9021"))


def test_own_locations_are_listed_whatever_their_type(lab):
    lab.answers = [
        answered(
            200,
            {
                "list": [
                    {
                        "concreteType": f"{PREFIX}project.ProxyStorageLocationSettings",
                        "storageLocationId": 3,
                        "uploadType": "SFTP",
                        "secretKey": "planted-secret",
                    },
                    {"concreteType": f"{PREFIX}project.FutureSetting", "storageLocationId": 4, "uploadType": "TAPE"},
                ]
            },
        )
    ]

    found = lab.run(StorageLocations(lab.transport).mine())

    assert [LocationKind.PROXY, LocationKind.UNKNOWN] == [location.kind for location in found]
    assert "planted-secret" not in repr(found)


@pytest.mark.parametrize(("gives_same_again", "tries"), [(True, 2), (False, 1)])
def test_creating_a_location_is_repeated_only_where_that_gives_the_same_one(lab, gives_same_again, tries):
    stored = {"storageLocationId": 41277, "bucket": "b"}
    lab.answers = [answered(504, {"reason": "gateway"}), answered(201, stored)]
    body = StorageLocationBody(json_text='{"bucket":"b"}')
    creation = StorageLocations(lab.transport).create(body=body, gives_same_again=gives_same_again)

    if gives_same_again:
        assert stored == json.loads(lab.run(creation).json_text)
    else:
        with pytest.raises(AnswerLost):
            lab.run(creation)
    assert tries == len(lab.requests)


def test_the_effective_list_is_read_from_the_file_base(lab):
    lab.answers = [answered(200, {"list": [{"storageLocationId": 41277, "uploadType": "S3"}]})]

    assert (41277,) == lab.run(UploadDestinations(lab.transport).effective_ids(entity_id=EntityId("syn501")))
    assert "/file/v1/entity/syn501/uploadDestinationLocations" == lab.requests[0].url.path


def test_an_object_in_a_bucket_is_registered_with_the_facts_of_its_source(lab):
    source = FileHandle(
        id=FileHandleId("90017"),
        kind=HandleKind.S3,
        concrete_type="",
        storage_location_id=StorageLocationId(1),
        size_bytes=10,
        md5="9e10",
        file_name="a.csv",
    )
    lab.answers = [answered(200, {"id": "90555", "concreteType": f"{PREFIX}file.S3FileHandle"})]
    handles = FileHandles(lab.transport)

    made = lab.run(handles.register_s3(location_id=StorageLocationId(41277), bucket="b", key="k", source=source))

    assert "90555" == made.id
    assert {
        "concreteType": f"{PREFIX}file.S3FileHandle",
        "storageLocationId": 41277,
        "bucketName": "b",
        "key": "k",
        "contentMd5": "9e10",
        "contentType": "application/octet-stream",
        "fileName": "a.csv",
    } == json.loads(lab.requests[0].content)


def test_a_handle_of_ones_own_can_be_read_and_downloaded(lab):
    lab.answers = [
        answered(200, {"id": "90700"}),
        httpx.Response(200, text="https://bucket/key?X-Amz-Signature=abc\n"),
    ]
    handles = FileHandles(lab.transport)

    assert "90700" == lab.run(handles.get(handle_id=FileHandleId("90700"))).id
    assert "https://bucket/key?X-Amz-Signature=abc" == lab.run(handles.presigned_url(handle_id=FileHandleId("90700")))
