"""Repointing one entity: guarded, once, and honest about what it found."""

import asyncio

import pytest

from storage_core.model.entities import EntityBody
from storage_core.model.ids import ActivityId, EntityId, FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, NewVersion
from storage_core.model.repoints import AddVersion, Drifted, Repointed, RepointFailed, SwapVersionHandle
from storage_core.model.works import RepointWork
from storage_core.steps.repointing import repoint_entity
from storage_core.testing.fake_catalog import FakeCatalog, copy_of


class Reach:
    """The part of the services this step uses."""

    def __init__(self, catalog: FakeCatalog) -> None:
        import threading

        self.catalog = catalog
        self.stop = threading.Event()


@pytest.fixture
def catalog() -> FakeCatalog:
    catalog = FakeCatalog()
    for number in ("1", "2"):
        old = catalog.add_handle(number)
        new = copy_of(old, new_id=f"10{number}", location=77)
        catalog.handle_records[new.id] = new
    file = catalog.add_file("syn5", "syn1", ["1", "2"])
    file.activity_id = ActivityId("act")
    return catalog


def swap(version: int, old: str, new: str) -> SwapVersionHandle:
    place = FileVersion(entity_id=EntityId("syn5"), version=version)
    return SwapVersionHandle(item_id=version, place=place, expect=FileHandleId(old), new=FileHandleId(new))


def add(new: str = "102", etag: str = "etag-1") -> AddVersion:
    return AddVersion(
        item_id=9,
        place=NewVersion(entity_id=EntityId("syn5"), current_version=2),
        expect=FileHandleId("2"),
        new=FileHandleId(new),
        etag=etag,
        body=EntityBody(json_text="{}"),
        activity_id=ActivityId("act"),
    )


def outcomes(catalog: FakeCatalog, *changes):
    found: list = []
    work = RepointWork(last_item_id=9, entity_id=EntityId("syn5"), changes=changes)
    asyncio.run(repoint_entity(work, Reach(catalog), found.append))
    return found


def test_all_versions_are_swapped_in_place(catalog):
    assert [Repointed(item_id=1), Repointed(item_id=2)] == outcomes(catalog, swap(1, "1", "101"), swap(2, "2", "102"))
    assert {1: "101", 2: "102"} == catalog.files["syn5"].versions


def test_a_swap_repeated_after_a_crash_is_recognised_and_costs_two_calls(catalog):
    outcomes(catalog, swap(1, "1", "101"))
    before = dict(catalog.calls)
    assert [Repointed(item_id=1, found_done=True)] == outcomes(catalog, swap(1, "1", "101"))
    spent = {name: count - before.get(name, 0) for name, count in catalog.calls.items()}
    assert {"swap_version_handle": 1, "file": 1} == {name: count for name, count in spent.items() if count}


def test_somebody_elses_handle_is_left_alone(catalog):
    catalog.add_handle("7")
    catalog.files["syn5"].versions[2] = FileHandleId("7")
    (outcome,) = outcomes(catalog, swap(2, "2", "102"))
    assert (Drifted, ReasonCode.HANDLE_CHANGED) == (type(outcome), outcome.reason)
    assert "7" == catalog.files["syn5"].versions[2]


def test_differing_md5s_are_a_refusal_not_drift(catalog):
    (outcome,) = outcomes(catalog, swap(1, "1", "102"))
    assert (RepointFailed, ReasonCode.REFUSED) == (type(outcome), outcome.reason)


@pytest.mark.parametrize("trouble", ["lost after", "lost before"])
def test_a_lost_answer_never_makes_a_second_version(catalog, trouble):
    catalog.trouble.planned.append(trouble)
    (outcome,) = outcomes(catalog, add())
    assert (Repointed, 3) == (type(outcome), outcome.new_version)
    assert {1: "1", 2: "2", 3: "102"} == catalog.files["syn5"].versions


@pytest.mark.parametrize("trouble", ["lost after", "lost before"])
def test_a_lost_answer_to_a_swap_is_resolved_by_reading(catalog, trouble):
    catalog.trouble.planned.append(trouble)
    (outcome,) = outcomes(catalog, swap(1, "1", "101"))
    assert isinstance(outcome, Repointed)
    assert "101" == catalog.files["syn5"].versions[1]


def test_a_version_added_before_a_crash_is_not_added_again(catalog):
    outcomes(catalog, add())
    (outcome,) = outcomes(catalog, add())
    assert Repointed(item_id=9, new_version=3, found_done=True) == outcome
    assert 3 == catalog.files["syn5"].current


def test_any_change_of_the_entity_is_drift_for_a_new_version(catalog):
    catalog.files["syn5"].touch()
    (outcome,) = outcomes(catalog, add())
    assert (Drifted, ReasonCode.ENTITY_CHANGED) == (type(outcome), outcome.reason)
    assert 2 == catalog.files["syn5"].current


def test_provenance_is_carried_over(catalog):
    outcomes(catalog, add())
    assert "act" == catalog.files["syn5"].activity_id


def test_answers_that_stay_lost_end_as_a_retryable_failure(catalog):
    catalog.trouble.planned += ["lost before"] * 9
    (outcome,) = outcomes(catalog, add())
    assert (RepointFailed, ReasonCode.SERVICE_FAULT) == (type(outcome), outcome.reason)


def test_a_missing_right_needs_a_person(catalog):
    catalog.trouble.planned.append("forbidden")
    (outcome,) = outcomes(catalog, swap(1, "1", "101"))
    assert (RepointFailed, ReasonCode.NO_WRITE_ACCESS) == (type(outcome), outcome.reason)


def test_a_deleted_entity_is_reported(catalog):
    del catalog.files["syn5"]
    (outcome,) = outcomes(catalog, swap(1, "1", "101"))
    assert (RepointFailed, ReasonCode.GONE) == (type(outcome), outcome.reason)
