"""The walk's tables keep what was found, once each."""

import pytest

from storage_core.index.store import Index
from storage_core.model.entities import EntityKind
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.tallies import Tally
from storage_core.model.works import CountsAgree, Described, FilesSeen, FoundEntity, Listed
from tests.unit.index.builders import (
    ROOT,
    describe,
    handle,
    header,
    listed_tree,
    look_failed,
    placeless_item,
    statuses,
    syn,
    version_item,
)


def rows(index: Index, sql: str) -> list[tuple[object, ...]]:
    return index._database.rows(sql)


def test_the_root_is_pending_once_however_often_it_is_noted(index: Index) -> None:
    index.add_roots([header(1, EntityKind.PROJECT)])
    index.add_roots([header(1, EntityKind.PROJECT)])

    (root,) = index.pending_containers(after=0, limit=10)
    assert (ROOT, None, EntityKind.PROJECT) == (root.entity_id, root.parent_id, root.kind)
    assert () == index.pending_containers(after=root.seq, limit=10)


def test_a_listed_container_is_finished_and_its_children_are_found_in_order(index: Index) -> None:
    listed_tree(index, header(3, version=4), header(2), header(5, EntityKind.FOLDER))

    assert [(syn(3), ROOT, "name 3", 4), (syn(2), ROOT, "name 2", 1)] == [
        (found.entity_id, found.parent_id, found.name, found.version)
        for found in index.pending_files(after=0, limit=10)
    ]
    assert [syn(5)] == [found.entity_id for found in index.pending_containers(after=0, limit=10)]


def test_a_child_met_twice_is_one_entity(index: Index) -> None:
    """Paging has no snapshot, and a moving child may be listed by two containers."""
    listed_tree(index, header(2), header(2), header(5, EntityKind.FOLDER))
    (folder,) = index.pending_containers(after=0, limit=10)
    index.record_listings([Listed(seq=folder.seq, container_id=folder.entity_id, children=(header(2), header(3)))])

    assert [syn(2), syn(3)] == [found.entity_id for found in index.pending_files(after=0, limit=10)]


def test_children_that_are_left_alone_are_items_at_once(index: Index) -> None:
    index.add_roots([header(1, EntityKind.PROJECT)])
    (root,) = index.pending_containers(after=0, limit=10)
    children = (header(2), header(3, EntityKind.TABLE), header(4, EntityKind.LINK), header(5, EntityKind.DATASET))
    tally = index.record_listings([Listed(seq=root.seq, container_id=ROOT, children=children)])

    assert Tally(done=1, skipped=3) == tally
    assert [
        ("syn3", "table", "SKIPPED", "TABLES_NOT_INCLUDED", "never works"),
        ("syn4", "link", "SKIPPED", "NO_FILE_HANDLE", "never works"),
        ("syn5", "dataset", "SKIPPED", "NO_FILE_HANDLE", "never works"),
    ] == rows(index, "select entity_id, kind, status, reason, reason_class from items_v1 order by item_id")


def test_a_container_that_could_not_be_listed_is_one_errored_item_and_not_pending(index: Index) -> None:
    index.add_roots([header(1, EntityKind.PROJECT)])
    (root,) = index.pending_containers(after=0, limit=10)
    tally = index.record_listings([look_failed(root, ReasonCode.SERVICE_FAULT)])

    assert Tally(failed=1) == tally
    assert () == index.pending_containers(after=0, limit=10)
    assert [("syn1", "project", "ERRORED", "SERVICE_FAULT", None)] == rows(
        index, "select entity_id, kind, status, reason, from_file_handle_id from errors_v1"
    )


def test_a_later_look_replaces_what_the_failed_one_left(index: Index) -> None:
    listed_tree(index, header(2))
    (found,) = index.pending_files(after=0, limit=10)
    index.record_descriptions([look_failed(found, ReasonCode.SERVICE_FAULT)])
    index.record_descriptions([look_failed(found, ReasonCode.NO_READ_ACCESS)])
    assert {"ERRORED": 1} == statuses(index)

    index.record_descriptions([Described(seq=found.seq, entity_id=syn(2), items=(version_item(2, 1, handle(10)),))])

    assert {"INDEXED": 1} == statuses(index)


def test_a_container_that_vanished_is_skipped_and_settled(index: Index) -> None:
    listed_tree(index, header(5, EntityKind.FOLDER))
    (folder,) = index.pending_containers(after=0, limit=10)
    tally = index.record_listings([look_failed(folder, ReasonCode.GONE)])
    index.finish_indexing()

    assert Tally(skipped=1) == tally
    assert {"SKIPPED": 1} == statuses(index)
    assert index.is_indexed()


def test_items_of_one_entity_lie_together_lowest_version_first(index: Index) -> None:
    listed_tree(index, header(2), header(3))
    describe(
        index,
        version_item(2, 1, handle(10)),
        version_item(2, 2, handle(11)),
        version_item(3, 1, handle(12)),
        version_item(2, 5, handle(13)),
    )

    assert [(1, "syn2", 1), (2, "syn2", 2), (3, "syn2", 5), (4, "syn3", 1)] == rows(
        index, "select item_id, entity_id, version from items_v1 order by item_id"
    )


