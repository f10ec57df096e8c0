"""What the index says about the work ahead, and what a person may ask of it."""

from pathlib import Path

import pytest

from storage_core.index.store import Index
from storage_core.model.copies import CopyFailed
from storage_core.model.entities import EntityKind
from storage_core.model.items import ItemStatus, ReasonClass, ReasonCode
from storage_core.model.plans import StatusCount
from storage_core.model.repoints import Drifted, Repointed, RepointFailed
from storage_core.model.works import Listed, VerifyFailed
from storage_core.plan.parts import GIB, plan_parts
from tests.unit.index.builders import (
    ROOT,
    SETTINGS,
    copy_all,
    describe,
    fresh_index,
    handle,
    header,
    indexed_tree,
    listed_tree,
    look_failed,
    repoint_all,
    statuses,
    syn,
    version_item,
)

RETRYABLE = frozenset({ReasonClass.RETRYABLE})


def failed(copy_id: int, reason: ReasonCode) -> CopyFailed:
    return CopyFailed(copy_id=copy_id, source=handle(1).id, reason=reason, detail="")


def test_counts_are_by_status_and_reason_with_bytes(index: Index) -> None:
    listed_tree(index, header(2), header(3, EntityKind.TABLE), header(4))
    already = version_item(4, 1, handle(12, size_bytes=5), ItemStatus.ALREADY_MIGRATED)
    describe(index, version_item(2, 1, handle(10, size_bytes=7)), version_item(2, 2, handle(11, size_bytes=3)), already)

    assert (
        StatusCount(status=ItemStatus.ALREADY_MIGRATED, reason=None, items=1, size_bytes=5),
        StatusCount(status=ItemStatus.INDEXED, reason=None, items=2, size_bytes=10),
        StatusCount(status=ItemStatus.SKIPPED, reason=ReasonCode.TABLES_NOT_INCLUDED, items=1, size_bytes=0),
    ) == index.counts()


def test_an_index_is_complete_only_when_nothing_pends_or_failed_and_copies_are_made(index: Index) -> None:
    assert not index.is_indexed()
    listed_tree(index, header(2), header(3))
    index.finish_indexing()
    assert not index.is_indexed()
    first, second = index.pending_files(after=0, limit=10)
    index.record_descriptions([look_failed(first, ReasonCode.SERVICE_FAULT)])
    describe(index, version_item(3, 1, handle(10)))
    assert not index.is_indexed()
    index.finish_indexing()
    assert not index.is_indexed()
    assert 1 == index.retry(RETRYABLE)
    assert [first] == list(index.pending_files(after=0, limit=10))
    describe(index, version_item(2, 1, handle(11)))
    assert not index.is_indexed()
    index.finish_indexing()
    assert index.is_indexed()
    assert second.seq == first.seq + 1


def test_an_empty_project_is_indexed_too(index: Index) -> None:
    listed_tree(index)
    index.finish_indexing()

    assert index.is_indexed()


def test_the_work_ahead_is_counted_in_copies_places_and_entities(index: Index) -> None:
    indexed_tree(
        index,
        version_item(2, 1, handle(10, size_bytes=7)),
        version_item(2, 2, handle(10, size_bytes=7)),
        version_item(3, 1, handle(11, size_bytes=3)),
    )
    ahead = index.ahead()
    assert (2, 10, 2, 3, 2, 3) == (
        ahead.copies,
        ahead.copy_bytes,
        ahead.parts,
        ahead.repoints,
        ahead.repoint_entities,
        ahead.verifications,
    )
    copy_all(index)
    index.record_repoints([Repointed(item_id=3)])
    ahead = index.ahead()
    assert (0, 0, 0, 2, 1, 3) == (
        ahead.copies,
        ahead.copy_bytes,
        ahead.parts,
        ahead.repoints,
        ahead.repoint_entities,
        ahead.verifications,
    )
    repoint_all(index)
    assert (0, 0, 0) == (index.ahead().copies, index.ahead().repoints, index.ahead().verifications)


def test_large_objects_count_all_their_parts(index: Index) -> None:
    large = 30 * GIB
    indexed_tree(
        index,
        version_item(2, 1, handle(10, size_bytes=large)),
        version_item(3, 1, handle(11, size_bytes=large)),
        version_item(4, 1, handle(12, size_bytes=5 * GIB)),
        version_item(5, 1, handle(13, size_bytes=9 * 1024 * GIB)),
    )

    assert 2 * plan_parts(large).count + 1 + plan_parts(5 * 1024 * GIB).count == index.ahead().parts


def _fingerprint(folder: Path, *places: tuple[int, int, int, int]) -> str:
    folder.mkdir()
    with fresh_index(folder) as index:
        items = [version_item(e, v, handle(h, size_bytes=s)) for e, v, h, s in places]
        indexed_tree(index, *items)
        return index.ahead().fingerprint


