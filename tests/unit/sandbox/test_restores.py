"""Restoring archived file handles (contract 7.8)."""

from dataclasses import replace

import pytest

from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.handles import Handle
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.principals import User
from tests.unit.sandbox.storage_world import HANDLE_TYPE, Service

RESTORE = "/file/v1/fileHandle/restore/async"


@pytest.fixture
def service() -> Service:
    return Service()


def archived(service: Service, status: str = "ARCHIVED") -> Handle:
    """A handle of the colleague's whose object is in the archive."""
    handle = service.stored(b"frozen")
    bucket, key = str(handle.bucket), str(handle.key)
    stored = service.world.objects.head(bucket, key)
    attributes = replace(stored.attributes, storage_class="DEEP_ARCHIVE")
    service.world.objects.bucket(bucket).put(key, replace(stored, attributes=attributes))
    return service.world.handles.change(handle.id, status=status)


def restore(service: Service, *ids: str, user: User | None = None) -> list[Json]:
    body = {"concreteType": HANDLE_TYPE + "FileHandleRestoreRequest", "fileHandleIds": list(ids)}
    who = user or service.colleague
    token = service.post(f"{RESTORE}/start", body, user=who)["token"]
    results: list[Json] = service.get(f"{RESTORE}/get/{token}", user=who)["restoreResults"]
    return results


def test_an_archived_object_is_readable_after_it_was_restored(service: Service) -> None:
    """The first request starts the work, a later one finds it done."""
    handle = archived(service)
    with pytest.raises(S3Refusal):
        service.world.objects.get(str(handle.bucket), str(handle.key))

    assert "RESTORING" == restore(service, handle.id)[0]["status"]
    assert "ARCHIVED" == service.world.handles.require(handle.id).status
    assert [{"fileHandleId": handle.id, "status": "RESTORED"}] == restore(service, handle.id)

    assert "AVAILABLE" == service.world.handles.require(handle.id).status
    assert b"frozen" == service.world.objects.get(str(handle.bucket), str(handle.key)).content.bytes()


def test_each_handle_has_its_own_outcome(service: Service) -> None:
    fine, unlinked, lost = (service.stored(b"x", key=f"3413/{name}/x") for name in ("fine", "unlinked", "lost"))
    service.world.handles.change(unlinked.id, status="UNLINKED")
    service.world.handles.change(lost.id, status="ARCHIVED")
    service.world.objects.delete(str(lost.bucket), str(lost.key))

    statuses = [result["status"] for result in restore(service, fine.id, unlinked.id, lost.id, "424242")]

    assert ["NO_ACTION", "RESTORED", "FAILED", "NOT_FOUND"] == statuses
    assert "UNAUTHORIZED" == restore(service, fine.id, user=service.steward)[0]["status"]


@pytest.mark.parametrize("count", [0, 1001])
def test_one_to_a_thousand_handles_are_restored_at_once(service: Service, count: int) -> None:
    with pytest.raises(Refused) as refused:
        restore(service, *["1"] * count)

    assert 400 == refused.value.status
