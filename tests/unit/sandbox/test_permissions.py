"""Access lists: inheritance, replacement under an etag, what may be listed (contract 10)."""

from dataclasses import replace
from typing import Any

import pytest

from sandbox.synapse.entities import Entity
from tests.unit.sandbox.synapse_client import Client

ENTITY = "/repo/v1/entity"
EVERYTHING = [
    "READ",
    "DOWNLOAD",
    "CREATE",
    "UPDATE",
    "DELETE",
    "CHANGE_PERMISSIONS",
    "CHANGE_SETTINGS",
    "MODERATE",
]


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def project(client: Client) -> Entity:
    return client.project()


@pytest.fixture
def folder(client: Client, project: Entity) -> Entity:
    return client.folder(project)


def acl(entity: Entity, *entries: tuple[int, list[str]], etag: str | None = None) -> dict[str, Any]:
    listed = [{"principalId": principal_id, "accessType": rights} for principal_id, rights in entries]
    return {"id": entity.id, "etag": etag, "resourceAccess": listed}


MINE = (3412, EVERYTHING)


def test_the_list_of_an_heir_is_404_and_names_the_benefactor(client: Client, project: Entity, folder: Entity) -> None:
    refused = client.get(f"{ENTITY}/{folder.id}/acl")

    assert 404 == refused.status
    assert project.id in refused.reason
    assert project.id == client.get(f"{ENTITY}/{folder.id}/benefactor").json["id"]


def test_a_list_of_its_own_begins_with_post_and_ends_with_delete(client: Client, folder: Entity) -> None:
    body = acl(folder, MINE, (3413, ["READ"]))
    address = f"{ENTITY}/{folder.id}/acl"
    assert 403 == client.put(address, body).status

    assert 201 == client.post(address, body).status

    assert folder.id == client.get(f"{ENTITY}/{folder.id}/benefactor").json["id"]
    assert 200 == client.colleague().get(f"{ENTITY}/{folder.id}").status
    assert 403 == client.post(address, body).status
    assert 204 == client.delete(address).status
    assert 403 == client.colleague().get(f"{ENTITY}/{folder.id}").status


def test_a_project_cannot_go_back_to_inheritance(client: Client, project: Entity) -> None:
    assert 403 == client.delete(f"{ENTITY}/{project.id}/acl").status


def test_a_replacement_needs_the_present_etag(client: Client, project: Entity) -> None:
    address = f"{ENTITY}/{project.id}/acl"
    etag = client.get(address).json["etag"]

    replaced = client.put(address, acl(project, MINE, (273949, ["READ"]), etag=etag))

    assert 200 == replaced.status
    assert etag != replaced.json["etag"]
    assert 412 == client.put(address, acl(project, MINE, etag=etag)).status
    assert [3412, 273949] == [entry["principalId"] for entry in client.get(address).json["resourceAccess"]]


@pytest.mark.parametrize(
    "entries",
    [
        [MINE, (273949, ["READ", "DOWNLOAD"])],
        [MINE, (273950, ["READ"])],
        [MINE, (3413, ["FLY"])],
    ],
    ids=["public download", "anonymous", "unknown right"],
)
def test_what_may_not_be_listed_is_400(client: Client, project: Entity, entries: list[tuple[int, list[str]]]) -> None:
    etag = client.get(f"{ENTITY}/{project.id}/acl").json["etag"]

    assert 400 == client.put(f"{ENTITY}/{project.id}/acl", acl(project, *entries, etag=etag)).status


def test_whoever_is_not_the_owner_keeps_the_right_to_change_the_list(client: Client, project: Entity) -> None:
    client.grant(project, *EVERYTHING)
    etag = client.get(f"{ENTITY}/{project.id}/acl").json["etag"]
    without_me = acl(project, MINE, (3413, ["READ"]), etag=etag)

    assert 400 == client.colleague().put(f"{ENTITY}/{project.id}/acl", without_me).status
    assert 200 == client.put(f"{ENTITY}/{project.id}/acl", without_me).status


def test_changing_the_list_needs_change_permissions(client: Client, project: Entity, folder: Entity) -> None:
    client.grant(project, "READ", "UPDATE", "DELETE", "CREATE")

    assert 403 == client.colleague().post(f"{ENTITY}/{folder.id}/acl", acl(folder, (3413, EVERYTHING))).status


def test_single_rights_can_be_asked_for(client: Client, project: Entity, folder: Entity) -> None:
    client.grant(project, "READ")
    colleague = client.colleague()

    assert {"result": True} == colleague.get(f"{ENTITY}/{folder.id}/access?accessType=READ").json
    assert {"result": False} == colleague.get(f"{ENTITY}/{folder.id}/access?accessType=UPDATE").json
    assert 400 == colleague.get(f"{ENTITY}/{folder.id}/access?accessType=FLY").status


def test_permissions_take_certification_and_requirements_into_account(client: Client, folder: Entity) -> None:
    client.world.principals.put(replace(client.user, is_certified=False))
    client.world.access.restrict(folder.id)

    found = client.get(f"{ENTITY}/{folder.id}/permissions").json

    assert {
        "canView": True,
        "canDownload": False,
        "canEdit": False,
        "canCertifiedUserEdit": True,
        "isCertifiedUser": False,
        "canEnableInheritance": True,
        "ownerPrincipalId": 3412,
    }.items() <= found.items()


def test_rights_of_a_team_are_rights_of_its_members(client: Client, project: Entity) -> None:
    team = client.world.principals.add_team(client.world, name="lab", member_ids=("3413",))
    client.grant(project, "READ", principal_id=team.id)

    assert 200 == client.colleague().get(f"{ENTITY}/{project.id}").status
    assert ["lab"] == [found["name"] for found in client.get("/repo/v1/user/3413/team").json["results"]]


def test_an_administrator_passes_every_check(client: Client, project: Entity) -> None:
    administrator = client.by(client.world.principals.administrator_token)

    assert 200 == administrator.get(f"{ENTITY}/{project.id}").status
    assert administrator.get(f"{ENTITY}/{project.id}/permissions").json["canDelete"]
