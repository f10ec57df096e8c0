"""Storage locations: six classes, the proof of ownership, idempotency, who may read (contract 2)."""

from dataclasses import replace

import pytest

from sandbox.synapse.http import Json, Refused
from sandbox.synapse.principals import CERTIFIED_USERS_ID
from tests.unit.sandbox.storage_world import LOCATION_TYPE, Service

LOCATIONS = "/repo/v1/storageLocation"


@pytest.fixture
def service() -> Service:
    return Service()


def setting(kind: str, **fields: object) -> Json:
    return {"concreteType": LOCATION_TYPE + kind, **fields}


def external_s3(bucket: str | None = "lab-archive", **fields: object) -> Json:
    return setting("ExternalS3StorageLocationSetting", bucket=bucket, **fields)


def proxy(**fields: object) -> Json:
    return setting(
        "ProxyStorageLocationSettings",
        **{"proxyUrl": "https://proxy.example.org", "secretKey": "s" * 36, "uploadType": "PROXYLOCAL"} | fields,
    )


def test_a_location_comes_back_with_what_the_server_adds(service: Service) -> None:
    service.bucket("lab-archive", base_key="synapse/a")
    body = external_s3(
        baseKey=" /synapse/a/\t",
        stsEnabled=True,
        uploadType="SFTP",
        banner="Lab",
        description="EU",
        endpointUrl="https://s3.amazonaws.com",
        somethingElse=1,
    )

    answer = service.answer("POST", LOCATIONS, body)

    stored = answer.json or {}
    assert 201 == answer.status
    assert {
        "concreteType": LOCATION_TYPE + "ExternalS3StorageLocationSetting",
        "storageLocationId": stored["storageLocationId"],
        "uploadType": "S3",  # forced by the class
        "bucket": "lab-archive",
        "baseKey": "synapse/a",  # stripped
        "stsEnabled": True,
        "endpointUrl": "https://s3.amazonaws.com",
        "banner": "Lab",
        "description": "EU",
        "createdBy": int(service.steward.id),
        "createdOn": stored["createdOn"],
        "etag": stored["etag"],
    } == stored
    assert stored == service.get(f"{LOCATIONS}/{stored['storageLocationId']}")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (setting("S3StorageLocationSetting"), {"uploadType": "S3"}),
        (
            setting("ExternalGoogleCloudStorageLocationSetting", bucket="lab-archive", baseKey="///"),
            {"uploadType": "GOOGLECLOUDSTORAGE", "bucket": "lab-archive"},
        ),
        (
            setting(
                "ExternalObjectStorageLocationSetting", endpointUrl=" https://s.org/ ", bucket="b", uploadType="S3"
            ),
            {"uploadType": "S3", "endpointUrl": "https://s.org", "bucket": "b"},
        ),
        (
            setting("ExternalStorageLocationSetting", url="sftp://h/p", uploadType="SFTP", supportsSubfolders=True),
            {"uploadType": "SFTP", "url": "sftp://h/p", "supportsSubfolders": True},
        ),
        (
            setting("ExternalStorageLocationSetting", url="https://h/p"),
            {"uploadType": "NONE", "url": "https://h/p"},
        ),
        (
            proxy(benefactorId="syn5"),
            {
                "uploadType": "PROXYLOCAL",
                "proxyUrl": "https://proxy.example.org",
                "secretKey": "s" * 36,
                "benefactorId": "syn5",
            },
        ),
    ],
    ids=lambda value: value.get("concreteType", "").rpartition(".")[2] if isinstance(value, dict) else "",
)
def test_every_class_keeps_its_own_fields(service: Service, body: Json, expected: Json) -> None:
    service.bucket("lab-archive")

    stored = service.post(LOCATIONS, body)

    server_made = {"concreteType", "storageLocationId", "createdBy", "createdOn", "etag"}
    assert expected == {name: value for name, value in stored.items() if name not in server_made}


@pytest.mark.parametrize(
    "body",
    [
        {},
        setting("NoSuchSetting"),
        setting("S3StorageLocationSetting", baseKey="mine"),
        external_s3(bucket="not a bucket"),
        external_s3(bucket="a/b"),
        external_s3(bucket=None),
        external_s3(bucket="no-such-bucket"),
        setting("ExternalGoogleCloudStorageLocationSetting", bucket="no-such-bucket"),
        setting("ExternalObjectStorageLocationSetting", bucket="b", endpointUrl="nowhere"),
        setting("ExternalObjectStorageLocationSetting", endpointUrl="https://s.org"),
        setting("ExternalStorageLocationSetting", url="nowhere"),
        setting("ExternalStorageLocationSetting", url="sftp://h", uploadType="FTP"),
        proxy(proxyUrl="http://proxy.example.org"),
        proxy(secretKey="s" * 35),
        proxy(secretKey=None),
    ],
)
def test_what_a_class_does_not_accept_is_a_400(service: Service, body: Json) -> None:
    assert 400 == service.status("POST", LOCATIONS, body)


# ---------------------------------------------------------------- owner.txt


