"""Multipart copies: what is allowed, how they are cut, what comes out (contract 8)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle, HandleContent, HandleKind
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.principals import User
from tests.unit.sandbox.storage_world import GIB, HANDLE_TYPE, MIB, Service, md5_of

START = "/file/v1/file/multipart"
BYTES = b"one,two\n" * 1000


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def project(service: Service) -> Entity:
    return service.project()


@pytest.fixture
def destination(service: Service) -> int:
    return service.external_s3(service.bucket("lab-archive"), baseKey=None)


def copy_request(handle: Handle, file: Entity, location_id: int, **fields: object) -> Json:
    return {
        "concreteType": HANDLE_TYPE + "MultipartUploadCopyRequest",
        "sourceFileHandleAssociation": {
            "fileHandleId": handle.id,
            "associateObjectId": file.id,
            "associateObjectType": "FileEntity",
        },
        "partSizeBytes": 5 * GIB,
        "storageLocationId": location_id,
        "generatePreview": False,
        **fields,
    }


def sign(service: Service, upload_id: str, numbers: list[int]) -> list[Json]:
    body = {"uploadId": upload_id, "partNumbers": numbers}
    parts: list[Json] = service.post(f"{START}/{upload_id}/presigned/url/batch", body)["partPresignedUrls"]
    return parts


def send_all(service: Service, status: Json) -> None:
    """Sign, send and add every missing part, as a client does."""
    missing = [number for number, state in enumerate(status["partsState"], 1) if state == "0"]
    for part in sign(service, status["uploadId"], missing):
        etag = service.send_part(part)
        service.put(f"{START}/{status['uploadId']}/add/{part['partNumber']}?partMD5Hex={etag}")


def run_copy(service: Service, request: Json) -> Handle:
    status = service.post(START, request)
    send_all(service, status)
    done = service.put(f"{START}/{status['uploadId']}/complete")
    assert "COMPLETED" == done["state"]
    return service.world.handles.require(done["resultFileHandleId"])


def test_a_copy_has_the_sources_bytes_at_the_destination(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    file = service.file(project, source)

    new = run_copy(service, copy_request(source, file, destination))

    assert ("lab-archive", destination) == (new.bucket, new.storage_location_id)
    assert BYTES == service.world.objects.get("lab-archive", str(new.key)).content.bytes()
    assert (service.steward.id, source.content_md5, "text/csv", "a.csv") == (
        new.created_by,
        new.content_md5,
        new.content_type,
        new.file_name,
    )


def test_the_key_is_base_key_user_uuid_and_file_name(service: Service, project: Entity) -> None:
    location = service.external_s3(service.bucket("lab-eu", base_key="synapse/a"), baseKey="/synapse/a/")
    source = service.stored(BYTES)

    new = run_copy(service, copy_request(source, service.file(project, source), location, fileName="b (1).csv"))

    *prefix, user_id, uuid, name = str(new.key).split("/")
    assert (["synapse", "a"], service.steward.id, 36, "b (1).csv") == (prefix, user_id, len(uuid), name)


@pytest.mark.parametrize(("wanted", "marks_itself"), [(False, True), (True, False)])
def test_without_a_preview_the_result_is_its_own(
    service: Service, project: Entity, destination: int, *, wanted: bool, marks_itself: bool
) -> None:
    source = service.stored(BYTES)

    new = run_copy(service, copy_request(source, service.file(project, source), destination, generatePreview=wanted))

    assert marks_itself is (new.preview_id == new.id)


def test_thirty_declared_gigabytes_are_copied_in_parts(service: Service, project: Entity, destination: int) -> None:
    source = service.declared(30 * GIB + 7)
    file = service.file(project, source)

    new = run_copy(service, copy_request(source, file, destination, partSizeBytes=2 * GIB))

    assert (30 * GIB + 7, source.content_md5) == (new.content_size, new.content_md5)
    stored = service.world.objects.head("lab-archive", str(new.key))
    assert source.content_md5 == stored.content.whole_digest()
    assert stored.etag.endswith("-16")


def test_parts_are_ranges_of_the_recorded_size_under_the_sources_etag(
    service: Service, project: Entity, destination: int
) -> None:
    source = service.declared(12 * MIB)
    request = copy_request(source, service.file(project, source), destination, partSizeBytes=5 * MIB)
    status = service.post(START, request)

    parts = sign(service, status["uploadId"], [1, 3])

    assert "000" == status["partsState"]
    assert ["bytes=0-5242879", "bytes=10485760-12582911"] == [
        part["signedHeaders"]["x-amz-copy-source-range"] for part in parts
    ]
    assert {service.world.objects.head(str(source.bucket), str(source.key)).etag} == {
        part["signedHeaders"]["x-amz-copy-source-if-match"] for part in parts
    }


def test_the_services_part_count_loses_the_last_part(service: Service, project: Entity, destination: int) -> None:
    """8 GiB in 5 GiB parts: one part, and a handle that claims the source's MD5 (contract 8.1)."""
    source = service.declared(8 * GIB)
    request = copy_request(source, service.file(project, source), destination, partSizeBytes=5 * GIB)

    assert "0" == service.post(START, request)["partsState"]
    new = run_copy(service, request)

    assert (5 * GIB, source.content_md5) == (new.content_size, new.content_md5)


