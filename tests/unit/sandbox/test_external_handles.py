"""Handles for content that is already somewhere (contract 7.6, 7.7)."""

import pytest

from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.http import Json
from tests.unit.sandbox.storage_world import HANDLE_TYPE, Service, md5_of

EXTERNAL = "/file/v1/externalFileHandle"
BYTES = b"hello"
MD5 = md5_of(BYTES)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def location(service: Service) -> int:
    """The steward's bucket ``lab`` with one object."""
    location_id = service.external_s3(service.bucket("lab"))
    service.world.objects.put("lab", "in/a.csv", BYTES)
    return location_id


def s3_body(location_id: int, **fields: object) -> Json:
    return {
        "concreteType": HANDLE_TYPE + "S3FileHandle",
        "storageLocationId": location_id,
        "bucketName": "lab",
        "key": "in/a.csv",
        "fileName": "a.csv",
        "contentType": "text/csv",
        "contentMd5": MD5,
        **fields,
    }


def test_an_object_is_registered_with_200_and_its_size_read(service: Service, location: int) -> None:
    answer = service.answer("POST", f"{EXTERNAL}/s3", s3_body(location))

    handle = answer.json or {}
    assert (200, len(BYTES), service.steward.id, "AVAILABLE", None) == (
        answer.status,
        handle["contentSize"],
        handle["createdBy"],
        handle["status"],
        handle["previewId"],
    )
    assert ("lab", "in/a.csv", location) == (handle["bucketName"], handle["key"], handle["storageLocationId"])


def test_size_and_md5_are_believed_when_sent(service: Service, location: int) -> None:
    handle = service.post(f"{EXTERNAL}/s3", s3_body(location, contentMd5="0" * 32, contentSize=99))

    assert ("0" * 32, 99) == (handle["contentMd5"], handle["contentSize"])


def test_names_default_to_the_words_not_set(service: Service, location: int) -> None:
    handle = service.post(f"{EXTERNAL}/s3", s3_body(location, fileName=None, contentType=None))

    assert ("NOT_SET", "NOT_SET") == (handle["fileName"], handle["contentType"])


def test_every_registration_is_another_handle(service: Service, location: int) -> None:
    ids = {service.post(f"{EXTERNAL}/s3", s3_body(location))["id"] for _ in range(2)}

    assert 2 == len(ids)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"storageLocationId": None}, 400),
        ({"storageLocationId": 424242}, 404),
        ({"storageLocationId": 1}, 400),
        ({"bucketName": "other"}, 400),
        ({"bucketName": None}, 400),
        ({"key": None}, 400),
        ({"key": "in/missing.csv"}, 400),
        ({"key": "k" * 701}, 400),
        ({"contentMd5": None}, 400),
        ({"contentMd5": "xyz"}, 400),
        ({"contentSize": "many"}, 400),
        ({"concreteType": HANDLE_TYPE + "GoogleCloudFileHandle"}, 400),
    ],
)
def test_what_cannot_be_registered(service: Service, location: int, change: Json, expected: int) -> None:
    assert expected == service.status("POST", f"{EXTERNAL}/s3", s3_body(location) | change)


def test_only_the_locations_creator_registers(service: Service, location: int) -> None:
    body = s3_body(location)

    assert 403 == service.status("POST", f"{EXTERNAL}/s3", body, user=service.colleague)
    assert 403 == service.status("POST", f"{EXTERNAL}/s3", body, user=service.administrator)
    assert 403 == service.status("POST", f"{EXTERNAL}/s3", body, user=service.world.principals.anonymous)


def test_an_object_that_synapse_cannot_read_is_a_400(service: Service, location: int) -> None:
    service.world.objects.bucket("lab").readable_by_synapse = False

    assert 400 == service.status("POST", f"{EXTERNAL}/s3", s3_body(location))


def test_the_base_key_binds_in_sts_locations_only(service: Service, location: int) -> None:
    service.bucket("lab", base_key="inside")
    plain = service.external_s3("lab", baseKey="inside")
    sts = service.external_s3("lab", baseKey="inside", stsEnabled=True)
    service.world.objects.put("lab", "inside-out/a.csv", BYTES)

    assert 200 == service.status("POST", f"{EXTERNAL}/s3", s3_body(plain))
    assert 400 == service.status("POST", f"{EXTERNAL}/s3", s3_body(sts))
    # a plain prefix of characters is all that is compared (contract 7.6)
    assert 200 == service.status("POST", f"{EXTERNAL}/s3", s3_body(sts, key="inside-out/a.csv"))


