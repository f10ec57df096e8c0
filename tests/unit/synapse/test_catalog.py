"""The catalogue: what is asked, what is understood, and what happens when an answer is lost."""

import contextlib
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import AccessError, AnswerLost, BadRequest, ServiceUnavailable
from storage_core.model.destinations import LocationKind
from storage_core.model.entities import EntityBody, EntityHeader, EntityKind
from storage_core.model.handles import (
    Association,
    AssociationKind,
    HandleKind,
    HandleRefusal,
    HandleStatus,
)
from storage_core.model.ids import ActivityId, EntityId, FileHandleId, StorageLocationId
from storage_core.model.places import FileVersion, NewVersion
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.synapse.catalog import SynapseCatalog

PREFIX = "org.sagebionetworks.repo.model."
BODY = {
    "id": "syn777",
    "concreteType": f"{PREFIX}FileEntity",
    "name": "ä.csv",
    "parentId": "syn501",
    "etag": "5c1e",
    "versionNumber": 3,
    "versionLabel": "v-3",
    "versionComment": "third",
    "isLatestVersion": True,
    "dataFileHandleId": "90017",
    "fieldFromTheFuture": {"kept": [1, 2.5, None]},
}
HANDLE = {
    "concreteType": f"{PREFIX}file.S3FileHandle",
    "id": "90017",
    "contentMd5": "9E107D9D372BB6826BD81D3542A419D6",
    "contentSize": 10485760,
    "fileName": "a.csv",
    "contentType": "text/csv",
    "bucketName": "proddata",
    "key": "3412/a.csv",
    "createdBy": "3412",
    "status": "AVAILABLE",
}
PREVIEW = {"concreteType": f"{PREFIX}file.S3FileHandle", "id": "90018", "isPreview": True, "storageLocationId": 1}
CHANGE = AddVersion(
    item_id=1,
    place=NewVersion(entity_id=EntityId("syn777"), current_version=3),
    expect=FileHandleId("90017"),
    new=FileHandleId("90555"),
    etag="5c1e",
    body=EntityBody(json_text=json.dumps(BODY)),
    activity_id=ActivityId("88"),
)


@pytest.fixture
def catalog(lab):
    return SynapseCatalog(lab.transport, lab.clock)


def answered(status, body):
    return httpx.Response(status, json=body)


def refused(status, reason="no"):
    return httpx.Response(status, json={"reason": reason})


def sent(request):
    return json.loads(request.content)


def association(number):
    return Association(handle_id=FileHandleId(str(number)), object_id=EntityId("syn1"), kind=AssociationKind.FILE)


def test_me_is_the_owner_of_the_token(lab, catalog):
    lab.answers = [answered(200, {"ownerId": "3412", "userName": "steward"})]

    assert "3412" == lab.run(catalog.me()).id


def test_an_anonymous_me_is_an_access_error(lab, catalog):
    lab.answers = [answered(200, {"ownerId": "273950", "userName": "anonymous"})]

    with pytest.raises(AccessError):
        lab.run(catalog.me())


def test_an_address_without_a_profile_is_no_synapse(lab, catalog):
    lab.answers = [refused(404, "unknown path")]

    with pytest.raises(ServiceUnavailable) as caught:
        lab.run(catalog.me())

    assert "SYNAPSE_REPO_ENDPOINT" in caught.value.fix


def test_a_file_is_read_in_one_call_with_the_handle_that_is_its_own(lab, catalog):
    lab.answers = [
        answered(
            200,
            {
                "entityType": "file",
                "entity": BODY,
                "fileHandles": [PREVIEW, HANDLE],
                "permissions": {"canDownload": True, "canEdit": True, "canView": True, "isCertifiedUser": True},
                "activity": {"id": "88"},
            },
        )
    ]

    file = lab.run(catalog.file(EntityId("syn777")))

    assert "POST" == lab.requests[0].method
    assert "/repo/v1/entity/syn777/bundle2" == lab.requests[0].url.path
    assert ("syn777", "ä.csv", "syn501", 3, True) == (
        file.entity_id,
        file.name,
        file.parent_id,
        file.version,
        file.is_latest,
    )
    assert BODY == json.loads(file.body.json_text)
    assert "88" == file.activity_id
    handle = file.handle
    assert handle is not None
    assert ("90017", "9e107d9d372bb6826bd81d3542a419d6", 1, HandleKind.S3, HandleStatus.AVAILABLE) == (
        handle.id,
        handle.md5,
        handle.storage_location_id,
        handle.kind,
        handle.status,
    )
    assert file.permissions is not None
    assert file.permissions.can_download