@pytest.mark.parametrize("entry", ["{id}", " STEWARD ", "someone, {id}", "steward@EXAMPLE.org", "x\ny\n77123,z"])
def test_the_owner_file_may_name_user_mail_or_team(service: Service, entry: str) -> None:
    world = service.world
    world.principals.put(replace(service.steward, team_ids=frozenset({"77123"})))
    world.objects.create_bucket("lab-archive")
    world.objects.put("lab-archive", "owner.txt", entry.format(id=service.steward.id).encode())

    assert 201 == service.status("POST", LOCATIONS, external_s3())


@pytest.mark.parametrize(
    "text", ["", "\n \n", "colleague", "stewar", f"{CERTIFIED_USERS_ID},273948,273949", "\n" * 100 + "steward"]
)
def test_an_owner_file_without_the_caller_is_no_proof(service: Service, text: str) -> None:
    """Teams of everybody do not count, nor does anything after line 100 (contract 2.3)."""
    world = service.world
    world.principals.put(replace(service.steward, team_ids=frozenset({CERTIFIED_USERS_ID, "273948", "273949"})))
    world.objects.create_bucket("lab-archive")
    world.objects.put("lab-archive", "owner.txt", text.encode())

    assert 400 == service.status("POST", LOCATIONS, external_s3())


def test_the_owner_file_lies_under_the_base_key(service: Service) -> None:
    service.bucket("lab-archive")

    assert 400 == service.status("POST", LOCATIONS, external_s3(baseKey="deeper"))
    service.bucket("lab-archive", base_key="deeper")
    assert 201 == service.status("POST", LOCATIONS, external_s3(baseKey="deeper"))


def test_a_bucket_closed_to_synapse_proves_nothing(service: Service) -> None:
    service.bucket("lab-archive")
    service.world.objects.bucket("lab-archive").readable_by_synapse = False

    assert 400 == service.status("POST", LOCATIONS, external_s3())


def test_administrators_need_no_owner_file_but_a_bucket(service: Service) -> None:
    service.world.objects.create_bucket("lab-archive")

    assert 201 == service.status("POST", LOCATIONS, external_s3(), user=service.administrator)
    assert 400 == service.status("POST", LOCATIONS, external_s3("nowhere"), user=service.administrator)


# ---------------------------------------------------------------- identity and access


def test_the_same_setting_is_the_same_location(service: Service) -> None:
    service.bucket("lab-archive")

    first = service.post(LOCATIONS, external_s3(baseKey=None, banner="Lab"))
    again = service.post(LOCATIONS, external_s3(baseKey="", banner="Lab", etag="x", storageLocationId=7))

    assert first == again


def test_any_difference_or_another_user_makes_another(service: Service) -> None:
    service.bucket("lab-archive")
    service.world.objects.put("lab-archive", "owner.txt", b"steward,colleague")

    ids = {
        service.post(LOCATIONS, external_s3())["storageLocationId"],
        service.post(LOCATIONS, external_s3(banner="Lab"))["storageLocationId"],
        service.post(LOCATIONS, external_s3(description="EU"))["storageLocationId"],
        service.post(LOCATIONS, external_s3(), user=service.colleague)["storageLocationId"],
    }

    assert 4 == len(ids)


def test_synapse_storage_with_credentials_is_new_every_time(service: Service) -> None:
    """The fresh base key is made before the settings are compared (contract 2.4)."""
    plain = [service.post(LOCATIONS, setting("S3StorageLocationSetting")) for _ in range(2)]
    sts = [service.post(LOCATIONS, setting("S3StorageLocationSetting", stsEnabled=True)) for _ in range(2)]

    assert plain[0] == plain[1]
    assert sts[0]["storageLocationId"] != sts[1]["storageLocationId"]
    assert sts[0]["baseKey"].startswith(f"{service.steward.id}/")


def test_only_the_creator_reads_a_location(service: Service) -> None:
    location_id = service.synapse_s3()
    address = f"{LOCATIONS}/{location_id}"

    assert 200 == service.status("GET", address)
    assert 403 == service.status("GET", address, user=service.colleague)
    assert 403 == service.status("GET", address, user=service.administrator)
    assert 404 == service.status("GET", f"{LOCATIONS}/999999")
    assert 400 == service.status("GET", f"{LOCATIONS}/abc")


def test_location_one_is_the_administrators(service: Service) -> None:
    assert 403 == service.status("GET", f"{LOCATIONS}/1")
    assert 200 == service.status("GET", f"{LOCATIONS}/1", user=service.administrator)


def test_ones_own_locations_are_listed_newest_first_at_most_a_hundred(service: Service) -> None:
    service.synapse_s3(user=service.colleague)
    ids = [service.synapse_s3(banner=str(number)) for number in range(101)]

    listed = [location["storageLocationId"] for location in service.get(LOCATIONS)["list"]]

    assert ids[:0:-1] == listed


def test_nobody_signed_in_creates_nothing(service: Service) -> None:
    with pytest.raises(Refused) as refused:
        service.post(LOCATIONS, setting("S3StorageLocationSetting"), user=service.world.principals.anonymous)

    assert 403 == refused.value.status
