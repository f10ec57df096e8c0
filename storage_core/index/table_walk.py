"""The walk's tables, for tables: cells arrive page by page, millions of them if need be."""

from collections.abc import Sequence
from typing import assert_never

from storage_core.index.rows import TABLE_ITEM, State, Step, entity_number, place_columns
from storage_core.index.walk import NewItem, Settled, WalkTables, tally_of
from storage_core.model.entities import EntityKind
from storage_core.model.ids import EntityId
from storage_core.model.items import IndexedItem, ItemStatus
from storage_core.model.tallies import Tally
from storage_core.model.works import Described, FoundEntity, LookFailed, TableDescribed, TableOutcome, TablePage

_Cell = tuple[int | None, int | None]
"""Row and column."""

# What we did stays on record, whatever a new look shows (see Settled.is_kept).
_IS_KEPT = f"(item.status in ('{ItemStatus.MIGRATED}', '{ItemStatus.ROLLED_BACK}') or item.step = '{Step.REPOINTED}')"

_FORGET_FACTS = f"""
delete from item_facts using item where item_facts.item_id = item.item_id and item.entity = ? and not {_IS_KEPT}
"""  # noqa: S608 - a constant

_FORGET = f"delete from item where entity = ? and not {_IS_KEPT}"  # noqa: S608 - a constant

_KEPT = f"""
select item_id, entity, version, row_id, col_id, from_handle, to_handle, new_version, status, step, place from item
where entity = ? and kind = '{TABLE_ITEM}' and row_id between ? and ? and {_IS_KEPT}
"""  # noqa: S608 - a constant


class TableWalkTables(WalkTables):
    """Implements the half of ports.WalkLedger that is about tables."""

    def pending_tables(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """See ports.WalkLedger."""
        return self._pending((EntityKind.TABLE, EntityKind.TABLE), after, limit)

    def record_tables(self, outcomes: Sequence[TableOutcome]) -> Tally:
        """See ports.WalkLedger."""
        total = Tally()
        with self._database.transaction():
            self._reopen_indexing()
            for outcome in outcomes:
                total = total + self._record_table(outcome)
        return total

    def _record_table(self, outcome: TableOutcome) -> Tally:
        match outcome:
            case TablePage():
                return self._add_page(outcome)
            case TableDescribed():
                self._close([outcome.seq], State.DONE)
                told = f"{outcome.cells} cells with files were read"
                self._database.journal([("described", "entity", entity_number(outcome.table_id), told)])
                return Tally()
            case Described():
                items = [NewItem(EntityKind.TABLE, item) for item in outcome.items]
                self._forget(outcome.entity_id)
                self._insert_items(items)
                self._close([outcome.seq], State.DONE)
                return tally_of(items)
            case LookFailed():
                self._forget(outcome.entity_id)
                return self._record_failures([outcome])
            case _:
                assert_never(outcome)

    def _add_page(self, page: TablePage) -> Tally:
        if page.number == 1:
            self._forget(page.table_id)
        kept = self._kept_among(page)
        items = [NewItem(EntityKind.TABLE, item) for item in page.items if not _is_among(kept, item)]
        self._supersede(old for new in items for old in kept.get(_cell_of(new.item), ()))
        self._insert_items(items)
        return tally_of(items)

    def _kept_among(self, page: TablePage) -> dict[_Cell, list[Settled]]:
        row_ids = [row_id for row_id, _ in map(_cell_of, page.items) if row_id is not None]
        kept: dict[_Cell, list[Settled]] = {}
        for row in self._database.rows(_KEPT, [entity_number(page.table_id), min(row_ids), max(row_ids)]):
            old = Settled(*row)
            kept.setdefault((old.row_id, old.col_id), []).append(old)
        return kept

    def _forget(self, table_id: EntityId) -> None:
        """Remove what an earlier look found, whole or half; what we have changed already stays as it is."""
        table = entity_number(table_id)
        self._database.rows(_FORGET_FACTS, [table])
        self._database.rows(_FORGET, [table])


def _cell_of(item: IndexedItem) -> _Cell:
    place = place_columns(item.facts.place)
    return place.row_id, place.col_id


def _is_among(kept: dict[_Cell, list[Settled]], item: IndexedItem) -> bool:
    return any(old.is_as_left(item) for old in kept.get(_cell_of(item), ()))
