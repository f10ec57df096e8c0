"""How table cells are read and changed in bulk, and what reading them again means. Pure."""

from collections.abc import Iterator, Sequence

from storage_core.model.ids import FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.repoints import Drifted, Repointed, RepointFailed, RepointOutcome, SwapCellHandle

CELLS_AT_ONCE = 20_000
"""Cells that are in hand at a time: one page when reading, one transaction when writing."""

MOST_BYTES = 2_097_152
"""Of one row set as the service counts it, and of a request's body (contract 9.7, 1.4)."""

_BYTES_PER_CHARACTER = 4
_ENVELOPE_BYTES = 2_048
_CELL_SIGNS = len('{"key":"","value":""},')
_ROW_SIGNS = len('{"rowId":,"values":[]},')


def rows_per_page(columns: int) -> int:
    """Rows to ask for at once."""
    return max(1, CELLS_AT_ONCE // columns)


def batches(changes: Sequence[SwapCellHandle]) -> Iterator[tuple[SwapCellHandle, ...]]:
    """Cut changes of one table into transactions that the service takes, by row.

    Each is counted as if every cell had a row of its own, so what is sent is never larger than what was counted.
    """
    batch: list[SwapCellHandle] = []
    counted = body = 0
    for change in sorted(changes, key=lambda one: (one.place.row_id, int(one.place.column_id))):
        text = len(change.place.column_id) + len(change.new)
        size = _CELL_SIGNS + _ROW_SIGNS + len(str(change.place.row_id)) + text
        is_full = len(batch) >= CELLS_AT_ONCE or counted + _BYTES_PER_CHARACTER * text > MOST_BYTES
        if batch and (is_full or body + size > MOST_BYTES - _ENVELOPE_BYTES):
            yield tuple(batch)
            batch, counted, body = [], 0, 0
        batch.append(change)
        counted += _BYTES_PER_CHARACTER * text
        body += size
    if batch:
        yield tuple(batch)


def explain_cell(
    change: SwapCellHandle, held: FileHandleId | None, *, was_sent: bool, was_acknowledged: bool
) -> RepointOutcome | None:
    """Say what a cell came to, now that it was read; None when it still waits for its change.

    Args:
        held: what the cell holds now, None when it is empty.
        was_sent: this run has sent the change, whatever became of it.
        was_acknowledged: the service has said that it was made.
    """
    if held == change.new:
        return Repointed(item_id=change.item_id, found_done=not was_sent)
    if held != change.expect:
        return Drifted(
            item_id=change.item_id,
            reason=ReasonCode.HANDLE_CHANGED,
            detail=f"expected handle {change.expect}, found {held or 'an empty cell'}",
        )
    if was_acknowledged:
        return RepointFailed(
            item_id=change.item_id,
            reason=ReasonCode.READ_BACK_DIFFERS,
            detail=f"Synapse said that the cell was changed to handle {change.new}, but it holds {held}",
        )
    return None


def row_is_gone(change: SwapCellHandle) -> Drifted:
    """The cell's row was deleted after it was indexed."""
    return Drifted(item_id=change.item_id, reason=ReasonCode.GONE, detail=f"row {change.place.row_id} is gone")


def column_is_gone(change: SwapCellHandle) -> Drifted:
    """The cell's column was dropped, renamed or made anew: each of those ends a column id (contract 9.7)."""
    return Drifted(
        item_id=change.item_id,
        reason=ReasonCode.ENTITY_CHANGED,
        detail=f"column {change.place.column_id} is not in the table any more",
    )
