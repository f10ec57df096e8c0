"""Which places are moved, and the one reason why others are not."""

import pytest

from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.entities import EntityBody, EntityKind, FileSnapshot
from storage_core.model.handles import FileHandle, HandleKind, HandleStatus
from storage_core.model.ids import ActivityId, EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.places import FileVersion, NewVersion
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.plan.selecting import facts_of, judge_place

DESTINATION = StorageLocationId(77)


def handle(**changes) -> FileHandle:
    facts = {
        "id": FileHandleId("9"),
        "kind": HandleKind.S3,
        "concrete_type": "S3FileHandle",
        "storage_location_id": StorageLocationId(1),
        "size_bytes": 10,
        "md5": "0" * 32,
    }
    return FileHandle(**(facts | changes))


def snapshot(
    handle: FileHandle | None, *, is_latest: bool = True, handle_id: str | None = "9", name: str = "a.csv"
) -> FileSnapshot:
    return FileSnapshot(
        entity_id=EntityId("syn5"),
        name=name,
        parent_id=EntityId("syn1"),
        kind=EntityKind.FILE,
        version=3,
        is_latest=is_latest,
        etag="e1",
        handle_id=None if handle_id is None else FileHandleId(handle_id),
        handle=handle,
        body=EntityBody(json_text="{}"),
        activity_id=ActivityId("a1"),
    )


def settings(strategy=FileVersionStrategy.NEW, sources=()) -> MigrationSettings:
    return MigrationSettings(
        roots=(EntityId("syn1"),), destination=DESTINATION, source_location_ids=sources, strategy=strategy
    )


def verdict(handle: FileHandle | None, sources=(), source: LocationFacts | None = None, **changes):
    the_settings = settings(sources=sources)
    item = judge_place(facts_of(snapshot(handle, **changes), the_settings.strategy), the_settings, source)
    return item.status, item.reason


def test_an_ordinary_file_is_to_be_moved():
    assert (ItemStatus.INDEXED, None) == verdict(handle())


def test_a_file_at_the_destination_is_done_even_when_another_source_was_asked_for():
    assert (ItemStatus.ALREADY_MIGRATED, None) == verdict(
        handle(storage_location_id=DESTINATION), sources=(StorageLocationId(1),)
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": HandleKind.EXTERNAL_URL, "md5": None, "size_bytes": None}, ReasonCode.EXTERNAL_URL),
        ({"kind": HandleKind.GOOGLE_CLOUD}, ReasonCode.NO_ENGINE),
        ({"kind": HandleKind.OBJECT_STORE}, ReasonCode.NO_ENGINE),
        ({"kind": HandleKind.PROXY}, ReasonCode.NO_ENGINE),
        ({"kind": HandleKind.UNKNOWN}, ReasonCode.NO_ENGINE),
        ({"status": HandleStatus.ARCHIVED}, ReasonCode.ARCHIVED),
        ({"size_bytes": None}, ReasonCode.NO_SIZE),
        ({"size_bytes": 0}, ReasonCode.EMPTY_FILE),
        ({"md5": None}, ReasonCode.NO_MD5),
    ],
)
def test_what_cannot_be_moved_is_skipped_for_one_reason(changes, reason):
    assert (ItemStatus.SKIPPED, reason) == verdict(handle(**changes))


OUTSIDE = [HandleKind.EXTERNAL_URL, HandleKind.GOOGLE_CLOUD, HandleKind.OBJECT_STORE, HandleKind.PROXY]


@pytest.mark.parametrize("kind", OUTSIDE)
def test_bytes_outside_s3_are_moved_only_where_their_location_was_named(kind):
    there = handle(kind=kind, storage_location_id=StorageLocationId(7))

    assert (ItemStatus.INDEXED, None) == verdict(there, sources=(StorageLocationId(7),))
    assert ItemStatus.SKIPPED == verdict(there)[0]
    assert ItemStatus.SKIPPED == verdict(there, sources=(StorageLocationId(8),))[0]


@pytest.mark.parametrize("kind", [*OUTSIDE, HandleKind.UNKNOWN])
def test_a_link_without_a_location_is_never_moved(kind):
    """It counts as Synapse's own storage, which a steward may well have named."""
    assert ItemStatus.SKIPPED == verdict(handle(kind=kind), sources=(StorageLocationId(1),))[0]


def test_a_class_that_is_not_known_is_never_moved():
    there = handle(kind=HandleKind.UNKNOWN, storage_location_id=StorageLocationId(7))
    assert (ItemStatus.SKIPPED, ReasonCode.NO_ENGINE) == verdict(there, sources=(StorageLocationId(7),))


def test_bytes_outside_the_source_locations_are_left_alone():
    assert (ItemStatus.SKIPPED, ReasonCode.NOT_IN_SOURCE_LOCATIONS) == verdict(
        handle(), sources=(StorageLocationId(2),)
    )


def test_files_of_an_sts_location_are_left_alone():
    source = LocationFacts(
        id=StorageLocationId(1), kind=LocationKind.EXTERNAL_S3, upload_type=UploadType.S3, sts_enabled=True
    )
    assert (ItemStatus.SKIPPED, ReasonCode.STS_FOLDER) == verdict(handle(), source=source)


def test_a_handle_that_synapse_hides_needs_a_person():
    assert (ItemStatus.ERRORED, ReasonCode.NO_DOWNLOAD_ACCESS) == verdict(None)


def test_a_file_entity_without_a_handle_is_skipped():
    assert (ItemStatus.SKIPPED, ReasonCode.NO_FILE_HANDLE) == verdict(None, handle_id=None)


def test_strategy_new_keeps_what_a_whole_body_put_needs():
    facts = facts_of(snapshot(handle()), FileVersionStrategy.NEW)
    assert facts.place == NewVersion(entity_id=EntityId("syn5"), current_version=3)
    assert ("e1", "{}", "a1") == (facts.etag, facts.body.json_text, facts.activity_id)


@pytest.mark.parametrize("strategy", [FileVersionStrategy.LATEST, FileVersionStrategy.ALL])
def test_strategies_in_place_name_the_version_and_keep_no_body(strategy):
    facts = facts_of(snapshot(handle(), is_latest=False), strategy)
    assert facts.place == FileVersion(entity_id=EntityId("syn5"), version=3)
    assert (None, None, None) == (facts.etag, facts.body, facts.activity_id)


@pytest.mark.parametrize(("name", "reason"), [("a & b.txt", ReasonCode.INVALID_NAME), ("Größe (1).txt", None)])
def test_a_name_that_synapse_refuses_gets_no_new_version(name, reason):
    assert reason == verdict(handle(), name=name)[1]


def test_a_refused_name_is_no_obstacle_to_a_change_in_place():
    in_place = settings(FileVersionStrategy.LATEST)
    item = judge_place(facts_of(snapshot(handle(), name="a & b.txt"), in_place.strategy), in_place, None)
    assert ItemStatus.INDEXED == item.status
