"""Places are claimed whole entity by whole entity, changed, and read back."""

import pytest

from storage_core.index.store import Index
from storage_core.model.entities import EntityBody
from storage_core.model.handles import Association, AssociationKind
from storage_core.model.ids import FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, NewVersion
from storage_core.model.repoints import AddVersion, Drifted, Repointed, RepointFailed, SwapVersionHandle
from storage_core.model.tallies import Tally
from storage_core.model.works import Verified, VerifyFailed
from tests.unit.index.builders import (
    DESTINATION,
    cell_item,
    copy_all,
    handle,
    indexed_tree,
    made,
    new_version_item,
    proven,
    statuses,
    syn,
    version_item,
)


def items(index: Index, columns: str) -> list[tuple[object, ...]]:
    return index._database.rows(f"select {columns} from items_v1 order by item_id")


def test_an_entity_is_never_split_however_small_the_limit(index: Index) -> None:
    """Its versions lock the same row and must go one after the other."""
    versions = [version_item(2, version, handle(10 + version)) for version in range(1, 8)]
    indexed_tree(index, *versions, version_item(3, 1, handle(30)))
    copy_all(index)

    (first,) = index.pending_repoints(after=0, limit=2)
    (second,) = index.pending_repoints(after=first.last_item_id, limit=2)

    assert list(range(1, 8)) == [change.place.version for change in first.changes]  # type: ignore[union-attr]
    assert (syn(2), 7, syn(3)) == (first.entity_id, first.last_item_id, second.entity_id)
    assert () == index.pending_repoints(after=second.last_item_id, limit=2)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
def test_every_ready_place_is_claimed_exactly_once(index: Index, limit: int) -> None:
    indexed_tree(index, *(version_item(2 + n // 2, 1 + n % 2, handle(10 + n)) for n in range(10)))
    copy_all(index)

    claimed: list[int] = []
    after = 0
    while works := index.pending_repoints(after=after, limit=limit):
        after = works[-1].last_item_id
        claimed += [change.item_id for work in works for change in work.changes]
    assert list(range(1, 11)) == claimed


def test_a_swap_names_the_handle_it_expects_and_the_proven_one(index: Index) -> None:
    indexed_tree(index, version_item(2, 3, handle(10)))
    copy_all(index, first_new=900)

    (work,) = index.pending_repoints(after=0, limit=10)
    place = FileVersion(entity_id=syn(2), version=3)
    expected = SwapVersionHandle(item_id=1, place=place, expect=FileHandleId("10"), new=FileHandleId("901"))
    assert (expected,) == work.changes


def test_a_new_version_carries_etag_and_body_as_they_were_indexed(new_index: Index) -> None:
    indexed_tree(new_index, new_version_item(2, 3, handle(10)))
    copy_all(new_index, first_new=900)

    (work,) = new_index.pending_repoints(after=0, limit=10)
    expected = AddVersion(
        item_id=1,
        place=NewVersion(entity_id=syn(2), current_version=3),
        expect=FileHandleId("10"),
        new=FileHandleId("901"),
        etag="etag-of-2",
        body=EntityBody(json_text='{"id": "syn2", "surprise": "ünïcode"}'),
        activity_id=None,
    )
    assert (expected,) == work.changes


def test_only_proven_copies_are_attached(index: Index) -> None:
    """Promise 1: a copy that nobody has proven is as good as none."""
    indexed_tree(index, version_item(2, 1, handle(10)), version_item(2, 2, handle(11)), version_item(3, 1, handle(12)))
    first, second, _ = index.pending_copies(after=0, limit=10)
    index.record_copies([made(first, 900), made(second, 901)])
    index.record_proofs([proven(made(second, 901))])

    (work,) = index.pending_repoints(after=0, limit=10)
    assert [(2, "901")] == [(change.item_id, change.new) for change in work.changes]


def test_cells_are_left_to_the_phase_that_changes_tables(index: Index) -> None:
    indexed_tree(index, cell_item(2, 1, handle(10)), version_item(3, 1, handle(11)))
    copy_all(index)

    assert [syn(3)] == [work.entity_id for work in index.pending_repoints(after=0, limit=1)]
    assert [(1, 5, 3), (None, None, 1)] == items(index, "row_id, col_id, version")


def test_a_repointed_place_waits_to_be_read_back(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10, size_bytes=9)))
    copy_all(index, first_new=900)
    tally = index.record_repoints([Repointed(item_id=1)])

    (work,) = index.pending_verifications(after=0, limit=10)
    assert Tally(done=1, size_bytes=9) == tally
    assert (1, DESTINATION, 9, handle(10).md5) == (work.item_id, work.destination, work.size_bytes, work.md5)
    assert Association(handle_id=FileHandleId("901"), object_id=syn(2), kind=AssociationKind.FILE) == work.association
    assert [("INDEXED", "901")] == items(index, "status, to_file_handle_id")
    assert () == index.pending_repoints(after=0, limit=10)


def test_what_was_read_back_is_migrated_and_says_by_which_proof(new_index: Index) -> None:
    indexed_tree(new_index, new_version_item(2, 3, handle(10)))
    copy_all(new_index, first_new=900)
    new_index.record_repoints([Repointed(item_id=1, new_version=4)])
    tally = new_index.record_verifications([Verified(item_id=1)])

    assert Tally(done=1, size_bytes=100) == tally
    assert [("MIGRATED", None, 3, 4, "10", 1, "901", DESTINATION, "part-etag", "synapse")] == items(
        new_index,
        "status, version, indexed_version, new_version, from_file_handle_id, from_storage_location_id,"
        " to_file_handle_id, to_storage_location_id, proof, engine",
    )
    assert () == new_index.pending_verifications(after=0, limit=10)


def test_drift_and_failure_leave_the_place_as_it_is(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)), version_item(3, 1, handle(11)))
    copy_all(index)
    tally = index.record_repoints(
        [
            Drifted(item_id=1, reason=ReasonCode.HANDLE_CHANGED, detail="found 55"),
            RepointFailed(item_id=2, reason=ReasonCode.NO_WRITE_ACCESS, detail="403"),
        ]
    )

    assert Tally(drifted=1, failed=1) == tally
    assert [("DRIFTED", "HANDLE_CHANGED", "found 55", None), ("ERRORED", "NO_WRITE_ACCESS", "403", None)] == items(
        index, "status, reason, detail, to_file_handle_id"
    )
    assert () == index.pending_repoints(after=0, limit=10)


