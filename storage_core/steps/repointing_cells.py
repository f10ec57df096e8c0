"""Phase repoint cells: read, compare, write, read again.

Synapse has no guard for a cell: the last writer wins (contract 9.7). So the cells are read right before they are
written, only those that still hold what was indexed are written, and they are read again after it.
"""

import re
from collections.abc import Sequence

from storage_core.errors import Forbidden, RestError, ServerFault
from storage_core.model.ids import EntityId
from storage_core.model.items import ReasonCode
from storage_core.model.repoints import RepointFailed, RepointOutcome, SwapCellHandle
from storage_core.model.tables import CellChange
from storage_core.model.works import CellsWork
from storage_core.plan.cells import batches, column_is_gone, explain_cell, row_is_gone
from storage_core.ports.catalog import Catalog
from storage_core.steps.reading_cells import CellReader, Row
from storage_core.steps.repointing import reason_of
from storage_core.steps.services import Emit, Services

_WRITES_AT_MOST = 3
_DIGITS = re.compile(r"\d+")


async def repoint_cells(work: CellsWork, services: Services, emit: Emit) -> None:
    """Change cells of one table in as few transactions as the service's limits allow, one after the other.

    Emits the outcomes of each transaction together.
    """
    async with services.turns.of(work.table_id):
        for batch in batches(work.changes):
            if services.stop.is_set():
                return
            emit(await _Batch(work.table_id, batch, services.catalog).settled())


class _Batch:
    """Cells on their way from the indexed handle to the new one; at most one transaction's worth."""

    def __init__(self, table_id: EntityId, changes: Sequence[SwapCellHandle], catalog: Catalog) -> None:
        self._table_id = table_id
        self._catalog = catalog
        self._reader = CellReader(table_id, catalog)
        self._waiting = list(changes)
        self._outcomes: list[RepointOutcome] = []
        self._was_sent = False
        self._was_acknowledged = False

    async def settled(self) -> tuple[RepointOutcome, ...]:
        """One outcome per cell, whatever the service answers."""
        try:
            await self._look()
            for attempt in range(_WRITES_AT_MOST):
                if not self._waiting:
                    break
                await self._write_and_look(is_last=attempt == _WRITES_AT_MOST - 1)
        except RestError as error:
            self._fail(self._waiting, error)
        return tuple(self._outcomes)

    async def _write_and_look(self, *, is_last: bool) -> None:
        """Write what waits and see what came of it.

        Raises:
            RestError: refused, and there is no reason, or no leave, to try again.
        """
        before = len(self._waiting)
        refusal = await self._refusal()
        if isinstance(refusal, Forbidden):
            self._fail(self._named_in(refusal), refusal)
        await self._look()
        # A fault says nothing about whether the cells were written, or still will be: writing the same again is
        # harmless (contract 13.6). Any other refusal is worth a second try only when fewer cells are left.
        is_worth_it = isinstance(refusal, ServerFault) or len(self._waiting) < before
        if refusal is not None and (is_last or not is_worth_it):
            raise refusal

    async def _refusal(self) -> RestError | None:
        changes = [
            CellChange(row_id=one.place.row_id, column_id=one.place.column_id, handle_id=one.new)
            for one in self._waiting
        ]
        self._was_sent = True
        try:
            await self._catalog.change_cells(self._table_id, changes)
        except RestError as error:
            return error
        self._was_acknowledged = True
        return None

    async def _look(self) -> None:
        """Read the waiting cells and settle those that need no (further) change."""
        if not self._waiting:
            return
        try:
            rows = await self._reader.rows([change.place for change in self._waiting])
        except Forbidden as error:
            # asking a table takes the right to download from it, whatever else one may do (contract 9.2)
            self._fail(self._waiting, error, ReasonCode.NO_DOWNLOAD_ACCESS)
            return
        waiting: list[SwapCellHandle] = []
        for change in self._waiting:
            outcome = self._outcome(change, rows.get(change.place.row_id))
            if outcome is None:
                waiting.append(change)
            else:
                self._outcomes.append(outcome)
        self._waiting = waiting

    def _outcome(self, change: SwapCellHandle, row: Row | None) -> RepointOutcome | None:
        if not self._reader.has_column(change.place.column_id):
            return column_is_gone(change)
        if row is None:
            return row_is_gone(change)
        return explain_cell(
            change,
            row[change.place.column_id],
            was_sent=self._was_sent,
            was_acknowledged=self._was_acknowledged,
        )

    def _named_in(self, refusal: RestError) -> list[SwapCellHandle]:
        """The cells whose new handle the refusal names."""
        named = set(_DIGITS.findall(refusal.reason))
        return [change for change in self._waiting if change.new in named]

    def _fail(self, changes: Sequence[SwapCellHandle], error: RestError, reason: ReasonCode | None = None) -> None:
        self._outcomes += [
            RepointFailed(item_id=change.item_id, reason=reason or reason_of(error), detail=error.what)
            for change in changes
        ]
        failed = {change.item_id for change in changes}
        self._waiting = [change for change in self._waiting if change.item_id not in failed]
