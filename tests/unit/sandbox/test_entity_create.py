"""Creating, finding and deleting entities (contract 6.7)."""

from dataclasses import replace

import pytest

from sandbox.synapse.entities import Entity
from sandbox.synapse.kinds import Kind
from tests.unit.sandbox.synapse_client import PACKAGE, Client

ENTITY = "/repo/v1/entity"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def project(client: Client) -> Entity:
    return client.project()


def folder_body(parent: Entity, name: str = "raw data") -> dict[str, str]:
    return {"concreteType": PACKAGE + "Folder", "name": name, "parentId": parent.id}


def file_body(parent: Entity, handle_id: str, name: str = "a.csv") -> dict[str, str]:
    return {
        "concreteType": PACKAGE + "FileEntity",
        "name": name,
        "parentId": parent.id,
        "dataFileHandleId": handle_id,
    }


def test_a_new_folder_is_answered_with_201_and_without_null_members(client: Client, project: Entity) -> None:
    """The body has what contract 6.7 shows, no version, and nothing null."""
    made = client.post(ENTITY, folder_body(project))

    assert 201 == made.status
    assert {
        "id",
        "name",
        "parentId",
        "etag",
        "concreteType",
        "createdOn",
        "createdBy",
        "modifiedOn",
        "modifiedBy",
    } == set(made.json)
    assert made.json == client.get(f"{ENTITY}/{made.json['id']}").json


def test_a_new_project_belongs_to_its_creator_alone(client: Client) -> None:
    made = client.post(ENTITY, {"concreteType": PACKAGE + "Project", "name": "mine"}).json

    assert "syn4489" == made["parentId"]
    assert 200 == client.get(f"{ENTITY}/{made['id']}").status
    assert 403 == client.colleague().get(f"{ENTITY}/{made['id']}").status


def test_a_new_file_has_version_1_labelled_1(client: Client, project: Entity) -> None:
    made = client.post(ENTITY, file_body(project, client.handle().id)).json

    assert (1, "1", True) == (made["versionNumber"], made["versionLabel"], made["isLatestVersion"])


@pytest.mark.parametrize("spelling", ["syn{}", "SYN{}", "{}"])
def test_ids_are_understood_in_every_spelling(client: Client, project: Entity, spelling: str) -> None:
    """Input ignores letter case and may lack the prefix; output always has it (contract 0.3)."""
    answer = client.get(f"{ENTITY}/{spelling.format(project.id[3:])}")

    assert project.id == answer.json["id"]


def test_a_malformed_id_is_refused_with_400_and_a_missing_one_with_404(client: Client) -> None:
    assert 400 == client.get(f"{ENTITY}/abc").status
    assert 404 == client.get(f"{ENTITY}/syn999999").status


def test_a_sibling_of_the_same_name_is_a_conflict(client: Client, project: Entity) -> None:
    client.post(ENTITY, folder_body(project))

    assert 409 == client.post(ENTITY, folder_body(project)).status


@pytest.mark.parametrize("name", ["a/b", "größe", "", "x" * 257, "semi;colon", None])
def test_names_outside_the_rule_are_refused(client: Client, project: Entity, name: str) -> None:
    assert 400 == client.post(ENTITY, folder_body(project, name)).status


@pytest.mark.parametrize("name", ["a b", "it's (1), v2.0+x_y-z", "x" * 256])
def test_names_within_the_rule_are_accepted(client: Client, project: Entity, name: str) -> None:
    assert 201 == client.post(ENTITY, folder_body(project, name)).status


def test_only_the_creator_of_a_handle_can_make_a_file_of_it(client: Client, project: Entity) -> None:
    foreign = client.handle(owner="3413")

    assert 403 == client.post(ENTITY, file_body(project, foreign.id)).status
    assert 404 == client.post(ENTITY, file_body(project, "999999")).status
    assert 400 == client.post(ENTITY, file_body(project, "")).status


def test_what_needs_certification_is_refused_with_its_error_code(client: Client, project: Entity) -> None:
    """A project may be made without; its content may not."""
    client.world.principals.put(replace(client.user, is_certified=False))

    refused = client.post(ENTITY, folder_body(project))

    assert (403, "USER_CERTIFICATION_REQUIRED") == (refused.status, refused.json["errorCode"])
    assert 201 == client.post(ENTITY, {"concreteType": PACKAGE + "Project", "name": "other"}).status


