"""Pages of children: size, tokens, order, what is hidden (contract 6.2)."""

from typing import Any

import pytest

from sandbox.synapse.entities import Entity
from tests.unit.sandbox.synapse_client import Client

CHILDREN = "/repo/v1/entity/children"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def project(client: Client) -> Entity:
    return client.project()


def names(page: Any) -> list[str]:
    return [header["name"] for header in page["page"]]


def walk(client: Client, body: dict[str, Any]) -> list[list[str]]:
    """The names on every page."""
    pages = []
    token = None
    while True:
        answer = client.post(CHILDREN, {**body, "nextPageToken": token}).json
        pages.append(names(answer))
        token = answer.get("nextPageToken")
        if token is None:
            return pages


def test_a_page_holds_50_and_its_token_can_be_read(client: Client, project: Entity) -> None:
    for number in range(120):
        client.folder(project, f"folder {number:03d}")

    first = client.post(CHILDREN, {"parentId": project.id, "includeTypes": ["folder"]}).json
    pages = walk(client, {"parentId": project.id, "includeTypes": ["folder"]})

    assert "50a50" == first["nextPageToken"]
    assert [50, 50, 20] == [len(page) for page in pages]
    assert [f"folder {number:03d}" for number in range(120)] == [name for page in pages for name in page]


def test_a_full_last_page_has_no_token(client: Client, project: Entity) -> None:
    for number in range(50):
        client.folder(project, f"folder {number:03d}")

    assert [50] == [len(page) for page in walk(client, {"parentId": project.id, "includeTypes": ["folder"]})]


@pytest.mark.parametrize("token", ["51a0", "100a0", "0a0", "abc", "50a", "50a-1"])
def test_a_token_made_by_hand_cannot_ask_for_more(client: Client, project: Entity, token: str) -> None:
    body = {"parentId": project.id, "includeTypes": ["folder"], "nextPageToken": token}

    assert 400 == client.post(CHILDREN, body).status


@pytest.mark.parametrize("types", [None, [], ["nonsense"], "file"])
def test_at_least_one_known_type_is_required(client: Client, project: Entity, types: object) -> None:
    assert 400 == client.post(CHILDREN, {"parentId": project.id, "includeTypes": types}).status


def test_only_the_types_asked_for_are_listed(client: Client, project: Entity) -> None:
    client.folder(project, "b")
    client.file(project, name="a")

    assert ["a"] == names(client.post(CHILDREN, {"parentId": project.id, "includeTypes": ["file"]}).json)
    assert ["a", "b"] == names(client.post(CHILDREN, {"parentId": project.id, "includeTypes": ["folder", "file"]}).json)


def test_children_are_sorted_as_asked(client: Client, project: Entity) -> None:
    for name in ["b", "C", "a"]:
        client.folder(project, name)
    client.world.entities.touch(client.world, client.world.entities.children_of(project.id)[0], "3412")
    client.world.entities.children_of(project.id)[0].current.modified_on = "2999-01-01T00:00:00.000Z"

    def listed(**order: str) -> list[str]:
        return names(client.post(CHILDREN, {"parentId": project.id, "includeTypes": ["folder"], **order}).json)

    assert ["a", "b", "C"] == listed()
    assert ["C", "b", "a"] == listed(sortDirection="DESC")
    assert ["b", "C", "a"] == listed(sortBy="CREATED_ON")
    assert "b" == listed(sortBy="MODIFIED_ON")[-1]
    assert 400 == client.post(CHILDREN, {"parentId": project.id, "includeTypes": ["folder"], "sortBy": "SIZE"}).status


def test_a_listing_follows_changes(client: Client, project: Entity) -> None:
    """Nothing remembered for the next page outlives a change."""
    body = {"parentId": project.id, "includeTypes": ["folder"]}
    first = client.folder(project, "first")
    assert ["first"] == names(client.post(CHILDREN, body).json)

    client.folder(project, "another")
    client.world.entities.relocate(first, name="zuletzt", parent_id=project.id)

    assert ["another", "zuletzt"] == names(client.post(CHILDREN, body).json)
    client.delete(f"/repo/v1/entity/{first.id}")
    assert ["another"] == names(client.post(CHILDREN, body).json)


def test_unreadable_children_are_left_out_of_pages_and_totals(client: Client, project: Entity) -> None:
    client.grant(project, "READ")
    hidden = client.folder(project, "hidden")
    client.folder(project, "seen")
    client.grant(hidden, "DOWNLOAD")
    body = {"parentId": project.id, "includeTypes": ["folder"], "includeTotalChildCount": True}

    seen = client.colleague().post(CHILDREN, body).json

    assert (["seen"], 1) == (names(seen), seen["totalChildCount"])
    assert 2 == client.post(CHILDREN, body).json["totalChildCount"]


def test_totals_and_sizes_cover_all_pages_and_come_only_when_asked(client: Client, project: Entity) -> None:
    for number in range(60):
        client.file(project, name=f"{number}.csv")
    body = {"parentId": project.id, "includeTypes": ["file", "folder"]}

    plain = client.post(CHILDREN, body).json
    counted = client.post(CHILDREN, {**body, "includeTotalChildCount": True, "includeSumFileSizes": True}).json

    assert not {"totalChildCount", "sumFileSizesBytes"} & set(plain)
    assert (60, 60) == (counted["totalChildCount"], counted["sumFileSizesBytes"])


def test_without_a_parent_the_visible_projects_are_listed(client: Client, project: Entity) -> None:
    client.folder(project)
    client.world.access.put(client.world, client.project("other's").id, {3413: frozenset({"READ"})})

    assert ["project"] == names(client.post(CHILDREN, {"includeTypes": ["file"]}).json)
    assert ["other's"] == names(client.colleague().post(CHILDREN, {"includeTypes": ["file"]}).json)


def test_reading_the_parent_is_required(client: Client, project: Entity) -> None:
    body = {"parentId": project.id, "includeTypes": ["file"]}

    assert 403 == client.colleague().post(CHILDREN, body).status
    assert 404 == client.post(CHILDREN, {**body, "parentId": "syn999999"}).status


def test_a_header_names_the_benefactor_as_a_number_and_no_handle(client: Client, project: Entity) -> None:
    client.file(client.folder(project))

    header = client.post(CHILDREN, {"parentId": project.id, "includeTypes": ["folder"]}).json["page"][0]

    assert int(project.id[3:]) == header["benefactorId"]
    assert {
        "id",
        "name",
        "type",
        "versionNumber",
        "versionLabel",
        "isLatestVersion",
        "benefactorId",
        "createdOn",
        "modifiedOn",
        "createdBy",
        "modifiedBy",
    } == set(header)
