"""Indexing again looks only at what may have changed, and forgets nothing that was done."""

from collections.abc import Sequence
from dataclasses import replace

from storage_core.index.store import Index
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId
from storage_core.model.items import IndexedItem, ItemStatus, ReasonCode
from storage_core.model.repoints import Drifted, Repointed
from storage_core.model.works import Listed
from tests.unit.index.builders import (
    ROOT,
    copy_all,
    describe,
    handle,
    header,
    indexed_tree,
    new_version_item,
    repoint_all,
    statuses,
    syn,
    version_item,
)


def list_again(index: Index, *children: EntityHeader) -> Sequence[EntityId]:
    """List the root anew; return which files are read again."""
    index.reopen_for_reindex()
    (root,) = index.pending_containers(after=0, limit=10)
    index.record_listings([Listed(seq=root.seq, container_id=ROOT, children=children)])
    return [found.entity_id for found in index.pending_files(after=0, limit=10)]


def test_unchanged_files_are_not_read_again(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)), version_item(3, 1, handle(11)))

    assert [] == list_again(index, header(2), header(3))
    index.finish_indexing()
    assert index.is_indexed()
    assert {"INDEXED": 2} == statuses(index)


def test_new_and_changed_files_are_read(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)), version_item(3, 1, handle(11)))

    assert [syn(3), syn(9)] == list_again(index, header(2), header(3, version=2), header(9))


def test_a_version_that_we_added_is_no_change(new_index: Index) -> None:
    """Else every nightly run would read every migrated file once more."""
    indexed_tree(new_index, new_version_item(2, 1, handle(10)))
    copy_all(new_index)
    repoint_all(new_index, adds_versions=True)

    assert [] == list_again(new_index, header(2, version=2))
    assert [syn(2)] == list_again(new_index, header(2, version=3))


def test_drifted_files_are_read_again_and_get_a_new_verdict(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index)
    index.record_repoints([Drifted(item_id=1, reason=ReasonCode.HANDLE_CHANGED, detail="")])

    assert [syn(2)] == list_again(index, header(2))
    describe(index, version_item(2, 1, handle(55)))
    index.finish_indexing()
    assert {"INDEXED": 1} == statuses(index)
    assert [handle(55)] == [request.source for request in index.pending_copies(after=0, limit=10)]


def test_what_we_migrated_keeps_its_history_when_it_is_read_again(index: Index) -> None:
    """A new version beside a migrated one: both are reported, each once."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index, first_new=900)
    repoint_all(index)
    list_again(index, header(2, version=2))
    migrated = version_item(2, 1, handle(901, location=77), ItemStatus.ALREADY_MIGRATED)
    describe(index, migrated, version_item(2, 2, handle(12)))
    index.finish_indexing()

    assert [(1, "10", "901", "MIGRATED"), (2, "12", None, "INDEXED")] == index._database.rows(
        "select version, from_file_handle_id, to_file_handle_id, status from items_v1 order by item_id"
    )


def test_a_migrated_place_that_somebody_changed_is_told_of_once_as_it_is_now(index: Index) -> None:
    """Its handle was replaced in place, and a version added: the old verdict is overtaken."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index, first_new=900)
    repoint_all(index)
    list_again(index, header(2, version=2))
    describe(index, version_item(2, 1, handle(55)), version_item(2, 2, handle(12)))
    index.finish_indexing()

    assert [(1, "55", None, "INDEXED"), (2, "12", None, "INDEXED")] == index._database.rows(
        "select version, from_file_handle_id, to_file_handle_id, status from items_v1 order by version"
    )
    assert [("superseded",)] == index._database.rows("select event from events_v1 where event = 'superseded'")


def test_a_place_that_is_not_read_back_yet_survives_a_new_look(index: Index) -> None:
    """Killed between change and read-back, then indexed again: it is still to be verified, not changed twice."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    copy_all(index, first_new=900)
    index.record_repoints([Repointed(item_id=1)])
    list_again(index, header(2, version=2))
    migrated = version_item(2, 1, handle(901, location=77), ItemStatus.ALREADY_MIGRATED)
    describe(index, migrated, version_item(2, 2, handle(901, location=77), ItemStatus.ALREADY_MIGRATED))
    index.finish_indexing()

    assert [1] == [work.item_id for work in index.pending_verifications(after=0, limit=10)]
    assert {"INDEXED": 1, "ALREADY_MIGRATED": 1} == statuses(index)


def test_a_copy_that_nobody_needs_any_more_is_not_made(index: Index) -> None:
    """The file was replaced before its copy was begun."""
    indexed_tree(index, version_item(2, 1, handle(10)))
    list_again(index, header(2, version=2))
    describe(index, version_item(2, 2, handle(11)))
    index.finish_indexing()

    assert [handle(11)] == [request.source for request in index.pending_copies(after=0, limit=10)]


def test_failed_containers_and_tables_are_looked_into_again(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    list_again(index, header(2), header(7, EntityKind.FOLDER))
    (folder,) = index.pending_containers(after=0, limit=10)
    index.record_listings([Listed(seq=folder.seq, container_id=folder.entity_id, children=(header(8),))])

    assert [] != index.pending_files(after=0, limit=10)
    index.reopen_for_reindex()
    assert [ROOT, syn(7)] == [found.entity_id for found in index.pending_containers(after=0, limit=10)]


def unasked(entity: int, source: FileHandle) -> IndexedItem:
    """A file that waits for a new version, and whose provenance nobody looked for."""
    item = new_version_item(entity, 1, source)
    return replace(item, facts=replace(item.facts, knows_activity=False))


def test_files_whose_provenance_was_not_looked_for_are_counted_and_can_be_read_again(new_index: Index) -> None:
    indexed_tree(new_index, unasked(2, handle(10)), new_version_item(3, 1, handle(11)))
    assert 1 == new_index.unknown_provenance()
    assert 1 == new_index.reopen_unknown_provenance()
    assert not new_index.is_indexed()
    assert [syn(2)] == [found.entity_id for found in new_index.pending_files(after=0, limit=10)]
    describe(new_index, new_version_item(2, 1, handle(10)))
    assert (0, 0) == (new_index.unknown_provenance(), new_index.reopen_unknown_provenance())


def test_a_provenance_that_was_not_looked_for_is_none_to_the_change(new_index: Index) -> None:
    indexed_tree(new_index, unasked(2, handle(10)))
    copy_all(new_index)
    (work,) = new_index.pending_repoints(after=0, limit=10)
    assert [None] == [change.activity_id for change in work.changes]


def test_what_was_changed_already_is_not_read_again_for_its_provenance(new_index: Index) -> None:
    indexed_tree(new_index, unasked(2, handle(10)))
    copy_all(new_index)
    repoint_all(new_index, adds_versions=True)
    assert (0, 0) == (new_index.unknown_provenance(), new_index.reopen_unknown_provenance())
