"""Tables: read whole or not at all, frozen once, changed only where nobody was faster."""

import asyncio
import threading

import pytest

from storage_core.model.entities import EntityKind
from storage_core.model.handles import HandleAnswer, HandleRefusal
from storage_core.model.ids import ColumnId, EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.places import TableCell
from storage_core.model.repoints import Drifted, Repointed, RepointFailed, SwapCellHandle
from storage_core.model.settings import MigrationSettings
from storage_core.model.works import (
    CellsWork,
    Described,
    FoundEntity,
    LookFailed,
    SnapshotFailed,
    SnapshotTaken,
    SnapshotWork,
    TableDescribed,
    TablePage,
)
from storage_core.plan import cells as limits
from storage_core.steps.describing_tables import describe_table
from storage_core.steps.repointing_cells import repoint_cells
from storage_core.steps.snapshotting import snapshot_table
from storage_core.steps.turns import TableTurns
from storage_core.testing.fake_catalog import FakeCatalog

TABLE = EntityId("syn8")
FOUND = FoundEntity(seq=3, entity_id=TABLE, parent_id=EntityId("syn1"), name="slides", kind=EntityKind.TABLE, version=1)


class Reach:
    """The part of the services these steps use."""

    def __init__(self, catalog: FakeCatalog) -> None:
        self.catalog = catalog
        self.settings = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(77))
        self.turns = TableTurns()
        self.stop = threading.Event()


@pytest.fixture
def catalog() -> FakeCatalog:
    catalog = FakeCatalog()
    for number in range(1, 1001):
        catalog.add_handle(str(number))
    return catalog


def emitted(work, thing, catalog: FakeCatalog) -> list:
    found: list = []
    asyncio.run(work(thing, Reach(catalog), found.append))
    return found


def cells_of(outcomes) -> dict:
    """(row, column) -> (handle, status) of all items."""
    items = [item for page in outcomes if isinstance(page, TablePage) for item in page.items]
    places = {(one.facts.place.row_id, one.facts.place.column_id): (one.facts.handle_id, one.status) for one in items}
    assert len(items) == len(places), "a cell came twice"
    return places


# -- reading -------------------------------------------------------------------------------------


def test_every_cell_with_a_file_is_an_item_and_no_other(catalog):
    catalog.add_handle("7", location=77)
    catalog.add_table("syn8", ["c1", "c2"], {0: ["1", None], 5: [None, None], 9: ["7", "2"]})
    outcomes = emitted(describe_table, FOUND, catalog)
    assert {
        (0, "c1"): ("1", ItemStatus.INDEXED),
        (9, "c1"): ("7", ItemStatus.ALREADY_MIGRATED),
        (9, "c2"): ("2", ItemStatus.INDEXED),
    } == cells_of(outcomes)
    assert TableDescribed(seq=3, table_id=TABLE, cells=3) == outcomes[-1]
    facts = outcomes[0].items[0].facts
    assert ("slides", "syn1", "name of c1") == (facts.name, facts.parent_id, facts.column_name)


@pytest.mark.parametrize("most_rows", [1, 3, 100])
def test_pages_cut_by_the_service_lose_no_row(catalog, most_rows, monkeypatch):
    monkeypatch.setattr(limits, "CELLS_AT_ONCE", 7)
    rows = {row: [str(row), str(row + 1)] for row in range(1, 51)}
    catalog.add_table("syn8", ["c1", "c2"], rows).most_rows = most_rows
    outcomes = emitted(describe_table, FOUND, catalog)
    assert 100 == len(cells_of(outcomes)) == outcomes[-1].cells
    pages = [page.number for page in outcomes[:-1]]
    assert list(range(1, len(pages) + 1)) == pages


def test_a_row_added_meanwhile_shifts_nothing(catalog, monkeypatch):
    monkeypatch.setattr(limits, "CELLS_AT_ONCE", 10)
    table = catalog.add_table("syn8", ["c1"], {row: [str(row)] for row in range(10, 41)})
    catalog.on_read = lambda _: table.rows.pop(min(table.rows))
    assert {row for row, _ in cells_of(emitted(describe_table, FOUND, catalog))} == set(range(10, 41))


