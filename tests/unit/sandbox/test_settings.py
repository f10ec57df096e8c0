"""Project settings: inheritance, validation, etags and the rules of STS folders (contract 3)."""

import pytest

from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.entities import Entity
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import Kind
from sandbox.synapse.settings import UPLOAD_LIST, require_file_allowed
from tests.unit.sandbox.storage_world import Service

SETTINGS = "/repo/v1/projectSettings"


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def project(service: Service) -> Entity:
    return service.project()


def body_for(entity: Entity, *location_ids: object, **fields: object) -> Json:
    return {"concreteType": UPLOAD_LIST, "projectId": entity.id, "locations": list(location_ids), **fields}


def test_a_setting_is_stored_and_read_back(service: Service, project: Entity) -> None:
    location_id = service.synapse_s3()

    stored = service.post(SETTINGS, body_for(project, location_id, 1))

    assert {
        "concreteType": UPLOAD_LIST,
        "id": stored["id"],
        "projectId": project.id,
        "settingsType": "upload",
        "etag": stored["etag"],
        "locations": [location_id, 1],
    } == stored
    assert stored == service.get(f"{SETTINGS}/{stored['id']}")
    assert stored == service.get(f"{SETTINGS}/{project.id}/type/upload")


def test_no_own_setting_is_an_empty_body(service: Service, project: Entity) -> None:
    """This call does not inherit (contract 3)."""
    folder = service.folder(project)
    service.set_locations(project, service.synapse_s3())

    answer = service.answer("GET", f"{SETTINGS}/{folder.id}/type/upload")

    assert (200, None) == (answer.status, answer.json)
    assert 400 == service.status("GET", f"{SETTINGS}/{folder.id}/type/requester_pays")


def test_the_nearest_setting_counts_whole(service: Service, project: Entity) -> None:
    upper, lower = service.synapse_s3(), service.synapse_s3(banner="lower")
    near = service.folder(project)
    far = service.folder(near, "deeper")
    settings = service.world.settings

    assert 1 == settings.default_location(service.world, far.id).id
    service.set_locations(project, upper, 1)
    assert upper == settings.default_location(service.world, far.id).id
    service.set_locations(near, lower)
    setting = settings.effective(service.world, far.id)

    assert setting is not None
    assert (lower,) == setting.location_ids


@pytest.mark.parametrize("locations", [[], list(range(11)), None, [424242], ["x"]])
def test_one_to_ten_existing_locations_are_needed(
    service: Service, project: Entity, locations: list[object] | None
) -> None:
    assert 400 == service.status("POST", SETTINGS, body_for(project) | {"locations": locations})


def test_a_second_setting_is_refused(service: Service, project: Entity) -> None:
    service.set_locations(project, 1)

    assert 400 == service.status("POST", SETTINGS, body_for(project, 1))


def test_only_projects_and_folders_have_settings(service: Service, project: Entity) -> None:
    table = service.world.entities.add(
        service.world, kind=Kind.TABLE, name="t", parent_id=project.id, created_by=service.steward.id
    )

    assert 400 == service.status("POST", SETTINGS, body_for(table, 1))
    assert 400 == service.status("POST", SETTINGS, body_for(project, 1) | {"projectId": None})
    assert 400 == service.status("POST", SETTINGS, body_for(project, 1) | {"concreteType": "x"})
    assert 404 == service.status("POST", SETTINGS, body_for(project, 1) | {"projectId": "syn99999"})


def test_external_s3_is_for_its_creator_other_types_for_everybody(service: Service, project: Entity) -> None:
    bucket = service.bucket("others", owner=service.colleague)
    external = service.external_s3(bucket, user=service.colleague)
    synapse = service.synapse_s3(user=service.colleague)

    assert 403 == service.status("POST", SETTINGS, body_for(project, synapse, external))
    assert 201 == service.status("POST", SETTINGS, body_for(project, synapse, 1))