def test_an_older_version_has_no_activity_of_its_own_to_report(lab, catalog):
    entity = {**BODY, "versionNumber": 2, "isLatestVersion": False, "etag": "00000000-0000-0000-0000-000000000000"}
    lab.answers = [answered(200, {"entity": entity, "fileHandles": [], "activity": {"id": "88"}})]

    file = lab.run(catalog.file(EntityId("syn777"), version=2))

    assert "/repo/v1/entity/syn777/version/2/bundle2" == lab.requests[0].url.path
    assert (2, False, None, None, "90017") == (
        file.version,
        file.is_latest,
        file.activity_id,
        file.handle,
        file.handle_id,
    )


def test_words_nobody_knows_are_unknown_and_no_reason_to_fail(lab, catalog):
    strange = {**HANDLE, "concreteType": "org.example.TapeFileHandle", "status": "ON_FIRE"}
    entity = {"id": "syn9", "concreteType": "org.example.Hologram", "dataFileHandleId": "90017"}
    lab.answers = [answered(200, {"entityType": "hologram", "entity": entity, "fileHandles": [strange]})]

    file = lab.run(catalog.file(EntityId("syn9")))

    assert EntityKind.UNKNOWN == file.kind
    assert file.handle is not None
    assert (HandleKind.UNKNOWN, HandleStatus.UNKNOWN) == (file.handle.kind, file.handle.status)