def test_a_mismatch_on_reading_back_is_an_error_that_keeps_the_new_handle(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index, first_new=900)
    index.record_repoints([Repointed(item_id=1)])
    failure = VerifyFailed(item_id=1, reason=ReasonCode.READ_BACK_DIFFERS, detail="size is 3, expected 100")

    assert Tally(failed=1) == index.record_verifications([failure])
    assert [("ERRORED", "READ_BACK_DIFFERS", "needs a person", "901")] == items(
        index, "status, reason, reason_class, to_file_handle_id"
    )


def test_a_late_outcome_does_not_undo_what_was_settled(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index)
    index.record_repoints([Repointed(item_id=1)])
    index.record_verifications([Verified(item_id=1)])
    index.record_repoints([RepointFailed(item_id=1, reason=ReasonCode.REFUSED, detail="late")])
    index.record_verifications([VerifyFailed(item_id=1, reason=ReasonCode.SERVICE_FAULT, detail="late")])

    assert {"MIGRATED": 1} == statuses(index)


def test_every_change_of_a_place_is_in_the_journal(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)), version_item(3, 1, handle(11)))
    copy_all(index, first_new=900)
    index.record_repoints(
        [
            Repointed(item_id=1, found_done=True),
            Drifted(item_id=2, reason=ReasonCode.ENTITY_CHANGED, detail="etag is new"),
        ]
    )
    index.record_verifications([Verified(item_id=1)])

    assert [
        ("copied", "copy 1: handle 10 -> 901 by synapse"),
        ("copied", "copy 2: handle 11 -> 902 by synapse"),
        ("proven", "copy 1: handle 10 -> 901 by part-etag"),
        ("proven", "copy 2: handle 11 -> 902 by part-etag"),
        ("repointed", "item 1: now refers to handle 901, found done by an earlier try"),
        ("drifted", "item 2: ENTITY_CHANGED: etag is new"),
        ("verified", "item 1: read back as written"),
    ] == index._database.rows("select event, detail from events_v1 where seq > 4 order by seq")