def test_every_change_needs_its_right(service: Service, project: Entity) -> None:
    colleague = service.colleague
    stored = service.set_locations(project, 1)
    address = f"{SETTINGS}/{stored['id']}"

    assert 403 == service.status("GET", address, user=colleague)
    assert 403 == service.status("GET", f"{SETTINGS}/{project.id}/type/upload", user=colleague)
    service.world.access.put(
        service.world,
        project.id,
        {int(service.steward.id): ALL_RIGHTS, int(colleague.id): frozenset({"READ"})},
    )
    assert 200 == service.status("GET", address, user=colleague)
    assert 403 == service.status("PUT", SETTINGS, stored, user=colleague)
    assert 403 == service.status("DELETE", address, user=colleague)
    assert 403 == service.status("POST", SETTINGS, body_for(service.folder(project), 1), user=colleague)


def test_an_update_needs_the_current_etag(service: Service, project: Entity) -> None:
    location_id = service.synapse_s3()
    stored = service.set_locations(project, 1)

    answer = service.answer("PUT", SETTINGS, stored | {"locations": [location_id]})

    assert (200, None) == (answer.status, answer.json)
    changed = service.get(f"{SETTINGS}/{stored['id']}")
    assert ([location_id], True) == (changed["locations"], changed["etag"] != stored["etag"])
    assert 412 == service.status("PUT", SETTINGS, stored)


def test_project_and_type_are_fixed(service: Service, project: Entity) -> None:
    stored = service.set_locations(project, 1)

    assert 400 == service.status("PUT", SETTINGS, stored | {"projectId": service.folder(project).id})
    assert 400 == service.status("PUT", SETTINGS, stored | {"settingsType": "requester_pays"})
    assert 404 == service.status("PUT", SETTINGS, stored | {"id": "777"})


def test_a_deleted_setting_is_inherited_again(service: Service, project: Entity) -> None:
    stored = service.set_locations(project, service.synapse_s3())

    assert 204 == service.status("DELETE", f"{SETTINGS}/{stored['id']}")

    assert 404 == service.status("GET", f"{SETTINGS}/{stored['id']}")
    assert 1 == service.world.settings.default_location(service.world, project.id).id


# ---------------------------------------------------------------- STS folders (3.2)


@pytest.fixture
def sts(service: Service) -> int:
    return service.external_s3(service.bucket("sts-lab"), stsEnabled=True)


def test_sts_is_for_folders_and_alone(service: Service, project: Entity, sts: int) -> None:
    folder = service.folder(project)

    assert 400 == service.status("POST", SETTINGS, body_for(project, sts))
    assert 400 == service.status("POST", SETTINGS, body_for(folder, sts, 1))
    assert 201 == service.status("POST", SETTINGS, body_for(folder, sts))


def test_an_sts_folder_is_empty_when_set_changed_or_freed_trash_included(
    service: Service, project: Entity, sts: int
) -> None:
    folder = service.folder(project)
    stored = service.set_locations(folder, sts)
    service.world.entities.trash(service.folder(folder))

    assert 400 == service.status("PUT", SETTINGS, stored | {"locations": [1]})
    assert 400 == service.status("DELETE", f"{SETTINGS}/{stored['id']}")
    filled = service.folder(project, "filled")
    service.folder(filled)
    assert 400 == service.status("POST", SETTINGS, body_for(filled, sts))
    assert 201 == service.status("POST", SETTINGS, body_for(filled, 1))


def test_nothing_below_an_sts_folder_has_its_own_setting(service: Service, project: Entity, sts: int) -> None:
    folder = service.folder(project)
    service.set_locations(folder, sts)

    assert 400 == service.status("POST", SETTINGS, body_for(service.folder(folder), 1))


def test_files_and_sts_locations_stay_together(service: Service, project: Entity, sts: int) -> None:
    world = service.world
    folder = service.folder(project)
    service.set_locations(folder, sts)
    below = service.folder(folder, "below")

    require_file_allowed(world, below.id, sts)
    require_file_allowed(world, project.id, 1)
    require_file_allowed(world, project.id, None)
    for container, location_id in ((folder, 1), (below, None), (project, sts)):
        with pytest.raises(Refused) as refused:
            require_file_allowed(world, container.id, location_id)
        assert 400 == refused.value.status
