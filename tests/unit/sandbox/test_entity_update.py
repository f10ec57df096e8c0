"""When an update makes a new version, and what it refuses (contract 6.5)."""

from dataclasses import replace
from typing import Any

import pytest

from sandbox.synapse.entities import Entity
from tests.unit.sandbox.synapse_client import MD5_A, MD5_B, PACKAGE, Client, Reply

ENTITY = "/repo/v1/entity"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def file(client: Client) -> Entity:
    return client.file(client.project())


def update(client: Client, entity: Entity, query: str = "", **changes: Any) -> Reply:
    """GET, change, PUT the whole object, as the contract demands."""
    body = {**client.get(f"{ENTITY}/{entity.id}").json, **changes}
    return client.put(f"{ENTITY}/{entity.id}{query}", {key: value for key, value in body.items() if value is not None})


def test_another_handle_of_the_same_md5_replaces_in_place(client: Client, file: Entity) -> None:
    """No new version, although the handle changed; letter case of the MD5 does not count."""
    same = client.handle(MD5_A.upper())

    answer = update(client, file, dataFileHandleId=same.id).json

    assert (1, same.id) == (answer["versionNumber"], answer["dataFileHandleId"])
    assert 1 == len(file.versions)


@pytest.mark.parametrize("md5", [MD5_B, None])
def test_another_content_makes_a_version_by_itself_and_resets_label_and_comment(
    client: Client, file: Entity, md5: str | None
) -> None:
    other = client.handle(md5)

    answer = update(client, file, dataFileHandleId=other.id, versionLabel="mine", versionComment="why").json

    assert (2, "2", other.id) == (answer["versionNumber"], answer["versionLabel"], answer["dataFileHandleId"])
    assert "versionComment" not in answer
    assert "1" == file.versions[0].label


def test_a_requested_version_takes_label_and_comment_as_sent(client: Client, file: Entity) -> None:
    answer = update(client, file, "?newVersion=true", versionLabel="release", versionComment="moved").json

    assert (2, "release", "moved") == (answer["versionNumber"], answer["versionLabel"], answer["versionComment"])


def test_a_requested_version_without_label_is_labelled_with_its_number(client: Client, file: Entity) -> None:
    assert "2" == update(client, file, "?newVersion=true", versionLabel=None).json["versionLabel"]


def test_a_used_label_is_400_for_a_new_version_and_500_in_place(client: Client, file: Entity) -> None:
    """Neither letter case nor accents make a label different (contract 6.5)."""
    update(client, file, "?newVersion=true", versionLabel="Entwürfe")
    update(client, file, "?newVersion=true", versionLabel="3rd")

    assert 400 == update(client, file, "?newVersion=true", versionLabel="ENTWURFE").status
    assert 500 == update(client, file, versionLabel="entwurfe").status
    assert 200 == update(client, file, versionLabel="3RD").status


def test_a_new_version_keeps_annotations_and_drops_the_activity(client: Client, file: Entity) -> None:
    activity = client.post("/repo/v1/activity", {"name": "made"}).json
    client.put(f"{ENTITY}/{file.id}/generatedBy?generatedBy={activity['id']}")
    annotations = client.get(f"{ENTITY}/{file.id}/annotations2").json
    annotations["annotations"] = {"site": {"type": "STRING", "value": ["Kyoto"]}}
    assert 200 == client.put(f"{ENTITY}/{file.id}/annotations2", annotations).status

    update(client, file, "?newVersion=true", versionLabel=None)

    assert ["Kyoto"] == client.get(f"{ENTITY}/{file.id}/annotations2").json["annotations"]["site"]["value"]
    assert 404 == client.get(f"{ENTITY}/{file.id}/generatedBy").status
    assert "made" == client.get(f"{ENTITY}/{file.id}/version/1/generatedBy").json["name"]


def test_a_new_version_keeps_the_activity_it_is_told(client: Client, file: Entity) -> None:
    activity = client.post("/repo/v1/activity", {"name": "made"}).json

    update(client, file, f"?newVersion=true&generatedBy={activity['id']}", versionLabel=None)

    assert activity["id"] == client.get(f"{ENTITY}/{file.id}/generatedBy").json["id"]


def test_an_update_in_place_keeps_the_activity(client: Client, file: Entity) -> None:
    activity = client.post("/repo/v1/activity", {"name": "made"}).json
    client.put(f"{ENTITY}/{file.id}/generatedBy?generatedBy={activity['id']}")

    update(client, file, description="words")

    assert activity["id"] == client.get(f"{ENTITY}/{file.id}/generatedBy").json["id"]


def test_a_stale_etag_is_412_and_changes_nothing(client: Client, file: Entity) -> None:
    stale = file.etag
    update(client, file, description="one")

    assert 412 == update(client, file, etag=stale, description="two").status
    assert "one" == client.get(f"{ENTITY}/{file.id}").json["description"]


def test_an_omitted_description_is_erased(client: Client, file: Entity) -> None:
    """The update replaces the whole entity."""
    update(client, file, description="words")

    update(client, file, description=None)

    assert "description" not in client.get(f"{ENTITY}/{file.id}").json


def test_every_update_changes_the_etag_and_who_modified(client: Client, file: Entity) -> None:
    before = file.etag
    client.world.access.put(
        client.world, client.world.entities.ancestors(file.id)[0].id, {3413: frozenset({"READ", "UPDATE"})}
    )

    answer = update(client.colleague(), file, description="words").json

    assert before != answer["etag"]
    assert "3413" == answer["modifiedBy"]


