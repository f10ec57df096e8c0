"""Bundles, headers, paths and other reads of single entities (contract 6.3, 6.4)."""

import pytest

from sandbox.synapse.entities import Entity
from tests.unit.sandbox.synapse_client import MD5_A, MD5_B, PACKAGE, Client

ENTITY = "/repo/v1/entity"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def file(client: Client) -> Entity:
    return client.file(client.folder(client.project()))


def test_a_bundle_holds_what_was_asked_for_and_the_type(client: Client, file: Entity) -> None:
    bundle = client.post(f"{ENTITY}/{file.id}/bundle2", {"includeEntity": True, "includeFileHandles": True}).json

    assert {"entityType", "entity", "fileHandles"} == set(bundle)
    assert ("file", [file.current.handle_id]) == (
        bundle["entityType"],
        [handle["id"] for handle in bundle["fileHandles"]],
    )
    assert client.get(f"{ENTITY}/{file.id}").json == bundle["entity"]


def test_a_handle_in_a_bundle_says_where_its_bytes_are(client: Client, file: Entity) -> None:
    [handle] = client.post(f"{ENTITY}/{file.id}/bundle2", {"includeFileHandles": True}).json["fileHandles"]

    assert {
        "concreteType": PACKAGE + "file.S3FileHandle",
        "storageLocationId": 1,
        "contentMd5": MD5_A,
        "contentSize": 1,
        "bucketName": "proddata.sagebase.org",
        "key": "3412/x/a.csv",
        "createdBy": "3412",
        "status": "AVAILABLE",
    }.items() <= handle.items()


def test_without_download_the_handles_are_an_empty_list(client: Client, file: Entity) -> None:
    """No 403 (contract 6.4); the entity itself names the handle all the same."""
    client.grant(client.world.entities.ancestors(file.id)[-1], "READ")

    answer = client.colleague().post(f"{ENTITY}/{file.id}/bundle2", {"includeEntity": True, "includeFileHandles": True})

    assert (200, []) == (answer.status, answer.json["fileHandles"])
    assert file.current.handle_id == answer.json["entity"]["dataFileHandleId"]


def test_an_unmet_access_requirement_hides_the_handles_too(client: Client, file: Entity) -> None:
    client.world.access.restrict(file.id)
    wanted = {"includeFileHandles": True, "includeRestrictionInformation": True, "includePermissions": True}

    bundle = client.post(f"{ENTITY}/{file.id}/bundle2", wanted).json

    assert [] == bundle["fileHandles"]
    assert bundle["restrictionInformation"]["hasUnmetAccessRequirement"]
    assert not bundle["permissions"]["canDownload"]


def test_a_version_bundle_shows_that_version(client: Client, file: Entity) -> None:
    old = file.current.handle_id
    client.world.entities.add_version(
        client.world, file, modified_by="3412", handle_id=client.handle(MD5_B).id, label=None
    )

    bundle = client.post(
        f"{ENTITY}/{file.id}/version/1/bundle2", {"includeEntity": True, "includeFileHandles": True}
    ).json

    assert (1, old) == (bundle["entity"]["versionNumber"], bundle["entity"]["dataFileHandleId"])
    assert [old] == [handle["id"] for handle in bundle["fileHandles"]]


def test_the_activity_of_a_bundle_is_always_the_current_versions(client: Client, file: Entity) -> None:
    """Even in the versioned form (contract 6.4)."""
    activity = client.world.entities.activities.add(client.world, created_by="3412", name="newest")
    client.world.entities.add_version(client.world, file, modified_by="3412", activity_id=activity.id)

    bundle = client.post(f"{ENTITY}/{file.id}/version/1/bundle2", {"includeActivity": True}).json

    assert "newest" == bundle["activity"]["name"]


def test_own_and_governing_access_lists_differ(client: Client, file: Entity) -> None:
    project = client.world.entities.ancestors(file.id)[-1]

    bundle = client.post(
        f"{ENTITY}/{file.id}/bundle2", {"includeAccessControlList": True, "includeBenefactorACL": True}
    ).json

    assert "accessControlList" not in bundle
    assert project.id == bundle["benefactorAcl"]["id"]


def test_the_old_mask_finds_the_same_parts(client: Client, file: Entity) -> None:
    """0x1 entity, 0x2 annotations, 0x800 handles, 0x10000 file name (contract 6.4)."""
    bundle = client.get(f"{ENTITY}/{file.id}/bundle?mask={0x1 | 0x2 | 0x800 | 0x10000}").json

    assert {"entityType", "entity", "annotations", "fileHandles", "fileName"} == set(bundle)
    assert 400 == client.get(f"{ENTITY}/{file.id}/bundle?mask=all").status
    assert 1 == client.get(f"{ENTITY}/{file.id}/version/1/bundle?mask=1").json["entity"]["versionNumber"]