def test_creating_needs_create_on_the_parent(client: Client, project: Entity) -> None:
    client.grant(project, "READ")
    colleague = client.colleague()
    assert 403 == colleague.post(ENTITY, folder_body(project)).status

    client.grant(project, "READ", "CREATE")

    assert 201 == colleague.post(ENTITY, folder_body(project)).status


def test_only_projects_hang_on_the_root_and_only_containers_have_children(client: Client, project: Entity) -> None:
    file = client.file(project)

    assert 403 == client.post(ENTITY, {**folder_body(project), "parentId": "syn4489"}).status
    assert 400 == client.post(ENTITY, folder_body(file)).status
    assert 400 == client.post(ENTITY, {"concreteType": "Nonsense", "name": "x", "parentId": project.id}).status


def test_the_tree_is_at_most_50_deep(client: Client, project: Entity) -> None:
    parent = project
    for depth in range(2, 51):
        made = client.post(ENTITY, folder_body(parent, f"depth {depth}"))
        assert 201 == made.status
        parent = client.world.entities.require(made.json["id"])

    assert 400 == client.post(ENTITY, folder_body(parent, "depth 51")).status


def test_a_container_holds_at_most_10000_files_folders_and_links(client: Client, project: Entity) -> None:
    """Tables do not count (contract 6.7)."""
    for number in range(10_000):
        client.folder(project, f"folder {number}")

    assert 400 == client.post(ENTITY, folder_body(project, "one more")).status
    table = {"concreteType": PACKAGE + "table.TableEntity", "name": "table", "parentId": project.id, "columnIds": []}
    assert 201 == client.post(ENTITY, table).status


def test_a_deleted_folder_takes_its_content_along_and_frees_its_name(client: Client, project: Entity) -> None:
    """Trash answers 404, but the handles stay referred to."""
    folder = client.folder(project)
    file = client.file(folder)

    assert 204 == client.delete(f"{ENTITY}/{folder.id}").status

    assert 404 == client.get(f"{ENTITY}/{folder.id}").status
    assert 404 == client.get(f"{ENTITY}/{file.id}").status
    assert 409 == client.delete(f"/file/v1/fileHandle/{file.current.handle_id}").status
    assert 201 == client.post(ENTITY, folder_body(project, "folder")).status


def test_deleting_past_the_trash_frees_the_handles_too(client: Client, project: Entity) -> None:
    folder = client.folder(project)
    file = client.file(folder)
    client.grant(file, "READ")

    assert 204 == client.delete(f"{ENTITY}/{folder.id}?skipTrashCan=true").status

    assert 200 == client.delete(f"/file/v1/fileHandle/{file.current.handle_id}").status
    assert client.world.entities.get(file.id) is None
    assert client.world.access.own_acl(file.id) is None


def test_deleting_needs_delete(client: Client, project: Entity) -> None:
    folder = client.folder(project)
    client.grant(project, "READ", "UPDATE", "CREATE")

    assert 403 == client.colleague().delete(f"{ENTITY}/{folder.id}").status


def test_a_child_is_found_by_its_name(client: Client, project: Entity) -> None:
    folder = client.folder(project, "here")

    assert {"id": folder.id} == client.post(f"{ENTITY}/child", {"parentId": project.id, "entityName": "here"}).json
    assert 404 == client.post(f"{ENTITY}/child", {"parentId": project.id, "entityName": "there"}).status


def test_unknown_members_of_a_body_are_ignored(client: Client, project: Entity) -> None:
    made = client.post(ENTITY, {**folder_body(project), "colour": "green", "dataFileHandleId": "1"}).json

    assert not {"colour", "dataFileHandleId"} & set(made)


def test_a_link_and_a_record_set_keep_what_only_they_have(client: Client, project: Entity) -> None:
    link = {
        "concreteType": PACKAGE + "Link",
        "name": "link",
        "parentId": project.id,
        "linksTo": {"targetId": project.id},
    }
    records = {
        **file_body(project, client.handle().id, "records"),
        "concreteType": PACKAGE + "RecordSet",
        "upsertKey": ["id"],
    }

    assert {"targetId": project.id} == client.post(ENTITY, link).json["linksTo"]
    made = client.post(ENTITY, records).json
    assert (["id"], 1) == (made["upsertKey"], made["versionNumber"])
    assert Kind.RECORD_SET is client.world.entities.require(made["id"]).kind