@pytest.mark.parametrize(
    ("bundle", "field"),
    [
        ({}, "entity"),
        ({"entity": []}, "entity"),
        ({"entity": {"id": {}}}, "entity.id"),
        ({"entity": {**BODY, "versionNumber": "three"}}, "entity.versionNumber"),
        ({"entity": BODY, "fileHandles": {"a": 1}}, "fileHandles"),
        ({"entity": BODY, "fileHandles": [{**HANDLE, "contentSize": True}]}, "fileHandles[0].contentSize"),
        ({"entity": BODY, "fileHandles": [{**HANDLE, "contentMd5": 5}]}, "fileHandles[0].contentMd5"),
        ({"entity": BODY, "permissions": {"canDownload": "yes"}}, "permissions.canDownload"),
    ],
)
def test_an_answer_of_the_wrong_shape_names_call_and_field(lab, catalog, bundle, field):
    lab.answers = [answered(200, bundle)]

    with pytest.raises(ServiceUnavailable) as caught:
        lab.run(catalog.file(EntityId("syn777")))

    assert "talks nonsense" in str(caught.value)
    assert f"POST /entity/syn777/bundle2 the field {field} " in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_no_field_can_make_reading_fail_in_any_other_way(data):
    """Whatever replaces a field: a record comes out, or our error about nonsense."""
    from storage_core.synapse.calls import Answer
    from storage_core.synapse.wire_entities import read_file

    entity, handle = dict(BODY), dict(HANDLE)
    target = data.draw(st.sampled_from([entity, handle]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(json_values)
    bundle = {"entity": entity, "fileHandles": [handle]}
    bundle |= data.draw(st.dictionaries(st.sampled_from(["permissions", "activity", "entityType"]), json_values))

    with contextlib.suppress(ServiceUnavailable):
        read_file(Answer(call="POST /x", status=200, body=bundle), asked_for_latest=True)


def test_the_root_comes_with_rights_and_path(lab, catalog):
    path = [{"id": "syn4489", "name": "root", "type": f"{PREFIX}Folder"}]
    entity = {"id": "syn501", "name": "P", "concreteType": f"{PREFIX}Project", "parentId": "syn4489"}
    lab.answers = [
        answered(200, {"entity": entity, "permissions": {"canView": True}, "path": {"path": path}}),
    ]

    root = lab.run(catalog.root(EntityId("syn501")))

    assert EntityHeader(id=EntityId("syn501"), name="P", kind=EntityKind.PROJECT) == root.header
    assert root.permissions.can_view
    assert not root.permissions.can_edit
    assert ("syn4489",) == tuple(step.id for step in root.path)


def test_children_are_asked_for_oldest_first_and_every_kind(lab, catalog):
    child = {"id": "syn777", "name": "a.csv", "type": f"{PREFIX}FileEntity", "versionNumber": 3}
    lab.answers = [
        answered(200, {"page": [child], "nextPageToken": "50a50", "totalChildCount": 73}),
        answered(200, {"page": []}),
    ]

    first = lab.run(catalog.children(EntityId("syn501"), page_token=None))
    last = lab.run(catalog.children(EntityId("syn501"), page_token=first.next_page_token))

    asked = sent(lab.requests[0])
    assert ("CREATED_ON", "ASC") == (asked["sortBy"], asked["sortDirection"])
    assert {"file", "folder", "table", "link", "recordset", "dockerrepo"} < set(asked["includeTypes"])
    assert "unknown" not in asked["includeTypes"]
    assert 73 == first.total_children
    assert EntityHeader(id=EntityId("syn777"), name="a.csv", kind=EntityKind.FILE, version=3) == first.children[0]
    assert "50a50" == sent(lab.requests[1])["nextPageToken"]
    assert (None, ()) == (last.next_page_token, last.children)


def test_an_older_service_is_asked_without_record_sets_and_that_is_remembered(lab, catalog):
    lab.answer = lambda request: (
        refused(400, "unknown type") if "recordset" in sent(request)["includeTypes"] else answered(200, {"page": []})
    )

    for _ in range(3):
        lab.run(catalog.children(EntityId("syn501"), page_token=None))

    assert 4 == len(lab.requests)


def test_a_refusal_for_another_reason_stays_a_refusal(lab, catalog):
    lab.answer = lambda request: refused(400, "bad id")

    with pytest.raises(BadRequest):
        lab.run(catalog.children(EntityId("syn501"), page_token=None))


def test_versions_are_read_to_the_end_newest_first(lab, catalog):
    def page(request):
        offset, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
        numbers = list(range(2300, 0, -1))[offset : offset + limit]
        return answered(200, {"results": [{"versionNumber": number} for number in numbers]})

    lab.answer = page

    assert tuple(range(2300, 0, -1)) == lab.run(catalog.versions(EntityId("syn777")))
    assert 3 == len(lab.requests)


def batch_server(bad=frozenset(), missing=frozenset(), status=400):
    def serve(request):
        asked = [entry["fileHandleId"] for entry in sent(request)["requestedFiles"]]
        assert 1 <= len(asked) <= 100
        if bad & set(asked):
            return refused(status, "malformed")
        return answered(
            201,
            {
                "requestedFiles": [
                    {"fileHandleId": number, "failureCode": "UNAUTHORIZED"}
                    if number in missing
                    else {"fileHandleId": number, "fileHandle": {**HANDLE, "id": number}}
                    for number in asked
                ]
            },
        )

    return serve


def test_handles_are_read_a_hundred_at_a_time_in_order(lab, catalog):
    lab.answer = batch_server(missing={"7"})

    answers = lab.run(catalog.handles([association(number) for number in range(250)]))

    assert [str(number) for number in range(250)] == [answer.handle_id for answer in answers]
    assert [7] == [place for place, answer in enumerate(answers) if answer.refusal is HandleRefusal.UNAUTHORIZED]
    assert 3 == len(lab.requests)
    assert "/file/v1/fileHandle/batch" == lab.requests[0].url.path
    assert sent(lab.requests[0])["includePreSignedURLs"] is False


@pytest.mark.parametrize("status", [400, 404])
def test_one_malformed_entry_does_not_spoil_the_others(lab, catalog, status):
    lab.answer = batch_server(bad={"37"}, status=status)

    answers = lab.run(catalog.handles([association(number) for number in range(100)]))

    assert [37] == [place for place, answer in enumerate(answers) if answer.handle is None]
    assert HandleRefusal.NOT_FOUND == answers[37].refusal
    assert len(lab.requests) <= 2 * 7 + 1


def test_handles_in_another_order_than_asked_for_are_nonsense(lab, catalog):
    lab.answers = [
        answered(201, {"requestedFiles": [{"fileHandleId": "2", "failureCode": "NOT_FOUND"}, {"fileHandleId": "1"}]})
    ]

    with pytest.raises(ServiceUnavailable, match="nonsense"):
        lab.run(catalog.handles([association(1), association(2)]))


def test_presigned_addresses_are_asked_for_and_not_shown(lab, catalog):
    url = "https://bucket/key?X-Amz-Signature=planted"
    entry = {"fileHandleId": "1", "fileHandle": {**HANDLE, "id": "1"}, "preSignedURL": url}
    lab.answers = [answered(201, {"requestedFiles": [entry]})]

    (answer,) = lab.run(catalog.handles([association(1)], with_urls=True))

    assert sent(lab.requests[0])["includePreSignedURLs"] is True
    assert url == answer.presigned_url
    assert "planted" not in repr(answer)


def test_a_location_is_read_from_its_owner_and_from_an_uploader(lab, catalog):
    setting = {
        "concreteType": f"{PREFIX}project.ExternalS3StorageLocationSetting",
        "storageLocationId": 41277,
        "uploadType": "S3",
        "bucket": "lab-archive-eu",
        "baseKey": "synapse/projA",
        "stsEnabled": True,
        "createdBy": 3412,
    }
    destination = {
        "concreteType": f"{PREFIX}file.ExternalUploadDestination",
        "storageLocationId": 9,
        "uploadType": "SFTP",
        "url": "sftp://host/x",
    }
    lab.answers = [answered(200, setting), answered(200, destination), answered(200, {"uploadType": "S3"})]

    own = lab.run(catalog.location(StorageLocationId(41277)))
    seen = lab.run(catalog.location_seen_from(EntityId("syn501"), StorageLocationId(9)))
    default = lab.run(catalog.default_location(EntityId("syn501")))

    assert (LocationKind.EXTERNAL_S3, "lab-archive-eu", "synapse/projA", True, "3412") == (
        own.kind,
        own.bucket,
        own.base_key,
        own.sts_enabled,
        own.created_by,
    )
    assert (LocationKind.EXTERNAL_SFTP, None) == (seen.kind, seen.created_by)
    assert 1 == default
    assert [
        "/repo/v1/storageLocation/41277",
        "/file/v1/entity/syn501/uploadDestination/9",
        "/file/v1/entity/syn501/uploadDestination",
    ] == [request.url.path for request in lab.requests]


def test_a_swap_sends_both_ids_and_expects_nothing_back(lab, catalog):
    lab.answers = [httpx.Response(200)]
    swap = SwapVersionHandle(
        item_id=1,
        place=FileVersion(entity_id=EntityId("syn777"), version=2),
        expect=FileHandleId("90017"),
        new=FileHandleId("90555"),
    )

    lab.run(catalog.swap_version_handle(swap))

    assert ("PUT", "/repo/v1/entity/syn777/version/2/filehandle") == (
        lab.requests[0].method,
        lab.requests[0].url.path,
    )
    assert {"oldFileHandleId": "90017", "newFileHandleId": "90555"} == sent(lab.requests[0])


def test_a_version_is_added_with_the_whole_body_and_no_label_of_ours(lab, catalog):
    lab.answers = [answered(200, {**BODY, "versionNumber": 4, "dataFileHandleId": "90555", "etag": "8d2f"})]

    version = lab.run(catalog.add_version(CHANGE))

    request = lab.requests[0]
    assert 4 == version
    assert {"newVersion": "true", "generatedBy": "88"} == dict(request.url.params)
    kept = {name: value for name, value in BODY.items() if name not in {"versionLabel", "versionComment"}}
    assert {**kept, "dataFileHandleId": "90555"} == sent(request)


def lossy(lab, *, done, now):
    """The server that answers changes with a gateway's time-out, and reads with *now*."""
    state = {"puts": 0}

    def serve(request):
        if request.method == "GET":
            return answered(200, now)
        state["puts"] += 1
        if state["puts"] == done:
            return answered(200, {**BODY, "versionNumber": 4, "dataFileHandleId": "90555", "etag": "8d2f"})
        return refused(504)

    lab.answer = serve
    return state


def test_a_lost_answer_to_a_new_version_is_said_and_the_version_is_not_sent_again(lab, catalog):
    """Whoever asked reads the entity and decides; a second sending could make a second version."""
    state = lossy(lab, done=None, now=BODY)

    with pytest.raises(AnswerLost):
        lab.run(catalog.add_version(CHANGE))
    assert 1 == state["puts"]


def test_ids_cannot_lead_a_call_elsewhere(lab, catalog):
    """Even an id nobody checked stays one segment of the path."""
    lab.answers = [answered(200, {"results": []})]

    lab.run(catalog.versions(EntityId("syn1/../../admin?x=1")))

    assert b"/repo/v1/entity/syn1%2F..%2F..%2Fadmin%3Fx%3D1/version" == lab.requests[0].url.raw_path.split(b"?")[0]