@pytest.mark.parametrize(("handles", "bulk", "batches"), [(300, 0, 3), (301, 1, 0)])
def test_many_handles_are_read_in_bulk_and_few_by_the_hundred(catalog, handles, bulk, batches):
    catalog.add_table("syn8", ["c1"], {row: [str(row)] for row in range(1, handles + 1)})
    emitted(describe_table, FOUND, catalog)
    assert (bulk, batches) == (catalog.calls.get("cell_handles", 0), catalog.calls.get("handles", 0))


def test_what_the_bulk_read_leaves_out_is_asked_for_by_the_hundred(catalog):
    catalog.add_table("syn8", ["c1"], {row: [str(row)] for row in range(1, 402)})
    catalog.hidden_handles = {FileHandleId("5"), FileHandleId("6")}
    outcomes = emitted(describe_table, FOUND, catalog)
    assert 401 == sum(status is ItemStatus.INDEXED for _, status in cells_of(outcomes).values())
    assert 1 == catalog.calls["handles"]


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [(HandleRefusal.NOT_FOUND, ReasonCode.GONE), (HandleRefusal.UNAUTHORIZED, ReasonCode.NO_DOWNLOAD_ACCESS)],
)
def test_a_handle_that_is_not_shown_is_an_error_of_its_cell_alone(catalog, refusal, reason):
    catalog.add_table("syn8", ["c1"], {1: ["1"], 2: ["2"]})

    async def handles(associations, *, with_urls=False):
        shown = [catalog.handle_records[one.handle_id] for one in associations]
        answers = [HandleAnswer(handle_id=one.id, handle=one) for one in shown]
        return (HandleAnswer(handle_id=shown[0].id, refusal=refusal), *answers[1:])

    catalog.handles = handles
    first, second = emitted(describe_table, FOUND, catalog)[0].items
    assert (ItemStatus.ERRORED, reason) == (first.status, first.reason)
    assert ItemStatus.INDEXED is second.status


@pytest.mark.parametrize("columns", [[], ["c1"]])
def test_a_table_without_files_is_one_skipped_item(catalog, columns):
    catalog.add_table("syn8", columns, {1: [None for _ in columns]})
    (outcome,) = emitted(describe_table, FOUND, catalog)
    assert isinstance(outcome, Described)
    (item,) = outcome.items
    assert (ItemStatus.SKIPPED, ReasonCode.NO_FILE_HANDLE) == (item.status, item.reason)


def test_a_table_that_is_gone_is_skipped_and_one_that_fails_is_not_closed(catalog, monkeypatch):
    (outcome,) = emitted(describe_table, FOUND, catalog)
    assert ReasonCode.GONE is outcome.items[0].reason
    monkeypatch.setattr(limits, "CELLS_AT_ONCE", 1)
    table = catalog.add_table("syn8", ["c1"], {1: ["1"], 2: ["2"]})
    catalog.on_read = lambda _: table.columns.clear()
    *pages, last = emitted(describe_table, FOUND, catalog)
    assert 1 == len(pages)
    assert isinstance(last, LookFailed)


# -- freezing ------------------------------------------------------------------------------------

FREEZE = SnapshotWork(number=8, table_id=TABLE, label="before 42", comment="before migration 42")


@pytest.mark.parametrize(
    "trouble",
    [
        [],
        ["lost after"],
        ["lost before"],
        ["lost before", "lost after"],
        ["late"],
        ["late", "late"],
        ["late", "lost after"],
    ],
)
def test_a_table_is_frozen_once_whatever_is_lost(catalog, trouble):
    table = catalog.add_table("syn8", ["c1"], {1: ["1"]})
    catalog.table_trouble = list(trouble)
    assert [SnapshotTaken(table_id=TABLE, version=1)] == emitted(snapshot_table, FREEZE, catalog)
    assert ["before migration 42"] == [one.comment for one in table.snapshots]


def test_a_version_frozen_before_a_kill_is_found_by_its_comment(catalog):
    catalog.add_table("syn8", ["c1"], {1: ["1"]})
    emitted(snapshot_table, FREEZE, catalog)
    found = SnapshotTaken(table_id=TABLE, version=1, found_done=True)
    assert [found] == emitted(snapshot_table, FREEZE, catalog)


def test_a_version_that_was_made_between_looking_and_sending_is_found(catalog):
    """The label is taken, so nothing is made, and looking once more finds it."""
    table = catalog.add_table("syn8", ["c1"], {1: ["1"]})
    looked = catalog.table_versions

    async def look_and_make(table_id):
        found = await looked(table_id)
        table.freeze(FREEZE.label, FREEZE.comment)
        return found

    catalog.table_versions = look_and_make
    assert [SnapshotTaken(table_id=TABLE, version=1)] == emitted(snapshot_table, FREEZE, catalog)
    assert 1 == len(table.snapshots)


