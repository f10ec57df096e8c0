"""Table cells that are changed, and the versions that keep how their tables were before."""

from collections.abc import Sequence
from typing import NamedTuple

from storage_core.index.repoints import RepointTables
from storage_core.index.rows import entity_id_of, entity_number, proven_copy
from storage_core.model.ids import ColumnId
from storage_core.model.places import TableCell
from storage_core.model.repoints import SwapCellHandle
from storage_core.model.tallies import Tally
from storage_core.model.works import CellsWork, SnapshotFailed, SnapshotTaken, SnapshotWork
from storage_core.plan.repointing import repoint

_IS_READY = "status = 'INDEXED' and step = 'READY' and place = 'cell'"

# The limit is taken over numbers alone, the other columns are fetched for its rows only: five times faster.
_READY_CELLS = f"""
with claimed as (select item_id from item where item_id > ? and {_IS_READY} {{within}} order by item_id limit ?)
select item.item_id, item.entity, item.version, item.row_id, item.col_id,
    copy.copy_id, copy.from_handle, copy.to_handle, copy.proof
from claimed join item on item.item_id = claimed.item_id join copy on copy.from_handle = item.from_handle
where copy.status = 'PROVEN' order by item.item_id
"""  # noqa: S608 - a constant

_TO_FREEZE = f"""
select distinct entity from item
where entity > ? and {_IS_READY} {{within}} and entity not in (select entity from table_snapshot)
order by entity limit ?
"""  # noqa: S608 - a constant

_NOT_FROZEN = f"""
update item set status = 'ERRORED', step = 'SETTLED', reason = ?, detail = ?, updated_at = ?
where entity = ? and {_IS_READY} returning item_id
"""  # noqa: S608 - a constant


class _ReadyCell(NamedTuple):
    item_id: int
    entity: int
    version: int
    row_id: int
    col_id: int
    copy_id: int
    from_handle: int
    to_handle: int
    proof: str | None


class CellTables(RepointTables):
    """Implements the half of ports.RepointLedger that is about tables."""

    def pending_snapshots(self, *, after: int, limit: int) -> tuple[SnapshotWork, ...]:
        """See ports.RepointLedger. A work's number is its table's."""
        ((migration,),) = self._database.rows("select value from fact where key = 'migration_id'")
        label = f"before storage migration {migration[:8]}"
        comment = f"Before synapse-storage moved the files in the cells (migration {migration})"
        return tuple(
            SnapshotWork(number=entity, table_id=entity_id_of(entity), label=label, comment=comment)
            for (entity,) in self._claimed(_TO_FREEZE, [after, limit])
        )

    def record_snapshots(self, outcomes: Sequence[SnapshotTaken | SnapshotFailed]) -> Tally:
        """See ports.RepointLedger. Tables count as done, their cells as failed."""
        total = Tally()
        with self._database.transaction():
            for outcome in outcomes:
                total = total + (
                    self._note_frozen(outcome) if isinstance(outcome, SnapshotTaken) else self._note_not_frozen(outcome)
                )
        return total

    def pending_cells(self, *, after: int, limit: int) -> tuple[CellsWork, ...]:
        """See ports.RepointLedger. Works are ordered by their last item; cells of several tables may alternate."""
        by_table: dict[int, list[_ReadyCell]] = {}
        for row in self._claimed(_READY_CELLS, [after, limit]):
            cell = _ReadyCell(*row)
            by_table.setdefault(cell.entity, []).append(cell)
        return tuple(sorted(map(_work, by_table.values()), key=lambda work: work.last_item_id))

    def _note_frozen(self, taken: SnapshotTaken) -> Tally:
        table = entity_number(taken.table_id)
        self._database.rows("insert into table_snapshot values (?, ?, ?)", [table, taken.version, self._database.now()])
        met = ", found from an earlier try" if taken.found_done else ""
        self._database.journal(
            [("table frozen", "entity", table, f"version {taken.version} keeps how it was before{met}")]
        )
        return Tally(done=1)

    def _note_not_frozen(self, failed: SnapshotFailed) -> Tally:
        table, now = entity_number(failed.table_id), self._database.now()
        stopped = self._database.rows(_NOT_FROZEN, [failed.reason.value, failed.detail, now, table])
        self._database.journal(
            [("table not frozen", "entity", table, f"{failed.reason}: {failed.detail}; {len(stopped)} cells are left")]
        )
        return Tally(failed=len(stopped))


def _work(cells: Sequence[_ReadyCell]) -> CellsWork:
    return CellsWork(
        last_item_id=cells[-1].item_id,
        table_id=entity_id_of(cells[0].entity),
        changes=tuple(_change(cell) for cell in cells),
    )


def _change(cell: _ReadyCell) -> SwapCellHandle:
    place = TableCell(
        table_id=entity_id_of(cell.entity),
        row_id=cell.row_id,
        column_id=ColumnId(str(cell.col_id)),
        row_version=cell.version,
    )
    copy = proven_copy(cell.copy_id, cell.from_handle, cell.to_handle, cell.proof)
    return repoint(cell.item_id, place, copy)
