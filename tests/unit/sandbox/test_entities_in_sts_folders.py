"""What a folder with temporary credentials allows inside, and what may leave it (contract 3.2)."""

from typing import Any

import pytest

from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import Location
from tests.unit.sandbox.synapse_client import PACKAGE, Client

ENTITY = "/repo/v1/entity"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def project(client: Client) -> Entity:
    return client.project()


@pytest.fixture
def sts(client: Client) -> Location:
    fields = {"uploadType": "S3", "stsEnabled": True, "baseKey": "3412/base"}
    return client.world.locations.store(client.world, "3412", LocationClass.SYNAPSE_S3, fields)


@pytest.fixture
def area(client: Client, project: Entity, sts: Location) -> Entity:
    """The root folder of an STS area."""
    folder = client.folder(project, "area")
    client.world.settings.put(client.world, folder.id, (sts.id,))
    return folder


def inside(client: Client, sts: Location) -> Handle:
    return client.world.handles.change(client.handle().id, storage_location_id=sts.id)


def create(client: Client, kind: str, parent: Entity, **fields: Any) -> int:
    body = {"concreteType": PACKAGE + kind, "name": f"new {kind}", "parentId": parent.id, **fields}
    return client.post(ENTITY, body).status


def update(client: Client, entity: Entity, **changes: Any) -> int:
    return client.put(f"{ENTITY}/{entity.id}", {**client.get(f"{ENTITY}/{entity.id}").json, **changes}).status


def test_a_file_inside_needs_a_handle_of_the_folders_location(client: Client, area: Entity, sts: Location) -> None:
    assert 400 == create(client, "FileEntity", area, dataFileHandleId=client.handle().id)
    assert 201 == create(client, "FileEntity", area, dataFileHandleId=inside(client, sts).id)


def test_a_handle_of_an_sts_location_is_of_no_use_outside(client: Client, project: Entity, sts: Location) -> None:
    assert 400 == create(client, "FileEntity", project, dataFileHandleId=inside(client, sts).id)


def test_only_files_and_folders_live_inside(client: Client, area: Entity) -> None:
    assert 201 == create(client, "Folder", area)
    assert 400 == create(client, "table.TableEntity", area, columnIds=[])
    assert 400 == create(client, "Link", area, linksTo={"targetId": area.id})


def test_a_file_inside_cannot_be_pointed_elsewhere_in_place(client: Client, area: Entity, sts: Location) -> None:
    """Neither by the swap, after its MD5 check, nor by an update of the entity."""
    file = client.file(area, inside(client, sts))
    old, elsewhere = file.current.handle_id, client.handle()
    body = {"oldFileHandleId": old, "newFileHandleId": elsewhere.id}

    assert 400 == client.put(f"{ENTITY}/{file.id}/version/1/filehandle", body).status
    assert 400 == update(client, file, dataFileHandleId=elsewhere.id)
    assert old == file.current.handle_id


def test_a_file_outside_cannot_be_pointed_to_an_sts_location(client: Client, project: Entity, sts: Location) -> None:
    file = client.file(project)
    body = {"oldFileHandleId": file.current.handle_id, "newFileHandleId": inside(client, sts).id}

    assert 400 == client.put(f"{ENTITY}/{file.id}/version/1/filehandle", body).status


def test_files_stay_on_their_side_of_the_border(client: Client, project: Entity, area: Entity, sts: Location) -> None:
    outside, within = client.file(project, name="out"), client.file(area, inside(client, sts), "in")

    assert 400 == update(client, outside, parentId=area.id)
    assert 400 == update(client, within, parentId=project.id)


def test_the_root_of_an_area_moves_and_what_is_below_stays(client: Client, project: Entity, area: Entity) -> None:
    below, ordinary = client.folder(area, "below"), client.folder(project, "ordinary")

    assert 400 == update(client, below, parentId=project.id)
    assert 400 == update(client, ordinary, parentId=area.id)
    assert 200 == update(client, area, parentId=ordinary.id)
    assert 200 == update(client, below, parentId=client.folder(area, "deeper").id)


def test_no_access_list_begins_below_the_root_of_an_area(client: Client, area: Entity) -> None:
    below = client.folder(area, "below")
    entries = [{"principalId": 3412, "accessType": ["READ", "CHANGE_PERMISSIONS"]}]

    assert 400 == client.post(f"{ENTITY}/{below.id}/acl", {"resourceAccess": entries}).status
    assert 201 == client.post(f"{ENTITY}/{area.id}/acl", {"resourceAccess": entries}).status