def test_a_label_that_somebody_else_has_taken_is_a_failure(catalog):
    table = catalog.add_table("syn8", ["c1"], {1: ["1"]})
    table.freeze(FREEZE.label, "somebody's own")
    (outcome,) = emitted(snapshot_table, FREEZE, catalog)
    assert (SnapshotFailed, ReasonCode.REFUSED) == (type(outcome), outcome.reason)


def test_a_table_that_may_not_be_frozen_is_a_failure(catalog):
    catalog.add_table("syn8", ["c1"], {1: ["1"]})
    catalog.table_trouble = ["forbidden"]
    (outcome,) = emitted(snapshot_table, FREEZE, catalog)
    assert (SnapshotFailed, ReasonCode.NO_WRITE_ACCESS) == (type(outcome), outcome.reason)


# -- repointing ----------------------------------------------------------------------------------


def swap(row_id: int, column: str, old: str) -> SwapCellHandle:
    place = TableCell(table_id=TABLE, row_id=row_id, column_id=ColumnId(column), row_version=1)
    new = FileHandleId(str(100_000 + int(old)))
    return SwapCellHandle(item_id=row_id, place=place, expect=FileHandleId(old), new=new)


def repointed(catalog: FakeCatalog, *changes: SwapCellHandle) -> dict:
    """Outcome by item."""
    work = CellsWork(last_item_id=max(one.item_id for one in changes), table_id=TABLE, changes=changes)
    outcomes = [one for batch in emitted(repoint_cells, work, catalog) for one in batch]
    assert len(changes) == len(outcomes), "not exactly one outcome per cell"
    return {one.item_id: one for one in outcomes}


@pytest.fixture
def table(catalog):
    return catalog.add_table("syn8", ["1", "2"], {row: [str(row), "99"] for row in range(1, 6)})


EVERY = [swap(row, "1", str(row)) for row in range(1, 6)]


def test_cells_of_a_table_are_written_in_one_transaction_and_nothing_else_is(catalog, table):
    assert {row: Repointed(item_id=row) for row in range(1, 6)} == repointed(catalog, *EVERY)
    assert [5] == table.transactions
    assert ["100001", "100002", "100003", "100004", "100005"] == [table.held(row, "1") for row in table.rows]
    assert {"99"} == {table.held(row, "2") for row in table.rows}


def test_cells_that_were_written_before_a_kill_are_recognised_and_cost_no_transaction(catalog, table):
    repointed(catalog, *EVERY[:3])
    outcomes = repointed(catalog, *EVERY)
    assert [True, True, True, False, False] == [outcomes[row].found_done for row in range(1, 6)]
    assert [3, 2] == table.transactions


def test_somebody_elses_handle_an_emptied_cell_and_a_deleted_row_are_left_alone(catalog, table):
    table.put(2, "1", "777")
    table.rows[3][ColumnId("1")] = None
    del table.rows[4]
    outcomes = repointed(catalog, *EVERY)
    assert {2: ReasonCode.HANDLE_CHANGED, 3: ReasonCode.HANDLE_CHANGED, 4: ReasonCode.GONE} == {
        row: one.reason for row, one in outcomes.items() if isinstance(one, Drifted)
    }
    assert ("777", None) == (table.held(2, "1"), table.held(3, "1"))
    assert [2] == table.transactions


def test_an_edit_between_writing_and_reading_again_is_drift_and_stays(catalog, table):
    real = catalog.change_cells

    async def change_cells(table_id, changes):
        await real(table_id, changes)
        table.put(5, "1", "777")

    catalog.change_cells = change_cells
    outcomes = repointed(catalog, *EVERY)
    assert (Drifted, ReasonCode.HANDLE_CHANGED) == (type(outcomes[5]), outcomes[5].reason)
    assert "777" == table.held(5, "1")


def test_a_write_that_does_not_show_is_a_mismatch_and_is_not_repeated(catalog, table):
    real = catalog.change_cells

    async def change_cells(table_id, changes):
        await real(table_id, changes)
        table.put(1, "1", "1")

    catalog.change_cells = change_cells
    outcomes = repointed(catalog, *EVERY)
    assert (RepointFailed, ReasonCode.READ_BACK_DIFFERS) == (type(outcomes[1]), outcomes[1].reason)
    assert [5] == table.transactions


