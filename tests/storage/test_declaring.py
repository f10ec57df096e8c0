"""Storage locations against the sandbox: every type created, found again, read."""

from dataclasses import replace

import pytest

from sandbox.server import Sandbox
from storage_core.api.connection import Connection
from storage_core.errors import AccessError, AnswerLost, UsageError
from storage_core.locations import StorageLocationType, build_location, location_from_json, type_name_of
from storage_core.locations.codec import mean_the_same
from storage_core.model.ids import StorageLocationId
from storage_core.steps.declaring import Origin, declare_location, declare_with_owner_file, own_location, stored_id
from storage_core.wiring.storage import StorageDesk, owner_file_writer

GOOD = {
    "SYNAPSE_S3": {},
    "EXTERNAL_S3": {"bucket": "lab", "base_key": "sts", "sts_enabled": True},
    "EXTERNAL_GOOGLE_CLOUD": {"bucket": "lab"},
    "EXTERNAL_SFTP": {"url": "sftp://lab.example.org/in", "supports_subfolders": True},
    "EXTERNAL_HTTPS": {"url": "https://lab.example.org/in"},
    "EXTERNAL_OBJECT_STORE": {"bucket": "lab", "endpoint_url": "https://store.example.org"},
    "PROXY": {"proxy_url": "https://proxy.example.org", "secret_key": "s" * 40, "benefactor_id": "syn5"},
}


def wished(name, **more):
    return build_location(StorageLocationType[name], GOOD.get(name, {}) | more)


@pytest.mark.parametrize("name", [one.name for one in StorageLocationType])
def test_every_type_is_created_once_found_again_and_read_whole(name: str, desk: StorageDesk) -> None:
    coming = wished(name, banner="hello", description=f"of type {name}")

    made = desk.network.run(declare_location(coming, desk.storage))
    found = desk.network.run(declare_location(coming, desk.storage))
    read = desk.network.run(own_location(made.id, desk.storage))

    assert (Origin.MADE, Origin.FOUND) == (made.origin, found.origin)
    assert made.id == found.id
    assert made.location == found.location == read
    assert name == type_name_of(read)
    assert mean_the_same(coming, read)
    assert made.id in [stored_id(one) for one in desk.network.run(desk.storage.my_locations())]


def test_what_another_client_spelled_out_is_found(desk: StorageDesk) -> None:
    """The existing client sends Amazon's own address and a false flag; the service would make a second one of ours."""
    theirs = location_from_json(
        '{"concreteType":"org.sagebionetworks.repo.model.project.ExternalS3StorageLocationSetting","uploadType":"S3",'
        '"bucket":"lab","endpointUrl":"https://s3.amazonaws.com","description":"spelled out"}'
    )
    first = desk.network.run(desk.storage.create_location(theirs))

    ours = build_location(StorageLocationType.EXTERNAL_S3, {"bucket": "lab", "description": "spelled out"})
    found = desk.network.run(declare_location(ours, desk.storage))

    assert (stored_id(first), Origin.FOUND) == (found.id, found.origin)


def test_synapse_storage_with_credentials_is_made_anew_each_time(desk: StorageDesk) -> None:
    coming = wished("SYNAPSE_S3", sts_enabled=True, description="anew")

    first, second = (desk.network.run(declare_location(coming, desk.storage)) for _ in range(2))

    assert (Origin.MADE, Origin.MADE) == (first.origin, second.origin)
    assert first.id != second.id
    assert first.location.base_key.startswith("3412/")


class LosesAnswers:
    """The real storage, whose creations answer nobody."""

    def __init__(self, storage, *, arrives):
        self._storage = storage
        self._arrives = arrives
        self.creations = 0

    def __getattr__(self, name):
        return getattr(self._storage, name)

    async def create_location(self, location):
        self.creations += 1
        if self.creations > 1:
            return await self._storage.create_location(location)
        if self._arrives:
            await self._storage.create_location(location)
        raise AnswerLost(call="POST /storageLocation", status=504, reason="gateway")


@pytest.mark.parametrize("arrives", [True, False])
def test_a_lost_answer_makes_no_second_location(desk: StorageDesk, arrives: bool) -> None:
    coming = wished("SYNAPSE_S3", sts_enabled=True, description=f"lost {arrives}")
    storage = LosesAnswers(desk.storage, arrives=arrives)

    declared = desk.network.run(declare_location(coming, storage))

    assert (1 if arrives else 2) == storage.creations
    own = desk.network.run(desk.storage.my_locations())
    assert [declared.id] == [stored_id(one) for one in own if one.description == f"lost {arrives}"]


