"""Tables in the index: whole or not at all, frozen before they are changed, cells claimed by the table."""

from pathlib import Path

import pytest

from storage_core.index import opening
from storage_core.index.reading import open_for_reading
from storage_core.index.schema import STEPS
from storage_core.index.store import Index
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.handles import AssociationKind, FileHandle
from storage_core.model.ids import ColumnId
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus, ReasonClass, ReasonCode
from storage_core.model.places import TableCell
from storage_core.model.repoints import Drifted, Repointed
from storage_core.model.settings import MigrationSettings
from storage_core.model.tallies import Tally
from storage_core.model.works import (
    Described,
    FoundEntity,
    Listed,
    LookFailed,
    SnapshotFailed,
    SnapshotTaken,
    TableDescribed,
    TablePage,
    Verified,
)
from tests.unit.index.builders import (
    ROOT,
    SETTINGS,
    copy_all,
    describe,
    fresh_index,
    handle,
    header,
    listed_tree,
    placeless_item,
    statuses,
    syn,
    version_item,
)

TABLE_SETTINGS = MigrationSettings(
    roots=SETTINGS.roots, destination=SETTINGS.destination, strategy=SETTINGS.strategy, include_tables=True
)


@pytest.fixture
def index(tmp_path: Path):
    with fresh_index(tmp_path, TABLE_SETTINGS) as opened:
        yield opened


def table(number: int) -> EntityHeader:
    return header(number, EntityKind.TABLE)


def cell(of: int, row: int, handle_of: FileHandle, *, column: str = "5", version: int = 3) -> IndexedItem:
    place = TableCell(table_id=syn(of), row_id=row, column_id=ColumnId(column), row_version=version)
    facts = ItemFacts(
        entity_id=syn(of),
        parent_id=ROOT,
        name=f"table {of}",
        place=place,
        handle_id=handle_of.id,
        handle=handle_of,
        column_name=f"column {column}",
    )
    return IndexedItem(facts=facts, status=ItemStatus.INDEXED)


def found(index: Index, number: int) -> FoundEntity:
    (one,) = [one for one in index.pending_tables(after=0, limit=100) if one.entity_id == syn(number)]
    return one


def page(one: FoundEntity, number: int, *items: IndexedItem) -> TablePage:
    return TablePage(seq=one.seq, table_id=one.entity_id, number=number, items=items)