def test_the_fingerprint_is_that_of_the_work_and_of_nothing_else(tmp_path: Path) -> None:
    before = _fingerprint(tmp_path / "a", (2, 1, 10, 5), (3, 1, 11, 6))

    assert before == _fingerprint(tmp_path / "same", (2, 1, 10, 5), (3, 1, 11, 6))
    for number, other in enumerate([(3, 2, 11, 6), (4, 1, 11, 6), (3, 1, 12, 6), (3, 1, 11, 7)]):
        assert before != _fingerprint(tmp_path / f"b{number}", (2, 1, 10, 5), other)
    assert before != _fingerprint(tmp_path / "c", (2, 1, 10, 5))


def test_a_resumed_run_has_the_plan_that_was_confirmed(index: Index) -> None:
    """Copying does not change what will be written to Synapse."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    before = index.ahead().fingerprint
    copy_all(index)

    assert before == index.ahead().fingerprint


def test_the_last_confirmed_plan_counts_and_is_an_event(index: Index) -> None:
    assert index.confirmed_plan() is None
    index.confirm("aaa", by="grace")
    index.confirm("bbb", by="ada")

    assert "bbb" == index.confirmed_plan()
    assert [("aaa by grace",), ("bbb by ada",)] == index._database.rows(
        "select detail from events_v1 where event = 'plan confirmed' order by seq"
    )


def test_facts_are_kept_under_their_names(index: Index) -> None:
    index.remember("bucket", "one")
    index.remember("bucket", "two")

    assert ("two", None) == (index.recall("bucket"), index.recall("other"))


def test_settings_read_back_as_given(index: Index) -> None:
    assert index.settings == SETTINGS


def test_retry_takes_up_only_failures_of_the_classes_asked_for(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)), version_item(3, 1, handle(11)))
    index.record_copies([failed(1, ReasonCode.S3_FAULT), failed(2, ReasonCode.NO_DOWNLOAD_ACCESS)])

    assert 1 == index.retry(RETRYABLE)
    assert [handle(10)] == [request.source for request in index.pending_copies(after=0, limit=10)]
    assert {"INDEXED": 1, "ERRORED": 1} == statuses(index)
    assert 0 == index.retry(RETRYABLE)
    assert 1 == index.retry(frozenset({ReasonClass.NEEDS_A_PERSON}))
    assert {"INDEXED": 2} == statuses(index)
    copy_all(index)
    repoint_all(index)
    assert {"MIGRATED": 2} == statuses(index)


def test_a_failed_change_is_tried_again_without_a_second_copy(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index)
    index.record_repoints([RepointFailed(item_id=1, reason=ReasonCode.SERVICE_FAULT, detail="503")])
    index.retry(RETRYABLE)

    assert () == index.pending_copies(after=0, limit=10)
    assert 1 == len(index.pending_repoints(after=0, limit=10))


def test_a_place_that_was_changed_is_only_read_back_again(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index)
    index.record_repoints([Repointed(item_id=1)])
    index.record_verifications([VerifyFailed(item_id=1, reason=ReasonCode.SERVICE_FAULT, detail="503")])
    index.retry(RETRYABLE)

    assert () == index.pending_repoints(after=0, limit=10)
    assert [1] == [work.item_id for work in index.pending_verifications(after=0, limit=10)]


def test_drift_is_not_retried(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index)
    index.record_repoints([Drifted(item_id=1, reason=ReasonCode.HANDLE_CHANGED, detail="")])

    assert 0 == index.retry(frozenset(ReasonClass))
    assert {"DRIFTED": 1} == statuses(index)


@pytest.mark.parametrize("kind", [EntityKind.FOLDER, EntityKind.FILE])
def test_an_entity_that_failed_is_looked_into_again(index: Index, kind: EntityKind) -> None:
    listed_tree(index, header(2, kind))
    if kind is EntityKind.FOLDER:
        (found,) = index.pending_containers(after=0, limit=10)
        index.record_listings([look_failed(found, ReasonCode.SERVICE_FAULT)])
        index.retry(RETRYABLE)
        assert (found,) == index.pending_containers(after=0, limit=10)
        index.record_listings([Listed(seq=found.seq, container_id=syn(2), children=())])
    else:
        (found,) = index.pending_files(after=0, limit=10)
        index.record_descriptions([look_failed(found, ReasonCode.SERVICE_FAULT)])
        index.retry(RETRYABLE)
        assert (found,) == index.pending_files(after=0, limit=10)
        describe(index)
    index.finish_indexing()

    assert {} == statuses(index)
    assert index.is_indexed()
    assert ROOT == found.parent_id
