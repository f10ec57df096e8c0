"""Upload destinations: what an uploader is told about where bytes go (contract 4)."""

import pytest

from sandbox.synapse.entities import Entity
from sandbox.synapse.http import Json
from tests.unit.sandbox.storage_world import HANDLE_TYPE, Service


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def project(service: Service) -> Entity:
    return service.project()


def destination(service: Service, entity: Entity, location_id: int | None = None) -> Json:
    suffix = "" if location_id is None else f"/{location_id}"
    return service.get(f"/file/v1/entity/{entity.id}/uploadDestination{suffix}")


def test_without_a_setting_it_is_synapse_storage(service: Service, project: Entity) -> None:
    expected = {"concreteType": HANDLE_TYPE + "S3UploadDestination", "storageLocationId": 1, "uploadType": "S3"}

    assert expected == destination(service, project)


def test_the_first_of_the_effective_list_is_the_default(service: Service, project: Entity) -> None:
    bucket = service.bucket("lab-eu", base_key="a")
    second = service.synapse_s3()
    first = service.external_s3(bucket, baseKey="a", banner="Lab", stsEnabled=False, endpointUrl="https://x.org")
    service.set_locations(project, first, second)

    assert {
        "concreteType": HANDLE_TYPE + "ExternalS3UploadDestination",
        "storageLocationId": first,
        "uploadType": "S3",
        "banner": "Lab",
        "bucket": "lab-eu",
        "baseKey": "a",
        "stsEnabled": False,
    } == destination(service, service.folder(project))


def test_any_existing_location_is_told_to_anybody(service: Service, project: Entity) -> None:
    """The way for others than the creator to learn bucket and base key; the owner is not revealed."""
    location_id = service.external_s3(service.bucket("lab-eu"))

    told = service.get(f"/file/v1/entity/{project.id}/uploadDestination/{location_id}", user=service.colleague)

    assert ("lab-eu", False) == (told["bucket"], "createdBy" in told)
    assert 404 == service.status("GET", f"/file/v1/entity/{project.id}/uploadDestination/424242")
    assert 404 == service.status("GET", "/file/v1/entity/syn424242/uploadDestination")


def test_google_and_object_store(service: Service, project: Entity) -> None:
    google = service.location("ExternalGoogleCloudStorageLocationSetting", bucket=service.bucket("gcs"))
    store = service.location(
        "ExternalObjectStorageLocationSetting", bucket="b", endpointUrl="https://s.org", uploadType="S3"
    )

    told = destination(service, project, google)
    one, two = (destination(service, project, store) for _ in range(2))

    assert (HANDLE_TYPE + "ExternalGoogleCloudUploadDestination", "gcs") == (told["concreteType"], told["bucket"])
    assert (HANDLE_TYPE + "ExternalObjectStoreUploadDestination", "https://s.org", "b") == (
        one["concreteType"],
        one["endpointUrl"],
        one["bucket"],
    )
    assert one["keyPrefixUUID"] != two["keyPrefixUUID"]


def test_an_address_is_extended_by_the_folders_when_asked(service: Service, project: Entity) -> None:
    folder = service.folder(service.folder(project, "one"), "two words")
    deep = service.location(
        "ExternalStorageLocationSetting", url="sftp://h/p/", uploadType="SFTP", supportsSubfolders=True
    )
    flat = service.location("ExternalStorageLocationSetting", url="sftp://h/p", uploadType="SFTP")

    deep_url, _, uuid = destination(service, folder, deep)["url"].rpartition("/")
    flat_url, _, _ = destination(service, folder, flat)["url"].rpartition("/")

    assert ("sftp://h/p/project/one/two%20words", "sftp://h/p", 36) == (deep_url, flat_url, len(uuid))
    address = f"/file/v1/entity/{folder.id}/uploadDestination/{flat}"
    assert 403 == service.status("GET", address, user=service.colleague)


def test_a_proxy_takes_no_uploads(service: Service, project: Entity) -> None:
    proxy = service.location(
        "ProxyStorageLocationSettings", proxyUrl="https://p.org", secretKey="s" * 36, uploadType="PROXYLOCAL"
    )

    assert 400 == service.status("GET", f"/file/v1/entity/{project.id}/uploadDestination/{proxy}")


def test_the_whole_list_is_told_in_both_forms(service: Service, project: Entity) -> None:
    location_id = service.synapse_s3(description="Mine")
    service.set_locations(project, location_id, 1)

    summaries = service.get(f"/file/v1/entity/{project.id}/uploadDestinationLocations")["list"]
    full = service.get(f"/file/v1/entity/{project.id}/uploadDestinations")["list"]

    assert [
        {"storageLocationId": 1, "uploadType": "S3"},
        {"storageLocationId": location_id, "uploadType": "S3", "description": "Mine"},
    ] == sorted(summaries, key=lambda summary: summary["storageLocationId"])
    assert [location_id, 1] == [one["storageLocationId"] for one in full]


def test_one_must_be_signed_in(service: Service, project: Entity) -> None:
    address = f"/file/v1/entity/{project.id}/uploadDestination"

    assert 403 == service.status("GET", address, user=service.world.principals.anonymous)
