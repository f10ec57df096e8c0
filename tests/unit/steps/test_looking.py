"""Walking, describing and reading back, against a whole fake catalog."""

import asyncio
import threading

import pytest

from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.handles import Association, AssociationKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.places import FileVersion
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.model.works import FoundEntity, Listed, LookFailed, Verified, VerifyFailed, VerifyWork
from storage_core.steps.describing import describe_file
from storage_core.steps.known import KnownLocations, ViewAtHand
from storage_core.steps.phase import groups_of
from storage_core.steps.phases import VERIFY, VERIFY_CELLS
from storage_core.steps.verifying import verify_chunk
from storage_core.steps.walking import list_container
from storage_core.testing.fake_catalog import FakeCatalog

DESTINATION = StorageLocationId(77)


class Reach:
    """The part of the services these steps use."""

    def __init__(self, catalog: FakeCatalog, strategy: FileVersionStrategy = FileVersionStrategy.ALL) -> None:
        self.catalog = catalog
        self.locations = KnownLocations()
        self.settings = MigrationSettings(roots=(EntityId("syn1"),), destination=DESTINATION, strategy=strategy)
        self.stop = threading.Event()
        self.view = ViewAtHand()


def emitted(work, thing, reach: Reach) -> list:
    found: list = []
    asyncio.run(work(thing, reach, found.append))
    return found


def found(entity_id: str, kind: EntityKind, version: int = 1) -> FoundEntity:
    return FoundEntity(
        seq=1, entity_id=EntityId(entity_id), parent_id=EntityId("syn1"), name="n", kind=kind, version=version
    )


def test_a_wide_container_is_listed_completely():
    catalog = FakeCatalog()
    for number in range(173):
        catalog.add_file(f"syn{number + 10}", "syn1", ["1"])
    (listed,) = emitted(list_container, found("syn1", EntityKind.PROJECT), Reach(catalog))
    assert isinstance(listed, Listed)
    assert [f"syn{number + 10}" for number in range(173)] == [child.id for child in listed.children]
    assert {"children": 4} == catalog.calls


def test_a_deletion_during_the_listing_loses_no_child():
    """Deleting a child that was already listed shifts the pages: the one that slips through is found again."""

    class Shrinking(FakeCatalog):
        async def children(self, container_id, *, page_token):
            page = await super().children(container_id, page_token=page_token)
            if page_token is None and self.calls["children"] == 1:
                del self.containers[container_id][0]
            return page

    catalog = Shrinking()
    for number in range(120):
        catalog.add_file(f"syn{number + 10}", "syn1", ["1"])
    (listed,) = emitted(list_container, found("syn1", EntityKind.PROJECT), Reach(catalog))
    assert {f"syn{number + 10}" for number in range(1, 120)} <= {child.id for child in listed.children}


def test_a_container_that_may_not_be_read_is_a_finding_not_a_crash():
    catalog = FakeCatalog()
    catalog.add_container("syn1")
    catalog.hidden.add(EntityId("syn1"))
    (outcome,) = emitted(list_container, found("syn1", EntityKind.PROJECT), Reach(catalog))
    assert (LookFailed, ReasonCode.NO_READ_ACCESS) == (type(outcome), outcome.reason)


def test_every_version_is_described_with_its_own_handle():
    catalog = FakeCatalog()
    for number in ("1", "2", "3"):
        catalog.add_handle(number)
    catalog.add_file("syn5", "syn1", ["1", "2", "3"])
    (described,) = emitted(describe_file, found("syn5", EntityKind.FILE, version=3), Reach(catalog))
    assert [(1, "1"), (2, "2"), (3, "3")] == [(i.facts.place.version, i.facts.handle_id) for i in described.items]
    assert {"versions": 1, "file": 3, "location_seen_from": 1} == catalog.calls


def test_a_file_with_one_version_costs_one_call():
    catalog = FakeCatalog()
    catalog.add_handle("1")
    catalog.add_file("syn5", "syn1", ["1"])
    reach = Reach(catalog)
    emitted(describe_file, found("syn5", EntityKind.FILE), reach)
    emitted(describe_file, found("syn5", EntityKind.FILE), reach)
    assert 2 == catalog.calls["file"]
    assert "versions" not in catalog.calls


@pytest.mark.parametrize("strategy", [FileVersionStrategy.NEW, FileVersionStrategy.LATEST])
def test_other_strategies_look_at_the_newest_version_only(strategy):
    catalog = FakeCatalog()
    for number in ("1", "2"):
        catalog.add_handle(number)
    catalog.add_file("syn5", "syn1", ["1", "2"])
    (described,) = emitted(describe_file, found("syn5", EntityKind.FILE, version=2), Reach(catalog, strategy))
    assert ["2"] == [item.facts.handle_id for item in described.items]


