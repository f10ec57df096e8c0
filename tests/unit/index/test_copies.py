"""One copy per distinct handle; only proven ones are ever attached."""

from dataclasses import replace

import pytest

from storage_core.index import copies
from storage_core.index.store import Index
from storage_core.model.copies import CopyFailed, EtagMeaning, ProofRung
from storage_core.model.engines import ANY_SIZE, SizeRange
from storage_core.model.handles import Association, AssociationKind
from storage_core.model.ids import StorageLocationId
from storage_core.model.items import ReasonClass, ReasonCode
from storage_core.model.tallies import Tally
from storage_core.model.works import CopyDiscarded, EtagLearnt
from tests.unit.index.builders import (
    DESTINATION,
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


def failed(copy_id: int, reason: ReasonCode = ReasonCode.S3_FAULT) -> CopyFailed:
    return CopyFailed(copy_id=copy_id, source=handle(10).id, reason=reason, detail="S3 said 500")


def test_a_handle_used_in_fifty_places_is_one_copy(index: Index) -> None:
    shared = handle(10)
    indexed_tree(index, *(version_item(entity, 1, shared) for entity in range(2, 52)), version_item(60, 1, handle(11)))

    assert [shared, handle(11)] == [request.source for request in index.pending_copies(after=0, limit=100)]


def test_a_copy_request_says_all_that_was_known_of_the_source(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))

    (request,) = index.pending_copies(after=0, limit=10)
    assert handle(10) == request.source
    assert Association(handle_id=handle(10).id, object_id=syn(2), kind=AssociationKind.FILE) == request.association
    assert (DESTINATION, False) == (request.destination, request.discard_previous)


def test_finishing_twice_makes_no_second_copy(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    index.finish_indexing()
    copy_all(index)
    index.finish_indexing()

    assert [(1,)] == index._database.rows("select count(*) from copies_v1")
    assert () == index.pending_copies(after=0, limit=10)


def test_copies_that_take_long_are_claimed_apart_from_the_others(index: Index) -> None:
    """A file without a size is found to be one of the small ones, so that no copy is in neither kind."""
    sizes = {2: 10, 3: 300, 4: None, 5: 301, 6: 0}
    indexed_tree(
        index,
        *(version_item(entity, 1, replace(handle(entity), size_bytes=size)) for entity, size in sizes.items()),
    )

    def claimed(sizes: SizeRange) -> list[int | None]:
        return [request.source.size_bytes for request in index.pending_copies(after=0, limit=10, sizes=sizes)]

    assert [10, 300, None, 0] == claimed(SizeRange(up_to_bytes=300))
    assert [301] == claimed(SizeRange(above_bytes=300))
    assert [10, 300, None, 301, 0] == claimed(ANY_SIZE)


def test_copies_made_in_stretches_miss_nothing(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_COPIES_AT_ONCE", 3)
    shared = handle(10)
    alone = [version_item(entity, 1, handle(1000 - entity)) for entity in range(3, 13)]
    indexed_tree(index, version_item(2, 1, shared), *alone, version_item(40, 1, shared))

    requests = index.pending_copies(after=0, limit=100)
    assert list(range(1, 12)) == [request.copy_id for request in requests]
    assert [shared, *(handle(1000 - entity) for entity in range(3, 13))] == [request.source for request in requests]


def test_copies_are_claimed_in_the_order_of_their_items(index: Index) -> None:
    """Neighbouring numbers keep updates local."""
    indexed_tree(index, *(version_item(entity, 1, handle(5000 - entity)) for entity in range(2, 30)))

    sources = [request.source.id for request in index.pending_copies(after=0, limit=100)]
    assert [str(5000 - entity) for entity in range(2, 30)] == sources


def test_a_made_copy_waits_for_its_proof_with_all_its_evidence(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10, size_bytes=9)))
    (request,) = index.pending_copies(after=0, limit=10)
    copied = made(request, 900)
    tally = index.record_copies([copied])

    (work,) = index.pending_proofs(after=0, limit=10)
    assert Tally(done=1, size_bytes=9) == tally
    assert (copied, handle(10, size_bytes=9), request.association, 0) == (
        work.copied,
        work.source,
        work.association,
        work.attempts,
    )
    assert () == index.pending_copies(after=0, limit=10)
    assert () == index.pending_repoints(after=0, limit=10)