def test_google_objects_are_registered_in_google_locations(service: Service, location: int) -> None:
    google = service.location("ExternalGoogleCloudStorageLocationSetting", bucket="lab")
    body = s3_body(google, concreteType=HANDLE_TYPE + "GoogleCloudFileHandle")

    handle = service.post(f"{EXTERNAL}/googleCloud", body)

    assert ("lab", HANDLE_TYPE + "GoogleCloudFileHandle") == (handle["bucketName"], handle["concreteType"])
    assert 400 == service.status("POST", f"{EXTERNAL}/googleCloud", body | {"storageLocationId": location})


# ---------------------------------------------------------------- 7.7


@pytest.mark.parametrize("url", ["https://example.org/a.csv", "sftp://host:22/a", "ftp://h/a", "file:///tmp/a"])
def test_an_address_is_registered_unseen(service: Service, url: str) -> None:
    body = {"concreteType": HANDLE_TYPE + "ExternalFileHandle", "externalURL": url}

    handle = service.post(EXTERNAL, body)

    assert (url, "NOT_SET") == (handle["externalURL"], handle["fileName"])
    assert "contentMd5" not in handle


def test_an_address_is_valid_and_outside_sts_locations(service: Service) -> None:
    body = {"concreteType": HANDLE_TYPE + "ExternalFileHandle", "externalURL": "https://example.org/a"}
    sts = service.synapse_s3(stsEnabled=True)

    assert 400 == service.status("POST", EXTERNAL, body | {"externalURL": "no address"})
    assert 400 == service.status("POST", EXTERNAL, body | {"externalURL": None})
    assert 400 == service.status("POST", EXTERNAL, body | {"storageLocationId": sts})
    assert 200 == service.status("POST", EXTERNAL, body | {"storageLocationId": service.synapse_s3()})
    assert 400 == service.status("POST", EXTERNAL, body | {"concreteType": HANDLE_TYPE + "S3FileHandle"})


def test_an_object_store_handle_takes_address_and_bucket_from_its_location(service: Service, location: int) -> None:
    store = service.location(
        "ExternalObjectStorageLocationSetting", bucket="b", endpointUrl="https://s.org", uploadType="S3"
    )
    body = {
        "concreteType": HANDLE_TYPE + "ExternalObjectStoreFileHandle",
        "storageLocationId": store,
        "fileKey": "uuid/a.csv",
        "contentMd5": MD5,
        "contentSize": 5,
        "bucket": "ignored",
    }

    handle = service.post(EXTERNAL, body, user=service.colleague)

    assert ("https://s.org", "b", "uuid/a.csv") == (handle["endpointUrl"], handle["bucket"], handle["fileKey"])
    for change in ({"storageLocationId": location}, {"fileKey": None}, {"contentMd5": None}, {"contentSize": None}):
        assert 400 == service.status("POST", EXTERNAL, body | change)


@pytest.mark.parametrize("address", [EXTERNAL, f"{EXTERNAL}/proxy"])
def test_behind_a_proxy_the_creator_and_the_benefactors_people_register(service: Service, address: str) -> None:
    project = service.project()
    fields: Json = {"proxyUrl": "https://p.org", "secretKey": "s" * 36, "uploadType": "PROXYLOCAL"}
    own = service.location("ProxyStorageLocationSettings", **fields)
    shared = service.location("ProxyStorageLocationSettings", **fields, benefactorId=project.id)
    body = {
        "concreteType": HANDLE_TYPE + "ProxyFileHandle",
        "filePath": "dir/a.csv",
        "fileName": "a.csv",
        "contentType": "text/csv",
        "contentMd5": MD5,
        "contentSize": 5,
    }

    assert "dir/a.csv" == service.post(address, body | {"storageLocationId": own})["filePath"]
    for location_id in (own, shared):
        assert 403 == service.status("POST", address, body | {"storageLocationId": location_id}, user=service.colleague)
    service.world.access.put(
        service.world,
        project.id,
        {int(service.steward.id): ALL_RIGHTS, int(service.colleague.id): frozenset({"CREATE"})},
    )
    assert 200 == service.status("POST", address, body | {"storageLocationId": shared}, user=service.colleague)
    for name in ("filePath", "fileName", "contentType", "contentMd5", "contentSize", "storageLocationId"):
        assert 400 == service.status("POST", address, {"storageLocationId": own} | body | {name: None})