def test_a_handle_of_somebody_else_is_refused(client: Client, file: Entity) -> None:
    assert 403 == update(client, file, dataFileHandleId=client.handle(owner="3413").id).status
    assert 404 == update(client, file, dataFileHandleId="999999").status


def test_an_update_needs_update_and_certification(client: Client, file: Entity) -> None:
    project = client.world.entities.ancestors(file.id)[0]
    client.grant(project, "READ")
    assert 403 == update(client.colleague(), file, description="x").status

    client.world.principals.put(replace(client.user, is_certified=False))

    assert 403 == update(client, file, description="x").status


def test_a_body_without_etag_or_modified_on_is_refused(client: Client, file: Entity) -> None:
    assert 400 == update(client, file, etag=None).status
    assert 400 == update(client, file, modifiedOn=None).status


def test_new_version_means_nothing_for_a_table(client: Client) -> None:
    """Tables get versions from snapshots only (contract 6.5)."""
    body = {
        "concreteType": PACKAGE + "table.TableEntity",
        "name": "t",
        "parentId": client.project().id,
        "columnIds": [],
    }
    table = client.world.entities.require(client.post(ENTITY, body).json["id"])

    assert 200 == update(client, table, "?newVersion=true", description="x").status
    assert 1 == len(table.versions)


def test_old_versions_show_the_zero_etag(client: Client, file: Entity) -> None:
    update(client, file, "?newVersion=true", versionLabel=None)

    old = client.get(f"{ENTITY}/{file.id}/version/1").json

    assert ("00000000-0000-0000-0000-000000000000", False) == (old["etag"], old["isLatestVersion"])
    assert file.etag == client.get(f"{ENTITY}/{file.id}/version/2").json["etag"]


def test_versions_are_listed_newest_first_and_never_name_handles(client: Client, file: Entity) -> None:
    update(client, file, "?newVersion=true", versionLabel=None)
    update(client, file, "?newVersion=true", versionLabel=None)

    listed = client.get(f"{ENTITY}/{file.id}/version?offset=1&limit=2").json

    assert [2, 1] == [info["versionNumber"] for info in listed["results"]]
    assert {"contentSize": "1", "contentMd5": MD5_A}.items() <= listed["results"][0].items()
    assert not any("andle" in member for member in listed["results"][0])


def test_a_short_page_of_versions_ends_the_list(client: Client, file: Entity) -> None:
    """The total is an estimate; only a short page is the end (contract 6.3)."""
    assert 1 == client.get(f"{ENTITY}/{file.id}/version").json["totalNumberOfResults"]
    assert 2 == client.get(f"{ENTITY}/{file.id}/version?limit=1").json["totalNumberOfResults"]


def test_version_numbers_are_never_used_again(client: Client, file: Entity) -> None:
    update(client, file, "?newVersion=true", versionLabel=None)
    assert 204 == client.delete(f"{ENTITY}/{file.id}/version/2").status

    answer = update(client, file, "?newVersion=true", versionLabel=None).json

    assert 3 == answer["versionNumber"]
    assert [1, 3] == [version.number for version in file.versions]
    assert 404 == client.get(f"{ENTITY}/{file.id}/version/2").status


def test_deleting_a_version_leaves_its_handle_and_the_last_one_stays(client: Client, file: Entity) -> None:
    other = client.handle(MD5_B)
    update(client, file, dataFileHandleId=other.id)

    assert 204 == client.delete(f"{ENTITY}/{file.id}/version/2").status

    assert client.world.handles.get(other.id) is not None
    assert () == client.world.entities.holders_of(other.id)
    assert 400 == client.delete(f"{ENTITY}/{file.id}/version/1").status


def test_a_file_can_be_moved_and_renamed(client: Client, file: Entity) -> None:
    project = client.world.entities.ancestors(file.id)[0]
    folder = client.folder(project)

    answer = update(client, file, parentId=folder.id, name="b.csv").json

    assert (folder.id, "b.csv") == (answer["parentId"], answer["name"])
    assert [file] == client.world.entities.children_of(folder.id)
    assert [folder] == client.world.entities.children_of(project.id)


def test_a_move_into_itself_or_onto_a_name_is_refused(client: Client, file: Entity) -> None:
    project = client.world.entities.ancestors(file.id)[0]
    outer = client.folder(project, "outer")
    inner = client.folder(outer, "inner")
    client.file(outer, name=file.name)

    assert 400 == update(client, outer, parentId=inner.id).status
    assert 409 == update(client, file, parentId=outer.id).status


def test_a_move_needs_create_on_the_new_parent(client: Client, file: Entity) -> None:
    elsewhere = client.project("elsewhere")
    client.world.access.put(client.world, elsewhere.id, {3413: frozenset({"READ", "CREATE"})})

    assert 403 == update(client, file, parentId=elsewhere.id).status


def test_an_entity_has_at_most_15000_versions(client: Client, file: Entity) -> None:
    for _ in range(14_999):
        client.world.entities.add_version(client.world, file, modified_by="3412", handle_id=file.current.handle_id)

    assert 400 == update(client, file, "?newVersion=true", versionLabel=None).status
    assert 200 == update(client, file, description="in place is still possible").status
    assert 200 == client.get(f"{ENTITY}/{file.id}/version/7500").status