class ListsOnly:
    """The real storage with a full list that does not reach back to the location."""

    def __init__(self, storage, listed):
        self._storage = storage
        self._listed = listed

    def __getattr__(self, name):
        return getattr(self._storage, name)

    async def my_locations(self):
        return self._listed


@pytest.mark.parametrize(("newest", "origin"), [("2020-01-01", Origin.MADE), ("2999-01-01", Origin.FOUND)])
def test_beyond_a_hundred_of_ones_own_the_date_of_creation_tells(
    desk: StorageDesk, newest: str, origin: Origin
) -> None:
    one = desk.network.run(desk.storage.create_location(wished("EXTERNAL_HTTPS", description="one of many")))
    listed = tuple(
        replace(one, description=str(n), stored=replace(one.stored, id=StorageLocationId(10**6 + n), created_on=newest))
        for n in range(100)
    )
    coming = wished("EXTERNAL_HTTPS", description=f"the last {newest}")

    assert origin is desk.network.run(declare_location(coming, ListsOnly(desk.storage, listed))).origin


def test_somebody_elses_location_stays_hidden(desk: StorageDesk) -> None:
    with pytest.raises(AccessError, match="belongs to somebody else"):
        desk.network.run(own_location(StorageLocationId(1), desk.storage))
    with pytest.raises(UsageError, match="There is no storage location 987654"):
        desk.network.run(own_location(StorageLocationId(987654), desk.storage))


@pytest.mark.parametrize("name", ["EXTERNAL_S3", "EXTERNAL_GOOGLE_CLOUD"])
def test_a_bucket_that_does_not_name_its_owner_is_refused_with_advice(name: str, desk: StorageDesk) -> None:
    coming = build_location(StorageLocationType[name], {"bucket": "bare", "base_key": "a/b"})

    with pytest.raises(UsageError, match=r"its object a/b/owner\.txt must be a text with your user name or id"):
        desk.network.run(declare_location(coming, desk.storage))


@pytest.mark.usefixtures("aws")
def test_the_owner_file_is_written_when_it_is_asked_for_and_missing(desk: StorageDesk, running: Sandbox) -> None:
    """What others wrote there stays, and a second time nothing is written."""
    objects = running.world.objects
    objects.put("bare", "ours/owner.txt", b"somebody,else\nteam\n")
    coming = build_location(StorageLocationType.EXTERNAL_S3, {"bucket": "bare", "base_key": "ours"})

    first = desk.network.run(declare_with_owner_file(coming, desk.storage, owner_file_writer()))
    again = desk.network.run(declare_with_owner_file(coming, desk.storage, owner_file_writer()))

    lines = objects.get("bare", "ours/owner.txt").content.bytes().decode().splitlines()
    assert ("3412", ["somebody,else", "team"]) == (lines[0].split(",")[0], lines[1:])
    assert ("ours/owner.txt", None) == (first.owner_file, again.owner_file)
    assert first.id == again.id


@pytest.mark.usefixtures("aws")
def test_a_bucket_that_is_not_there_cannot_be_written(desk: StorageDesk) -> None:
    coming = build_location(StorageLocationType.EXTERNAL_S3, {"bucket": "no-such-bucket"})

    with pytest.raises(UsageError, match="There is no bucket no-such-bucket"):
        desk.network.run(declare_with_owner_file(coming, desk.storage, owner_file_writer()))


def test_without_aws_keys_the_owner_file_is_not_written(desk: StorageDesk, client: Connection) -> None:
    coming = build_location(StorageLocationType.EXTERNAL_S3, {"bucket": "bare", "base_key": "keyless"})

    with pytest.raises(AccessError, match="cannot be written to bucket bare"):
        desk.network.run(declare_with_owner_file(coming, desk.storage, owner_file_writer()))


@pytest.mark.usefixtures("aws")
def test_nothing_is_written_to_s3_for_a_bucket_of_google(desk: StorageDesk, running: Sandbox) -> None:
    coming = build_location(StorageLocationType.EXTERNAL_GOOGLE_CLOUD, {"bucket": "bare", "base_key": "google"})

    with pytest.raises(UsageError, match=r"google/owner\.txt must be a text") as refused:
        desk.network.run(declare_with_owner_file(coming, desk.storage, owner_file_writer()))

    assert "--write-owner-file" not in str(refused.value)
    assert "google/owner.txt" not in running.world.objects.bucket("bare").objects