def test_the_same_request_continues_its_upload(service: Service, project: Entity, destination: int) -> None:
    source = service.declared(12 * MIB)
    request = copy_request(source, service.file(project, source), destination, partSizeBytes=5 * MIB)
    first = service.post(START, request)
    (part,) = sign(service, first["uploadId"], [2])
    service.put(f"{START}/{first['uploadId']}/add/2?partMD5Hex={service.send_part(part)}")

    again = service.post(START, dict(reversed(request.items())) | {"anUnknownField": "ignored"})

    assert (first["uploadId"], "010", "UPLOADING") == (again["uploadId"], again["partsState"], again["state"])


def test_a_finished_request_answers_its_result_at_once(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    request = copy_request(source, service.file(project, source), destination)
    new = run_copy(service, request)

    again = service.post(START, request)

    assert ("COMPLETED", new.id) == (again["state"], again["resultFileHandleId"])


@pytest.mark.parametrize(
    "change",
    [
        {"fileName": "other.csv"},
        {"generatePreview": True},
        {"partSizeBytes": 5 * MIB},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_other_field_makes_another_upload(
    service: Service, project: Entity, destination: int, change: Json
) -> None:
    source = service.stored(BYTES)
    request = copy_request(source, service.file(project, source), destination)

    first = service.post(START, request)
    other = service.post(START, request | change)

    assert first["uploadId"] != other["uploadId"]


def test_one_handle_in_two_files_is_two_uploads(service: Service, project: Entity, destination: int) -> None:
    """The association is part of the request's identity (contract 8.3)."""
    source = service.stored(BYTES)
    one, two = service.file(project, source, "one.csv"), service.file(project, source, "two.csv")

    ids = {service.post(START, copy_request(source, file, destination))["uploadId"] for file in (one, two)}

    assert 2 == len(ids)


def test_a_restart_begins_anew(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    request = copy_request(source, service.file(project, source), destination)
    new = run_copy(service, request)

    restarted = service.post(f"{START}?forceRestart=true", request)

    assert ("UPLOADING", "0") == (restarted["state"], restarted["partsState"])
    send_all(service, restarted)
    other = service.put(f"{START}/{restarted['uploadId']}/complete")["resultFileHandleId"]
    assert new.id != other
    assert other == service.post(START, request)["resultFileHandleId"]


def test_a_result_whose_object_is_gone_is_made_again(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    request = copy_request(source, service.file(project, source), destination)
    new = run_copy(service, request)
    service.world.objects.delete(str(new.bucket), str(new.key))

    assert "UPLOADING" == service.post(START, request)["state"]


@pytest.mark.parametrize("deleted", ["source", "result"])
def test_records_are_forgotten_with_their_source_or_result(
    service: Service, project: Entity, destination: int, deleted: str
) -> None:
    source = service.stored(BYTES)
    request = copy_request(source, service.file(project, source), destination)
    new = run_copy(service, request)

    service.world.uploads.forget_handle(source.id if deleted == "source" else new.id)

    assert "UPLOADING" == service.post(START, request)["state"]


def test_records_live_thirty_days_after_the_last_work_on_them(
    service: Service, project: Entity, destination: int
) -> None:
    source = service.declared(12 * MIB)
    request = copy_request(source, service.file(project, source), destination, partSizeBytes=5 * MIB)
    upload_id = service.post(START, request)["uploadId"]
    service.world.clock.shift = timedelta(days=29)
    service.put(f"{START}/{upload_id}/add/1?partMD5Hex={'0' * 32}")

    service.world.clock.shift = timedelta(days=58)
    assert upload_id == service.post(START, request)["uploadId"]
    service.world.clock.shift = timedelta(days=60)
    assert 404 == service.status("PUT", f"{START}/{upload_id}/complete")

    assert [] == list(service.world.objects.uploads("lab-archive"))


def test_an_upload_replaced_by_a_restart_is_aborted_when_it_is_old(
    service: Service, project: Entity, destination: int
) -> None:
    source = service.stored(BYTES)
    request = copy_request(source, service.file(project, source), destination)
    service.post(START, request)
    service.post(f"{START}?forceRestart=true", request)
    assert 2 == len(list(service.world.objects.uploads("lab-archive")))

    service.world.clock.shift = timedelta(days=31)
    service.post(START, request)

    assert 1 == len(list(service.world.objects.uploads("lab-archive")))


def test_a_copied_part_is_not_verified_before_the_end(service: Service, project: Entity, destination: int) -> None:
    """A wrong value passes at add; S3 refuses at complete, which is a 400; adding again cures it (contract 8.6)."""
    source = service.stored(BYTES)
    status = service.post(START, copy_request(source, service.file(project, source), destination))
    (part,) = sign(service, status["uploadId"], [1])
    etag = service.send_part(part)
    base = f"{START}/{status['uploadId']}"

    added = service.put(f"{base}/add/1?partMD5Hex={'0' * 32}")
    assert "ADD_SUCCESS" == added["addPartState"]
    assert 400 == service.status("PUT", f"{base}/complete")
    service.put(f"{base}/add/1?partMD5Hex={etag}")

    assert "COMPLETED" == service.put(f"{base}/complete")["state"]


def test_completing_is_idempotent_and_needs_every_part(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    status = service.post(START, copy_request(source, service.file(project, source), destination))
    complete = f"{START}/{status['uploadId']}/complete"

    with pytest.raises(Refused, match="Missing 1 part") as refused:
        service.put(complete)
    assert 400 == refused.value.status
    send_all(service, status)

    assert service.put(complete)["resultFileHandleId"] == service.put(complete)["resultFileHandleId"]
    assert 400 == service.status("PUT", f"{START}/{status['uploadId']}/add/1?partMD5Hex={'0' * 32}")


def test_an_upload_that_s3_no_longer_knows_is_a_400(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    status = service.post(START, copy_request(source, service.file(project, source), destination))
    send_all(service, status)
    (unfinished,) = service.world.objects.uploads("lab-archive")
    service.world.objects.abort_upload("lab-archive", unfinished.key, unfinished.id)

    with pytest.raises(Refused, match="NoSuchUpload") as refused:
        service.put(f"{START}/{status['uploadId']}/complete")

    assert 400 == refused.value.status


def test_only_the_starter_goes_on(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    upload_id = service.post(START, copy_request(source, service.file(project, source), destination))["uploadId"]

    assert 403 == service.status("PUT", f"{START}/{upload_id}/complete", user=service.colleague)
    assert 404 == service.status("PUT", f"{START}/1/complete")
    assert 400 == service.status("PUT", f"{START}/abc/complete")


@pytest.mark.parametrize("numbers", [[], [0], [2], ["x"], None])
def test_part_numbers_lie_within_the_count(
    service: Service, project: Entity, destination: int, numbers: list[object] | None
) -> None:
    source = service.stored(BYTES)
    upload_id = service.post(START, copy_request(source, service.file(project, source), destination))["uploadId"]

    assert 400 == service.status("POST", f"{START}/{upload_id}/presigned/url/batch", {"partNumbers": numbers})


# ---------------------------------------------------------------- the checks of 8.4


def refusal(service: Service, request: Json, *, user: User | None = None) -> int:
    return service.status("POST", START, request, user=user)


def test_the_destination_must_exist_and_be_ones_own(service: Service, project: Entity) -> None:
    source = service.stored(BYTES)
    file = service.file(project, source)
    others = service.external_s3(service.bucket("others", owner=service.colleague), user=service.colleague)

    assert 404 == refusal(service, copy_request(source, file, 999_999))
    assert 403 == refusal(service, copy_request(source, file, others))
    assert 403 == refusal(service, copy_request(source, file, 1))
    assert 201 == refusal(service, copy_request(source, file, others), user=service.administrator)


def test_the_source_must_be_downloadable_through_the_association(service: Service, project: Entity) -> None:
    destination = service.synapse_s3()
    source, other = service.stored(BYTES), service.stored(BYTES, key="3413/y/b.csv")
    file = service.file(project, source)
    service.world.access.put(service.world, file.id, {int(service.steward.id): ALL_RIGHTS - {"DOWNLOAD"}})

    assert 403 == refusal(service, copy_request(source, file, destination))
    service.world.access.drop(file.id)
    assert 403 == refusal(service, copy_request(other, file, destination))
    assert 201 == refusal(service, copy_request(source, file, destination))


def test_the_creator_of_a_handle_may_name_any_object(service: Service, project: Entity) -> None:
    source = service.stored(BYTES)
    unrelated = service.file(project, service.stored(b"z", key="3413/z/z.csv"))
    mine = service.synapse_s3(user=service.colleague)

    assert 201 == refusal(service, copy_request(source, unrelated, mine), user=service.colleague)


@pytest.mark.parametrize("lack", [HandleContent(content_size=None), HandleContent(content_md5=None)], ids=str)
def test_the_source_needs_size_and_md5(
    service: Service, project: Entity, destination: int, lack: HandleContent
) -> None:
    source = service.stored(BYTES)
    service.world.handles.change(source.id, **lack)

    assert 400 == refusal(service, copy_request(source, service.file(project, source), destination))


@pytest.mark.parametrize("recorded", [1, None])
def test_a_source_in_the_destination_is_refused(service: Service, project: Entity, recorded: int | None) -> None:
    """Old handles without a location are in the default one (contract 2.5)."""
    source = service.stored(BYTES, location_id=recorded)
    request = copy_request(source, service.file(project, source), 1)

    with pytest.raises(Refused, match="already in the destination") as refused:
        service.post(START, request, user=service.administrator)

    assert 400 == refused.value.status


@pytest.mark.parametrize(
    "kind", [HandleKind.EXTERNAL, HandleKind.OBJECT_STORE, HandleKind.PROXY, HandleKind.GOOGLE_CLOUD]
)
def test_only_s3_handles_can_be_copied(service: Service, project: Entity, destination: int, kind: HandleKind) -> None:
    source = service.stored(BYTES)
    handles = service.world.handles
    handles._by_id[source.id] = replace(source, kind=kind)

    assert 400 == refusal(service, copy_request(source, service.file(project, source), destination))


@pytest.mark.parametrize(
    "other",
    [
        {"concreteType": "ExternalGoogleCloudStorageLocationSetting", "bucket": "lab-archive"},
        {
            "concreteType": "ExternalObjectStorageLocationSetting",
            "uploadType": "S3",
            "bucket": "lab-archive",
            "endpointUrl": "https://store.example.org",
        },
        {"concreteType": "ExternalStorageLocationSetting", "uploadType": "SFTP", "url": "sftp://host/x"},
    ],
    ids=lambda other: other["concreteType"],
)
def test_only_s3_locations_take_copies(service: Service, project: Entity, destination: int, other: Json) -> None:
    fields = {name: value for name, value in other.items() if name != "concreteType"}
    location = service.location(other["concreteType"], **fields)
    source = service.stored(BYTES)

    assert 400 == refusal(service, copy_request(source, service.file(project, source), location))


def test_a_missing_object_is_a_502_and_a_missing_bucket_a_400(
    service: Service, project: Entity, destination: int
) -> None:
    source = service.stored(BYTES)
    file = service.file(project, source)
    service.world.objects.delete(str(source.bucket), str(source.key))

    assert 502 == refusal(service, copy_request(source, file, destination))
    lost = service.handle(bucket="nowhere", key="a", size=5, md5=md5_of(b"a"), location_id=1)
    assert 400 == refusal(service, copy_request(lost, service.file(project, lost, "lost.csv"), destination))


def test_a_destination_bucket_that_was_deleted_is_a_400(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    del service.world.objects._buckets["lab-archive"]

    assert 400 == refusal(service, copy_request(source, service.file(project, source), destination))


def test_regions_must_agree(service: Service, project: Entity) -> None:
    far = service.external_s3(service.bucket("far", region="eu-central-1"))
    near = service.synapse_s3()
    source = service.stored(BYTES)
    file = service.file(project, source)

    assert 400 == refusal(service, copy_request(source, file, far))
    assert 201 == refusal(service, copy_request(source, file, near))


def test_a_bucket_closed_to_the_service_is_a_502(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    service.world.objects.bucket("lab-archive").writable_by_synapse = False

    assert 502 == refusal(service, copy_request(source, service.file(project, source), destination))


def test_a_legacy_name_needs_a_clean_one_to_be_sent(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    service.world.handles.change(source.id, file_name="a#b.csv")
    request = copy_request(source, service.file(project, source), destination)

    assert 400 == refusal(service, request)
    assert 400 == refusal(service, request | {"fileName": "c#d.csv"})
    assert 201 == refusal(service, request | {"fileName": "c d.csv"})


@pytest.mark.parametrize(
    "change",
    [
        {"sourceFileHandleAssociation": None},
        {"sourceFileHandleAssociation": {"fileHandleId": "90001", "associateObjectId": "syn1"}},
        {"storageLocationId": None},
        {"partSizeBytes": None},
        {"partSizeBytes": 5 * MIB - 1},
        {"partSizeBytes": 5 * GIB + 1},
        {"concreteType": "org.example.Unknown"},
    ],
)
def test_a_request_is_complete_and_within_its_limits(
    service: Service, project: Entity, destination: int, change: Json
) -> None:
    source = service.stored(BYTES)

    assert 400 == refusal(service, copy_request(source, service.file(project, source), destination) | change)


def test_nobody_signed_in_starts_nothing(service: Service, project: Entity, destination: int) -> None:
    source = service.stored(BYTES)
    request = copy_request(source, service.file(project, source), destination)

    assert 403 == refusal(service, request, user=service.world.principals.anonymous)
