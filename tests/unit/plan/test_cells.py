"""Transactions of cells stay within the service's limits by construction."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from storage_core.model.ids import ColumnId, EntityId, FileHandleId
from storage_core.model.places import TableCell
from storage_core.model.repoints import SwapCellHandle
from storage_core.model.tables import CellChange
from storage_core.plan.cells import CELLS_AT_ONCE, MOST_BYTES, batches, rows_per_page
from storage_core.synapse.wire_tables import change_request

TABLE = EntityId("syn999999999999999999")


def swap(number: int, row_id: int, column: int, handle: int) -> SwapCellHandle:
    place = TableCell(table_id=TABLE, row_id=row_id, column_id=ColumnId(str(column)), row_version=1)
    return SwapCellHandle(item_id=number, place=place, expect=FileHandleId("1"), new=FileHandleId(str(handle)))


def sizes(batch) -> tuple[int, int]:
    """Bytes of the body as it is sent, and of the row set as the service counts it."""
    changes = [CellChange(row_id=one.place.row_id, column_id=one.place.column_id, handle_id=one.new) for one in batch]
    body = change_request(TABLE, changes)
    counted = sum(4 * (len(change.column_id) + len(change.handle_id)) for change in changes)
    return len(json.dumps(body, separators=(",", ":"))), counted


@settings(deadline=None, max_examples=20)
@given(
    count=st.integers(1, 45_000),
    columns=st.integers(1, 3),
    column=st.integers(0, 17).map(lambda digits: 10**digits),
    handle=st.integers(0, 17).map(lambda digits: 10**digits),
    row=st.integers(0, 15).map(lambda digits: 10**digits),
)
def test_no_batch_is_too_large_and_every_cell_is_in_exactly_one(count, columns, column, handle, row):
    changes = [swap(n, row + n // columns, column + n % columns, handle + n) for n in range(count)]
    cut = list(batches(changes))
    assert list(range(count)) == sorted(one.item_id for batch in cut for one in batch)
    for batch in cut:
        body, counted = sizes(batch)
        assert body <= MOST_BYTES
        assert counted <= MOST_BYTES
        assert len(batch) <= CELLS_AT_ONCE


def test_twenty_thousand_ordinary_cells_are_one_transaction():
    changes = [swap(n, n, 4711, 90_000_000 + n) for n in range(20_000)]
    assert [20_000] == [len(batch) for batch in batches(changes)]


def test_the_largest_ids_still_make_few_transactions():
    changes = [swap(n, 10**15 + n, 10**17, 10**17 + n) for n in range(20_000)]
    assert 2 == len(list(batches(changes)))


def test_a_page_holds_at_least_one_row():
    assert (20_000, 10_000, 1) == (rows_per_page(1), rows_per_page(2), rows_per_page(152_000))