@pytest.mark.parametrize("trouble", ["lost before", "lost after", "fault"])
def test_a_lost_answer_is_resolved_by_reading(catalog, table, trouble):
    catalog.table_trouble = [trouble]
    assert {row: Repointed(item_id=row) for row in range(1, 6)} == repointed(catalog, *EVERY)
    assert [5] == table.transactions


def test_answers_that_stay_lost_end_as_a_retryable_failure(catalog, table):
    catalog.table_trouble = ["lost before"] * 9
    outcomes = repointed(catalog, *EVERY)
    assert {ReasonCode.SERVICE_FAULT} == {one.reason for one in outcomes.values()}
    assert 3 == catalog.calls["change_cells"]


def test_a_handle_that_is_not_ours_fails_alone(catalog, table):
    catalog.foreign = {FileHandleId("100003")}
    outcomes = repointed(catalog, *EVERY)
    assert (RepointFailed, ReasonCode.NO_WRITE_ACCESS) == (type(outcomes[3]), outcomes[3].reason)
    assert [4] == table.transactions
    assert "3" == table.held(3, "1")


def test_a_missing_right_fails_all_after_one_try(catalog, table):
    catalog.table_trouble = ["forbidden"] * 9
    outcomes = repointed(catalog, *EVERY)
    assert {ReasonCode.NO_WRITE_ACCESS} == {one.reason for one in outcomes.values()}
    assert 1 == catalog.calls["change_cells"]


def test_a_refusal_for_good_is_not_repeated(catalog, table):
    catalog.table_trouble = ["bad"] * 9
    outcomes = repointed(catalog, *EVERY)
    assert {ReasonCode.REFUSED} == {one.reason for one in outcomes.values()}
    assert 1 == catalog.calls["change_cells"]


def test_a_row_deleted_between_reading_and_writing_costs_one_more_transaction(catalog, table):
    catalog.on_write = lambda _: table.rows.pop(2, None)
    outcomes = repointed(catalog, *EVERY)
    assert (Drifted, ReasonCode.GONE) == (type(outcomes[2]), outcomes[2].reason)
    assert [4] == table.transactions


@pytest.mark.parametrize("when", ["before", "between"])
def test_a_dropped_column_is_drift_and_the_others_are_written(catalog, table, when):
    def drop(_):
        table.columns.pop(ColumnId("2"), None)

    if when == "before":
        drop(table)
    else:
        catalog.on_write = drop
    changes = [swap(1, "1", "1"), swap(2, "2", "99")]
    outcomes = repointed(catalog, *changes)
    assert isinstance(outcomes[1], Repointed)
    assert (Drifted, ReasonCode.ENTITY_CHANGED) == (type(outcomes[2]), outcomes[2].reason)


def test_a_table_that_is_gone_is_reported(catalog, table):
    del catalog.tables[TABLE]
    assert {ReasonCode.GONE} == {one.reason for one in repointed(catalog, *EVERY).values()}


def test_rows_that_lie_far_apart_are_read_without_what_is_between(catalog, monkeypatch):
    monkeypatch.setattr(limits, "CELLS_AT_ONCE", 10)
    table = catalog.add_table("syn8", ["1"], {row: [str(row)] for row in range(1, 1001)})
    outcomes = repointed(catalog, *[swap(row, "1", str(row)) for row in (1, 2, 500, 1000)])
    assert all(isinstance(one, Repointed) for one in outcomes.values())
    assert [4] == table.transactions
    assert catalog.calls["file_rows"] <= 2 * 3


def test_two_works_of_one_table_take_turns(catalog, table):
    busy: list[int] = []
    real = catalog.change_cells

    async def change_cells(table_id, changes):
        busy.append(1)
        await asyncio.sleep(0.01)
        assert 1 == len(busy), "two transactions of one table at the same time"
        await real(table_id, changes)
        busy.pop()

    catalog.change_cells = change_cells

    async def both():
        reach, found = Reach(catalog), []
        works = [CellsWork(last_item_id=5, table_id=TABLE, changes=tuple(part)) for part in (EVERY[:2], EVERY[2:])]
        await asyncio.gather(*(repoint_cells(work, reach, found.append) for work in works))
        return found

    assert {Repointed} == {type(one) for batch in asyncio.run(both()) for one in batch}
    assert [2, 3] == sorted(table.transactions)