def read(index: Index, number: int, *items: IndexedItem) -> Tally:
    """Record a whole table, two cells a page."""
    one = found(index, number)
    pages = [page(one, 1 + at // 2, *items[at : at + 2]) for at in range(0, len(items), 2)]
    return index.record_tables([*pages, TableDescribed(seq=one.seq, table_id=one.entity_id, cells=len(items))])


def indexed_tables(index: Index, tables: dict[int, list[IndexedItem]]) -> None:
    listed_tree(index, *(table(number) for number in tables))
    for number, items in tables.items():
        read(index, number, *items)
    index.finish_indexing()


def freeze_all(index: Index) -> None:
    works = index.pending_snapshots(after=0, limit=100)
    index.record_snapshots([SnapshotTaken(table_id=work.table_id, version=4) for work in works])


def repoint_cells(index: Index) -> None:
    changes = [change for work in index.pending_cells(after=0, limit=1000) for change in work.changes]
    index.record_repoints([Repointed(item_id=change.item_id) for change in changes])
    index.record_verifications(
        [Verified(item_id=work.item_id) for work in index.pending_verifications(after=0, limit=1000)]
    )


def look_again(index: Index, *headers: EntityHeader) -> None:
    index.reopen_for_reindex()
    (root,) = index.pending_containers(after=0, limit=10)
    index.record_listings([Listed(seq=root.seq, container_id=ROOT, children=headers)])


def rows(index: Index, columns: str) -> list[tuple]:
    return index._database.rows(f"select {columns} from items_v1 order by item_id")


# -- reading -------------------------------------------------------------------------------------


def test_cells_are_items_with_row_column_and_row_version(index):
    indexed_tables(index, {8: [cell(8, 1, handle(10)), cell(8, 1, handle(11), column="6"), cell(8, 9, handle(12))]})
    assert [
        ("table", "syn8", 1, 5, "column 5", 3, "10"),
        ("table", "syn8", 1, 6, "column 6", 3, "11"),
        ("table", "syn8", 9, 5, "column 5", 3, "12"),
    ] == rows(index, "kind, entity_id, row_id, col_id, col_name, version, from_file_handle_id")
    assert index.is_indexed()


def test_a_table_is_pending_until_its_last_page_is_recorded(index):
    listed_tree(index, table(8))
    one = found(index, 8)
    assert Tally(done=1, size_bytes=100) == index.record_tables([page(one, 1, cell(8, 1, handle(10)))])
    assert [one] == list(index.pending_tables(after=0, limit=10))
    assert not index.is_indexed()


def test_a_table_whose_reading_broke_off_is_read_anew_and_never_doubled(index):
    listed_tree(index, table(8))
    one = found(index, 8)
    index.record_tables([page(one, 1, cell(8, 1, handle(10)), cell(8, 2, handle(11)))])
    read(index, 8, cell(8, 2, handle(11)), cell(8, 3, handle(12)), cell(8, 4, handle(13)))
    assert [(2,), (3,), (4,)] == rows(index, "row_id")
    assert [(3,)] == index._database.rows("select count(*) from item_facts")


@pytest.mark.parametrize("in_one_commit", [True, False])
def test_a_table_that_fails_half_way_leaves_no_half(index, in_one_commit):
    listed_tree(index, table(8))
    one = found(index, 8)
    failure = LookFailed(
        seq=one.seq,
        entity_id=one.entity_id,
        parent_id=ROOT,
        name="t",
        reason=ReasonCode.SERVICE_FAULT,
        detail="answered 503",
    )
    outcomes = [page(one, 1, cell(8, 1, handle(10))), failure]
    for part in [outcomes] if in_one_commit else [[outcome] for outcome in outcomes]:
        index.record_tables(part)
    assert [("ERRORED", "SERVICE_FAULT", None)] == rows(index, "status, reason, row_id")
    assert not index.is_indexed()
    assert 1 == index.retry(frozenset({ReasonClass.RETRYABLE}))
    read(index, 8, cell(8, 1, handle(10)))
    assert [("INDEXED", None, 1)] == rows(index, "status, reason, row_id")


def test_a_table_without_files_is_settled_by_one_item(index):
    listed_tree(index, table(8))
    one = found(index, 8)
    item = placeless_item(8, ItemStatus.SKIPPED, ReasonCode.NO_FILE_HANDLE)
    index.record_tables([Described(seq=one.seq, entity_id=one.entity_id, items=(item,))])
    assert [("table", "SKIPPED")] == rows(index, "kind, status")
    assert () == index.pending_tables(after=0, limit=10)


def test_pages_of_two_tables_may_alternate(index):
    listed_tree(index, table(8), table(9))
    one, two = found(index, 8), found(index, 9)
    index.record_tables(
        [
            page(one, 1, cell(8, 1, handle(10))),
            page(two, 1, cell(9, 1, handle(20))),
            page(one, 2, cell(8, 2, handle(11))),
            TableDescribed(seq=two.seq, table_id=two.entity_id, cells=1),
        ]
    )
    assert [("syn8", 1), ("syn9", 1), ("syn8", 2)] == rows(index, "entity_id, row_id")
    assert [one] == list(index.pending_tables(after=0, limit=10))


def test_a_migrated_cell_stays_one_item_when_its_table_is_read_again(index):
    indexed_tables(index, {8: [cell(8, 1, handle(10)), cell(8, 2, handle(11))]})
    copy_all(index)
    freeze_all(index)
    repoint_cells(index)
    new = dict(rows(index, "row_id, to_file_handle_id"))
    look_again(index, table(8))
    at_destination = [handle(int(new[row]), location=77) for row in (1, 2)]
    # row 2 was given another file by somebody, row 3 is new
    read(index, 8, cell(8, 1, at_destination[0], version=4), cell(8, 2, handle(30), version=5), cell(8, 3, handle(31)))
    assert [(1, "MIGRATED"), (2, "INDEXED"), (3, "INDEXED")] == rows(index, "row_id, status")


def test_a_handle_in_a_file_and_in_cells_is_copied_once(index):
    listed_tree(index, header(2), table(8))
    describe(index, version_item(2, 1, handle(10)))
    read(index, 8, cell(8, 1, handle(10)), cell(8, 2, handle(10)), cell(8, 3, handle(11)))
    index.finish_indexing()
    requests = index.pending_copies(after=0, limit=10)
    assert ["10", "11"] == [request.source.id for request in requests]
    assert [AssociationKind.FILE, AssociationKind.TABLE] == [request.association.kind for request in requests]
    assert syn(8) == requests[1].association.object_id


# -- freezing ------------------------------------------------------------------------------------


def test_only_tables_with_proven_cells_are_frozen_and_each_once(index):
    indexed_tables(index, {8: [cell(8, 1, handle(10))], 9: [cell(9, 1, handle(20))]})
    assert () == index.pending_snapshots(after=0, limit=10)
    copy_all(index)
    first, second = index.pending_snapshots(after=0, limit=10)
    assert (syn(8), syn(9)) == (first.table_id, second.table_id)
    assert [second] == list(index.pending_snapshots(after=first.number, limit=10))
    assert Tally(done=1) == index.record_snapshots([SnapshotTaken(table_id=syn(8), version=4)])
    assert [second] == list(index.pending_snapshots(after=0, limit=10))


def test_the_comment_of_a_snapshot_is_that_of_this_migration_and_of_no_other(tmp_path):
    comments = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for _ in range(2):
            with fresh_index(tmp_path / name, TABLE_SETTINGS) as index:
                if not index.is_indexed():
                    indexed_tables(index, {8: [cell(8, 1, handle(10))]})
                    copy_all(index)
                comments += [work.comment for work in index.pending_snapshots(after=0, limit=1)]
    assert comments[0] == comments[1] != comments[2] == comments[3]
    assert max(map(len, comments)) <= 256


def test_cells_of_a_table_that_cannot_be_frozen_wait_for_a_retry(index):
    indexed_tables(index, {8: [cell(8, 1, handle(10)), cell(8, 2, handle(11))], 9: [cell(9, 1, handle(20))]})
    copy_all(index)
    failed = SnapshotFailed(table_id=syn(8), reason=ReasonCode.SERVICE_FAULT, detail="answered 503")
    assert Tally(done=1, failed=2) == index.record_snapshots([failed, SnapshotTaken(table_id=syn(9), version=4)])
    assert {"ERRORED": 2, "INDEXED": 1} == statuses(index)
    assert [syn(9)] == [work.table_id for work in index.pending_cells(after=0, limit=10)]
    assert 2 == index.retry(frozenset({ReasonClass.RETRYABLE}))
    assert [syn(8)] == [work.table_id for work in index.pending_snapshots(after=0, limit=10)]


# -- changing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_every_ready_cell_is_claimed_exactly_once_by_table(index, limit):
    tables = {number: [cell(number, row, handle(number * 10 + row)) for row in range(1, 5)] for number in (8, 9)}
    indexed_tables(index, tables)
    copy_all(index)
    claimed: list[tuple[str, int]] = []
    after = 0
    while works := index.pending_cells(after=after, limit=limit):
        assert limit >= sum(len(work.changes) for work in works)
        assert all({work.table_id} == {change.place.table_id for change in work.changes} for work in works)
        after = works[-1].last_item_id
        claimed += [(work.table_id, change.place.row_id) for work in works for change in work.changes]
    assert sorted((syn(number), row) for number in (8, 9) for row in range(1, 5)) == sorted(claimed)


def test_cells_of_alternating_pages_are_claimed_with_rising_numbers(index):
    listed_tree(index, table(8), table(9))
    one, two = found(index, 8), found(index, 9)
    index.record_tables(
        [
            page(one, 1, cell(8, 1, handle(10))),
            page(two, 1, cell(9, 1, handle(20))),
            page(one, 2, cell(8, 2, handle(11))),
            TableDescribed(seq=one.seq, table_id=one.entity_id, cells=2),
            TableDescribed(seq=two.seq, table_id=two.entity_id, cells=1),
        ]
    )
    index.finish_indexing()
    copy_all(index)
    assert [(syn(9), 2), (syn(8), 3)] == [
        (work.table_id, work.last_item_id) for work in index.pending_cells(after=0, limit=10)
    ]


def test_a_change_names_place_expected_and_new_handle(index):
    indexed_tables(index, {8: [cell(8, 7, handle(10), column="6")]})
    copy_all(index, first_new=9000)
    ((change,),) = [work.changes for work in index.pending_cells(after=0, limit=10)]
    place = TableCell(table_id=syn(8), row_id=7, column_id=ColumnId("6"), row_version=3)
    assert (place, "10", "9001") == (change.place, change.expect, change.new)
    assert () == index.pending_repoints(after=0, limit=10)


def test_cells_are_read_back_through_their_table(index):
    indexed_tables(index, {8: [cell(8, 1, handle(10)), cell(8, 2, handle(11))]})
    copy_all(index)
    ((first, second),) = [work.changes for work in index.pending_cells(after=0, limit=10)]
    drifted = Drifted(item_id=second.item_id, reason=ReasonCode.HANDLE_CHANGED, detail="changed")
    index.record_repoints([Repointed(item_id=first.item_id), drifted])
    (work,) = index.pending_verifications(after=0, limit=10)
    assert (syn(8), AssociationKind.TABLE, "9001") == (
        work.association.object_id,
        work.association.kind,
        work.association.handle_id,
    )
    index.record_verifications([Verified(item_id=work.item_id)])
    assert {"MIGRATED": 1, "DRIFTED": 1} == statuses(index)


def test_a_plan_counts_cells_tables_and_versions_to_be_made(index):
    listed_tree(index, header(2), table(8), table(9))
    describe(index, version_item(2, 1, handle(10)))
    read(index, 8, cell(8, 1, handle(11)), cell(8, 2, handle(12)))
    read(index, 9, cell(9, 1, handle(13)))
    index.finish_indexing()
    ahead = index.ahead()
    assert (4, 3, 3, 2, 2) == (ahead.repoints, ahead.repoint_entities, ahead.cells, ahead.tables, ahead.snapshots)
    copy_all(index)
    index.record_snapshots([SnapshotTaken(table_id=syn(8), version=4)])
    assert (3, 2, 1) == (index.ahead().cells, index.ahead().tables, index.ahead().snapshots)
    repoint_cells(index)
    assert (0, 0, 0) == (index.ahead().cells, index.ahead().tables, index.ahead().snapshots)


def test_an_index_from_before_tables_is_brought_up_to_date(tmp_path):
    old = opening.connect(tmp_path / "project.duckdb", read_only=False)
    opening.bring_up_to_date(old, 0, STEPS[:1])
    old.execute("create view settings_v1 as select name, value from setting")
    old.executemany("insert into setting values (?, ?)", opening.to_rows(TABLE_SETTINGS))
    old.close()
    with fresh_index(tmp_path, TABLE_SETTINGS) as index:
        indexed_tables(index, {8: [cell(8, 1, handle(10))]})
        copy_all(index)
        assert [syn(8)] == [work.table_id for work in index.pending_snapshots(after=0, limit=10)]
        assert index.recall("migration_id")


def test_an_index_of_an_older_release_can_be_exported_at_once(tmp_path):
    """Before anything has opened it for writing."""
    path = tmp_path / "project.duckdb"
    old = opening.connect(path, read_only=False)
    opening.bring_up_to_date(old, 0, STEPS[:3])
    old.execute("create view settings_v1 as select name, value from setting")
    old.executemany("insert into setting values (?, ?)", opening.to_rows(TABLE_SETTINGS))
    old.close()

    with open_for_reading(path) as queries:
        assert [] == queries.rows("select * from event_chain_v1")
        assert TABLE_SETTINGS == queries.settings