def test_descriptions_are_counted_by_what_becomes_of_the_places(index: Index) -> None:
    listed_tree(index, header(2))
    (found,) = index.pending_files(after=0, limit=10)
    items = (
        version_item(2, 1, handle(10, size_bytes=7)),
        version_item(2, 2, handle(11, size_bytes=5), ItemStatus.ALREADY_MIGRATED),
        placeless_item(2, ItemStatus.SKIPPED, ReasonCode.GONE),
        placeless_item(2, ItemStatus.ERRORED, ReasonCode.NO_DOWNLOAD_ACCESS),
    )

    assert Tally(done=2, failed=1, skipped=1, size_bytes=7) == index.record_descriptions(
        [Described(seq=found.seq, entity_id=syn(2), items=items)]
    )


def test_claims_go_on_above_a_number_and_respect_the_limit(index: Index) -> None:
    listed_tree(index, *(header(number) for number in range(2, 12)))
    first = index.pending_files(after=0, limit=4)
    second = index.pending_files(after=first[-1].seq, limit=100)

    assert [syn(n) for n in range(2, 12)] == [found.entity_id for found in (*first, *second)]
    assert 4 == len(first)


def test_a_record_that_fails_half_way_leaves_nothing_behind(index: Index) -> None:
    """One transaction: the good half of a bad batch must not be seen."""
    listed_tree(index, header(2), header(3))
    good, bad = index.pending_files(after=0, limit=10)
    nonsense = Described(seq=10_000, entity_id=bad.entity_id, items=(version_item(3, 1, handle(11)),))

    with pytest.raises(KeyError):
        index.record_descriptions(
            [Described(seq=good.seq, entity_id=good.entity_id, items=(version_item(2, 1, handle(10)),)), nonsense]
        )

    assert {} == statuses(index)
    assert 2 == len(index.pending_files(after=0, limit=10))


def test_files_for_a_view_come_by_entity_and_without_record_sets(index: Index) -> None:
    listed_tree(index, header(9), header(3), header(5, EntityKind.RECORD_SET), header(7))
    describe_one = [found for found in index.pending_files(after=0, limit=10) if found.entity_id == syn(7)]
    index.record_descriptions([Described(seq=one.seq, entity_id=one.entity_id, items=()) for one in describe_one])
    assert 2 == index.count_pending_files()
    assert [syn(3), syn(9)] == [found.entity_id for found in index.pending_shown_files(after=0, limit=10)]
    assert [syn(9)] == [found.entity_id for found in index.pending_shown_files(after=3, limit=10)]
    assert [syn(3)] == [found.entity_id for found in index.pending_shown_files(after=0, limit=1)]


def counted_tree(index: Index, files: int) -> FoundEntity:
    """The root with one folder in it, whose files were counted."""
    listed_tree(index, header(2, EntityKind.FOLDER))
    (folder,) = index.pending_containers(after=0, limit=10)
    index.record_listings([Listed(seq=folder.seq, container_id=syn(2), children=(header(7),), unlisted_files=files)])
    return folder


def test_a_counted_container_is_not_finished_before_its_files_are_known(index: Index) -> None:
    folder = counted_tree(index, 300)
    assert [(folder, 300)] == [(one.found, one.files) for one in index.pending_counted()]
    assert (1 + 300, ()) == (index.count_pending_files(), index.pending_containers(after=0, limit=10))
    describe(index, version_item(7, 1, handle(10)))
    index.finish_indexing()
    assert not index.is_indexed()

    tally = index.record_files_seen([FilesSeen(children=((syn(2), header(8)), (syn(2), header(9, version=3))))])
    assert Tally(done=2) == tally
    assert [(syn(8), syn(2), 1), (syn(9), syn(2), 3)] == [
        (found.entity_id, found.parent_id, found.version) for found in index.pending_files(after=0, limit=10)
    ]
    assert 1 == len(index.pending_counted())
    index.record_files_seen([CountsAgree(seqs=(folder.seq,))])
    assert () == index.pending_counted()
    describe(index)
    index.finish_indexing()
    assert index.is_indexed()


def test_a_counted_container_that_is_listed_is_finished(index: Index) -> None:
    folder = counted_tree(index, 300)
    index.record_listings([Listed(seq=folder.seq, container_id=syn(2), children=(header(7), header(8)))])
    assert ((), ()) == (index.pending_counted(), index.pending_containers(after=0, limit=10))


def test_a_container_that_is_counted_again_has_the_new_count(index: Index) -> None:
    counted_tree(index, 300)
    index.record_files_seen([CountsAgree(seqs=tuple(one.found.seq for one in index.pending_counted()))])
    index.reopen_for_reindex()
    folder = next(one for one in index.pending_containers(after=0, limit=10) if one.entity_id == syn(2))
    index.record_listings([Listed(seq=folder.seq, container_id=syn(2), children=(), unlisted_files=301)])
    assert [301] == [one.files for one in index.pending_counted()]