def test_a_bundle_needs_read(client: Client, file: Entity) -> None:
    assert 403 == client.colleague().post(f"{ENTITY}/{file.id}/bundle2", {"includeEntity": True}).status
    assert 404 == client.post(f"{ENTITY}/syn999999/bundle2", {"includeEntity": True}).status
    assert 404 == client.post(f"{ENTITY}/{file.id}/version/9/bundle2", {"includeEntity": True}).status


def test_a_file_can_be_made_and_changed_together_with_its_annotations(client: Client) -> None:
    project = client.project()
    body = {"concreteType": PACKAGE + "Folder", "name": "x", "parentId": project.id}
    annotations = {"annotations": {"n": {"type": "LONG", "value": ["1"]}}}

    made = client.post(f"{ENTITY}/bundle2/create", {"entity": body, "annotations": annotations})
    changed = client.put(
        f"{ENTITY}/{made.json['entity']['id']}/bundle2", {"entity": {**made.json["entity"], "name": "y"}}
    )

    assert (201, 200) == (made.status, changed.status)
    assert "y" == changed.json["entity"]["name"]
    assert ["1"] == changed.json["annotations"]["annotations"]["n"]["value"]


def test_a_path_begins_at_the_root_and_masks_what_is_unreadable(client: Client, file: Entity) -> None:
    folder, project = client.world.entities.ancestors(file.id)
    client.world.access.put(client.world, file.id, {3413: frozenset({"READ"})})

    mine = client.post(f"{ENTITY}/{folder.id}/bundle2", {"includeEntityPath": True}).json["path"]["path"]
    theirs = client.colleague().get(f"{ENTITY}/{file.id}/path").json["path"]

    assert ["root", "project", "folder"] == [header["name"] for header in mine]
    assert ["root", project.id, folder.id, "a.csv"] == [header["name"] for header in theirs]


def test_headers_of_unreadable_and_missing_entities_are_left_out(client: Client, file: Entity) -> None:
    client.world.access.put(client.world, file.id, {3413: frozenset({"READ"})})
    references = [
        {"targetId": entity_id} for entity_id in [file.id, "syn999999", client.world.entities.ancestors(file.id)[0].id]
    ]

    found = client.colleague().post(f"{ENTITY}/header", {"references": references}).json
    typed = client.colleague().get(f"{ENTITY}/type?batch={file.id},syn999999").json

    assert [file.id] == [header["id"] for header in found["results"]]
    assert 1 == found["totalNumberOfResults"]
    assert [file.id] == [header["id"] for header in typed["results"]]


def test_the_header_of_a_version_shows_its_label(client: Client, file: Entity) -> None:
    client.world.entities.add_version(client.world, file, modified_by="3412", label="second")

    found = client.post(
        f"{ENTITY}/header",
        {"references": [{"targetId": file.id, "targetVersionNumber": 1}, {"targetId": file.id}]},
    ).json

    assert ["1", "second"] == [header["versionLabel"] for header in found["results"]]


def test_files_are_found_by_the_md5_of_their_current_content(client: Client, file: Entity) -> None:
    assert [file.id] == [found["id"] for found in client.get(f"{ENTITY}/md5/{MD5_A}").json["results"]]

    client.world.entities.add_version(client.world, file, modified_by="3412", handle_id=client.handle(MD5_B).id)

    assert [] == client.get(f"{ENTITY}/md5/{MD5_A}").json["results"]
    assert [file.id] == [found["id"] for found in client.get(f"{ENTITY}/md5/{MD5_B}").json["results"]]
    assert [] == client.colleague().get(f"{ENTITY}/md5/{MD5_B}").json["results"]


def test_annotations_are_replaced_under_their_etag(client: Client, file: Entity) -> None:
    address = f"{ENTITY}/{file.id}/annotations2"
    body = {**client.get(address).json, "annotations": {"site": {"type": "STRING", "value": ["Bergen"]}}}

    assert 200 == client.put(address, body).status
    assert 412 == client.put(address, body).status
    assert 400 == client.put(address, {**body, "annotations": {"site": "Bergen"}}).status
    assert {} == client.world.entities.require(file.parent_id).current.annotations


def test_only_the_owner_of_an_activity_may_attach_or_change_it(client: Client, file: Entity) -> None:
    theirs = client.colleague().post("/repo/v1/activity", {"name": "theirs"}).json

    assert 403 == client.put(f"{ENTITY}/{file.id}/generatedBy?generatedBy={theirs['id']}").status
    assert 403 == client.put(f"/repo/v1/activity/{theirs['id']}", theirs).status
    changed = client.colleague().put(f"/repo/v1/activity/{theirs['id']}", {**theirs, "name": "better"})
    assert "better" == changed.json["name"]
    assert 412 == client.colleague().put(f"/repo/v1/activity/{theirs['id']}", theirs).status