def test_a_file_uploaded_between_listing_and_reading_appears_once_per_version():
    catalog = FakeCatalog()
    for number in ("1", "2", "3"):
        catalog.add_handle(number)
    catalog.add_file("syn5", "syn1", ["1", "2", "3"])
    (described,) = emitted(describe_file, found("syn5", EntityKind.FILE, version=2), Reach(catalog))
    assert [FileVersion(entity_id=EntityId("syn5"), version=v) for v in (1, 2, 3)] == [
        item.facts.place for item in described.items
    ]


@pytest.mark.parametrize("version", [1, 3])
def test_a_file_deleted_meanwhile_is_gone_not_failed(version: int):
    """Whether its older versions are asked for first, or only the current one."""
    (described,) = emitted(describe_file, found("syn404", EntityKind.FILE, version), Reach(FakeCatalog()))
    assert [(ItemStatus.SKIPPED, ReasonCode.GONE)] == [(item.status, item.reason) for item in described.items]


def test_a_file_in_an_sts_location_is_skipped():
    catalog = FakeCatalog()
    catalog.add_handle("1", location=5)
    catalog.add_file("syn5", "syn1", ["1"])
    catalog.locations[StorageLocationId(5)] = LocationFacts(
        id=StorageLocationId(5), kind=LocationKind.EXTERNAL_S3, upload_type=UploadType.S3, sts_enabled=True
    )
    (described,) = emitted(describe_file, found("syn5", EntityKind.FILE), Reach(catalog))
    assert [ReasonCode.STS_FOLDER] == [item.reason for item in described.items]


def verify_work(item: int, handle: str, **changes) -> VerifyWork:
    association = Association(handle_id=FileHandleId(handle), object_id=EntityId("syn5"), kind=AssociationKind.FILE)
    facts = {"item_id": item, "association": association, "destination": DESTINATION, "size_bytes": 10}
    return VerifyWork(**(facts | {"md5": f"{int(handle):032x}"} | changes))


def test_reading_back_compares_location_size_and_md5():
    catalog = FakeCatalog()
    catalog.add_handle("1", location=77)
    catalog.add_handle("2", location=1)
    chunk = (
        verify_work(1, "1"),
        verify_work(2, "2"),
        verify_work(3, "1", size_bytes=11),
        verify_work(4, "1", md5="f" * 32),
        verify_work(5, "404"),
    )
    outcomes = emitted(verify_chunk, chunk, Reach(catalog))
    assert Verified(item_id=1) == outcomes[0]
    assert ["storage location", "size", "MD5", "cannot be read"] == [
        next(word for word in ("storage location", "size", "MD5", "cannot be read") if word in outcome.detail)
        for outcome in outcomes[1:]
    ]
    assert {VerifyFailed} == {type(outcome) for outcome in outcomes[1:]}
    assert {"handles": 1} == catalog.calls


def test_cells_that_share_a_handle_are_read_back_by_one_question_for_all_of_them():
    """5,000 cells of one table, 50 handles: one call, one answer for each handle, a verdict for each cell."""
    catalog = FakeCatalog()
    for handle in range(1, 51):
        catalog.add_handle(str(handle), location=77)
    works = [verify_work(item, str(item % 50 + 1), size_bytes=11 if item == 4321 else 10) for item in range(1, 5001)]

    (group,) = groups_of(VERIFY_CELLS, works)
    outcomes = emitted(verify_chunk, group.payload, Reach(catalog))

    assert {"handles": 1} == catalog.calls
    assert [4321] == [one.item_id for one in outcomes if not isinstance(one, Verified)]
    assert set(range(1, 5001)) == {one.item_id for one in outcomes}
    assert set(range(1, 5001)) == group.marks


def test_different_handles_are_read_back_a_hundred_per_call():
    groups = groups_of(VERIFY, [verify_work(item, str(item)) for item in range(1, 251)])
    assert [100, 100, 50] == [len(group.payload) for group in groups]


def test_headers_of_unknown_kinds_do_not_stop_the_walk():
    catalog = FakeCatalog()
    catalog.add_container("syn1")
    catalog.containers[EntityId("syn1")].append(EntityHeader(id=EntityId("syn9"), name="odd", kind=EntityKind.UNKNOWN))
    (listed,) = emitted(list_container, found("syn1", EntityKind.PROJECT), Reach(catalog))
    assert [EntityKind.UNKNOWN] == [child.kind for child in listed.children]