def test_the_new_handle_is_on_record_before_any_place_is_touched(index: Index) -> None:
    """Killed here, the next run attaches it without a second copy."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    (request,) = index.pending_copies(after=0, limit=10)
    index.record_copies([made(request, 900)])

    assert [("10", "900", "COPIED", "synapse", 2)] == index._database.rows(
        "select from_file_handle_id, to_file_handle_id, status, engine, parts from copies_v1"
    )


def test_a_failed_copy_marks_every_item_that_needs_it(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)), version_item(3, 1, handle(10)), version_item(4, 1, handle(11)))
    tally = index.record_copies([failed(1)])

    assert Tally(failed=1) == tally
    assert [("syn2", "S3_FAULT", "retryable", "S3 said 500"), ("syn3", "S3_FAULT", "retryable", "S3 said 500")] == (
        index._database.rows("select entity_id, reason, reason_class, detail from errors_v1 order by item_id")
    )
    assert {"ERRORED": 2, "INDEXED": 1} == statuses(index)


def test_a_verdict_against_a_made_copy_keeps_it_from_its_items(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    (request,) = index.pending_copies(after=0, limit=10)
    index.record_copies([made(request, 900)])
    index.record_proofs([failed(1, ReasonCode.SIZE_DIFFERS)])

    assert () == index.pending_proofs(after=0, limit=10)
    assert () == index.pending_repoints(after=0, limit=10)
    assert {"ERRORED": 1} == statuses(index)


def test_a_discarded_copy_is_made_again_without_meeting_the_bad_one(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    (request,) = index.pending_copies(after=0, limit=10)
    index.record_copies([made(request, 900)])
    index.record_proofs([CopyDiscarded(copy_id=1, source=handle(10).id, detail="other bytes")])

    (again,) = index.pending_copies(after=0, limit=10)
    assert again.discard_previous
    assert [(None, 1)] == index._database.rows("select to_file_handle_id, attempts from copies_v1")
    assert [("copy 1: handle 10 -> 900: other bytes",)] == index._database.rows(
        "select detail from events_v1 where event = 'copy discarded'"
    )
    index.record_copies([made(again, 901)])
    (work,) = index.pending_proofs(after=0, limit=10)
    assert ("901", 1) == (work.copied.new, work.attempts)


def test_a_proven_copy_never_goes_back(index: Index) -> None:
    """A late outcome of a request that was sent twice changes nothing."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    (request,) = index.pending_copies(after=0, limit=10)
    copied = made(request, 900)
    index.record_copies([copied])
    index.record_proofs([proven(copied, ProofRung.CHECKSUM)])
    index.record_copies([made(request, 901), failed(1)])
    index.record_proofs([CopyDiscarded(copy_id=1, source=handle(10).id, detail="late"), failed(1)])

    assert [("PROVEN", "900", "checksum")] == index._database.rows(
        "select status, to_file_handle_id, proof from copies_v1"
    )
    assert {"INDEXED": 1} == statuses(index)
    assert 1 == len(index.pending_repoints(after=0, limit=10))


@pytest.mark.parametrize("meaning", [EtagMeaning.MD5, EtagMeaning.OPAQUE])
def test_what_etags_mean_is_remembered_per_location(index: Index, meaning: EtagMeaning) -> None:
    index.record_proofs([EtagLearnt(location_id=DESTINATION, meaning=EtagMeaning.OPAQUE)])
    index.record_proofs([EtagLearnt(location_id=DESTINATION, meaning=meaning)])

    assert meaning == index.etag_meaning(DESTINATION)
    assert EtagMeaning.UNKNOWN == index.etag_meaning(StorageLocationId(1))


def test_an_item_found_later_uses_the_copy_that_is_there(new_index: Index) -> None:
    """Incremental indexing: a handle that was copied before is never copied again."""
    indexed_tree(new_index, new_version_item(2, 1, handle(10)))
    copy_all(new_index)
    new_index.reopen_for_reindex()
    indexed_tree(new_index, new_version_item(3, 1, handle(10)))

    assert () == new_index.pending_copies(after=0, limit=10)
    assert [syn(2), syn(3)] == [work.entity_id for work in new_index.pending_repoints(after=0, limit=10)]


@pytest.mark.parametrize("reason", [ReasonCode.SERVICE_FAULT, ReasonCode.S3_FAULT])
def test_a_copy_that_could_not_be_judged_is_judged_again_on_retry(index: Index, reason: ReasonCode) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    (first,) = index.pending_copies(after=0, limit=10)
    index.record_copies([made(first, 900)])
    index.record_proofs([failed(1, reason)])
    index.retry(frozenset(ReasonClass))

    assert () == index.pending_copies(after=0, limit=10)
    (work,) = index.pending_proofs(after=0, limit=10)
    assert ("900", made(first, 900).evidence) == (work.copied.new, work.copied.evidence)


@pytest.mark.parametrize("reason", [ReasonCode.SOURCE_SUSPECT, ReasonCode.BYTES_DIFFER, ReasonCode.SIZE_DIFFERS])
def test_a_copy_that_was_judged_bad_is_never_met_again(index: Index, reason: ReasonCode) -> None:
    """Synapse would answer the same request with the same bad handle, and without evidence against it."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    (first,) = index.pending_copies(after=0, limit=10)
    index.record_copies([made(first, 900)])
    index.record_proofs([failed(1, reason)])
    index.retry(frozenset(ReasonClass))

    (request,) = index.pending_copies(after=0, limit=10)
    assert request.discard_previous
