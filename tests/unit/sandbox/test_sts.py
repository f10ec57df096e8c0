"""Temporary credentials: who gets them, for what, for how long (contract 5)."""

from datetime import datetime, timedelta

import pytest

from sandbox.objects.access import Action
from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.entities import Entity
from tests.unit.sandbox.storage_world import Service


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def folder(service: Service) -> Entity:
    """A folder in an external bucket with temporary credentials."""
    location_id = service.external_s3(service.bucket("sts-lab", base_key="a"), baseKey="a", stsEnabled=True)
    folder = service.folder(service.project())
    service.set_locations(folder, location_id)
    return folder


def address(entity: Entity, permission: str = "read_only") -> str:
    return f"/repo/v1/entity/{entity.id}/sts?permission={permission}"


@pytest.mark.parametrize(("permission", "may_write"), [("read_only", False), ("read_write", True)])
def test_credentials_reach_the_base_key_of_the_location_and_no_further(
    service: Service, folder: Entity, permission: str, *, may_write: bool
) -> None:
    told = service.get(address(service.folder(folder, "below"), permission))

    objects = service.world.objects
    session = objects.credential(told["accessKeyId"])
    assert session is not None
    assert ("sts-lab", "a") == (told["bucket"], told["baseKey"])
    assert (session.secret_key, session.session_token) == (told["secretAccessKey"], told["sessionToken"])
    bucket = objects.bucket("sts-lab")
    assert session.allows(Action.READ, bucket, "a/x")
    assert may_write is session.allows(Action.WRITE, bucket, "a/x")
    assert not session.allows(Action.READ, bucket, "b/x")
    assert not session.allows(Action.READ, bucket, "a/owner.txt")


@pytest.mark.parametrize("hours", [1, 12])
def test_they_live_one_hour_unless_set_otherwise(service: Service, folder: Entity, hours: int) -> None:
    if hours != 1:
        service.world.settings.sts_life = timedelta(hours=hours)

    ends = datetime.fromisoformat(service.get(address(folder))["expiration"])

    assert timedelta(minutes=-1) < ends - service.world.clock.now() - timedelta(hours=hours) <= timedelta(0)


def test_synapse_storage_is_read_only(service: Service) -> None:
    folder = service.folder(service.project())
    service.set_locations(folder, service.synapse_s3(stsEnabled=True))

    assert 200 == service.status("GET", address(folder))
    assert 400 == service.status("GET", address(folder, "read_write"))


def test_only_sts_folders_have_credentials(service: Service) -> None:
    project = service.project()

    assert 400 == service.status("GET", address(project))
    service.set_locations(project, service.external_s3(service.bucket("plain")))
    assert 400 == service.status("GET", address(project))
    assert 404 == service.status("GET", "/repo/v1/entity/syn424242/sts?permission=read_only")


def test_the_permission_is_one_of_two(service: Service, folder: Entity) -> None:
    assert 400 == service.status("GET", address(folder, "all"))
    assert 400 == service.status("GET", f"/repo/v1/entity/{folder.id}/sts")


@pytest.mark.parametrize(
    ("missing", "permission", "expected"),
    [
        ("DOWNLOAD", "read_only", 403),
        ("UPDATE", "read_only", 200),
        ("UPDATE", "read_write", 403),
        ("CREATE", "read_write", 403),
        ("DELETE", "read_write", 403),
        ("CHANGE_PERMISSIONS", "read_write", 200),
    ],
)
def test_the_rights_that_credentials_need(
    service: Service, folder: Entity, missing: str, permission: str, expected: int
) -> None:
    service.world.access.put(service.world, folder.id, {int(service.steward.id): ALL_RIGHTS - {missing}})

    assert expected == service.status("GET", address(folder, permission))


def test_an_unmet_requirement_refuses_them(service: Service, folder: Entity) -> None:
    service.world.access.restrict(folder.id)

    assert 403 == service.status("GET", address(folder))
