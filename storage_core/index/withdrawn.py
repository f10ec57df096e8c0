"""Copies whose source is not used any more where it was to be read: what becomes of the places, and of the copy."""

from collections.abc import Sequence

import pyarrow as pa

from storage_core.index.database import Database, arrow_table
from storage_core.index.rows import entity_number
from storage_core.model.copies import SourceWithdrawn
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.tallies import Tally

_SCHEMA = pa.schema(
    [
        ("copy_id", pa.int64()),
        ("entity", pa.int64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)

_STOP = """
update item set status = withdrawn.status, step = 'SETTLED', reason = withdrawn.reason, detail = withdrawn.detail,
    updated_at = ?
from withdrawn join copy on copy.copy_id = withdrawn.copy_id
where item.from_handle = copy.from_handle and item.entity = withdrawn.entity and copy.status = 'PENDING'
    and item.status = 'INDEXED' and item.step = 'WAITING'
returning item.item_id, item.status, item.reason, item.detail
"""

_ASK_ELSEWHERE = """
update copy_source set entity = door.entity, entity_kind = door.kind
from (
    select withdrawn.copy_id, min(item.entity) as entity, arg_min(item.kind, item.entity) as kind
    from withdrawn join copy on copy.copy_id = withdrawn.copy_id join item on item.from_handle = copy.from_handle
    where item.status = 'INDEXED'
    group by withdrawn.copy_id
) door
where copy_source.copy_id = door.copy_id
"""

_UNUSED = """
select withdrawn.copy_id as number from withdrawn join copy on copy.copy_id = withdrawn.copy_id
where copy.status = 'PENDING' and not exists (
    select 1 from item where item.from_handle = copy.from_handle and item.status = 'INDEXED'
)
"""


def note_withdrawn(database: Database, withdrawn: Sequence[SourceWithdrawn]) -> Tally:
    """Settle the places of the entities that were named; inside a transaction of the caller's.

    Where other entities use the source, the copy stays pending and is asked for in the name of the first of them.
    Where none does, there is nothing to copy: the next look makes a copy again if a place ever needs one.
    """
    if not withdrawn:
        return Tally()
    given = arrow_table(
        _SCHEMA,
        [
            (one.copy_id, entity_number(one.entity), _status_of(one).value, one.reason.value, one.detail)
            for one in withdrawn
        ],
    )
    stopped = database.rows(_STOP, [database.now()], withdrawn=given)
    database.rows(_ASK_ELSEWHERE, withdrawn=given)
    for (copy_id,) in database.rows(_UNUSED, withdrawn=given):
        database.rows("delete from copy_source where copy_id = ?", [copy_id])
        database.rows("delete from copy where copy_id = ?", [copy_id])
    drifted = [item_id for item_id, status, *_ in stopped if status == ItemStatus.DRIFTED.value]
    database.journal(
        [
            ("drifted" if status == ItemStatus.DRIFTED.value else "gone", "item", item_id, f"{reason}: {detail}")
            for item_id, status, reason, detail in stopped
        ]
    )
    return Tally(drifted=len(drifted), failed=len(stopped) - len(drifted))


def _status_of(withdrawn: SourceWithdrawn) -> ItemStatus:
    """A place with another handle has drifted; one that is gone has failed, as everywhere."""
    return ItemStatus.DRIFTED if withdrawn.reason is ReasonCode.HANDLE_CHANGED else ItemStatus.ERRORED
