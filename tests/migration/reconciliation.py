"""Does an index add up? Asked after every command that the tests of whole migrations run to its end.

Every place has one row, one status and, unless it is where it should be, one reason; statuses add up to all items by
count and by bytes; what is migrated refers to the one proven copy of its source. Read from the public views alone.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

STATUSES = {"INDEXED", "ALREADY_MIGRATED", "MIGRATED", "SKIPPED", "DRIFTED", "ERRORED", "ROLLED_BACK"}
NEEDS_A_REASON = {"SKIPPED", "DRIFTED", "ERRORED"}
SETTLED = {"ALREADY_MIGRATED", "MIGRATED", "SKIPPED"}

_PLACES = """
select entity_id, indexed_version, row_id, col_id, count(*) from items_v1
where from_file_handle_id is not null group by all having count(*) > 1
"""
_BY_STATUS = "select status, count(*), coalesce(sum(file_size), 0)::bigint from items_v1 group by status"
_REASONS = "select item_id, status, reason, reason_class from items_v1"
_UNPROVEN = """
select i.item_id from items_v1 i left join copies_v1 c using (from_file_handle_id)
where i.status = 'MIGRATED' and (
    c.status is distinct from 'PROVEN' or c.to_file_handle_id is distinct from i.to_file_handle_id
    or c.file_size is distinct from i.file_size or i.proof is null
)
"""
_TWICE_COPIED = "select from_file_handle_id from copies_v1 group by 1 having count(*) > 1"
_PLACELESS_AND_PLACED = """
select entity_id from items_v1 group by entity_id
having count(*) filter (where from_file_handle_id is null) > 0 and count(*) filter (where status = 'MIGRATED') > 0
    and count(distinct kind) > 1
"""


def unreconciled(index: Path, *, is_done: bool, summary: str = "") -> list[str]:
    """Everything that does not add up in *index*; empty when all is well.

    Args:
        is_done: the run said that everything planned is migrated and verified.
        summary: its JSON document, if it printed one.
    """
    with duckdb.connect(str(index), read_only=True) as database:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return database.execute(sql).fetchall()

        wrong = [f"a place is told of {count} times: {place}" for *place, count in rows(_PLACES)]
        wrong += [f"item {one} is MIGRATED without the proven copy of its source" for (one,) in rows(_UNPROVEN)]
        wrong += [f"handle {one} has two copies in the index" for (one,) in rows(_TWICE_COPIED)]
        wrong += [f"{one} is both left alone and migrated" for (one,) in rows(_PLACELESS_AND_PLACED)]
        wrong += _reasons(rows(_REASONS))
        by_status = {status: (items, size) for status, items, size in rows(_BY_STATUS)}
        ((items, size),) = rows("select count(*), coalesce(sum(file_size), 0)::bigint from items_v1")
    known = Counter({status: by_status.get(status, (0, 0))[0] for status in STATUSES})
    if known.total() != items or sum(one for _, one in by_status.values()) != size:
        wrong.append(f"{items} items of {size} bytes, but by status {by_status}")
    if is_done and by_status.keys() - SETTLED:
        wrong.append(f"the run was done, but there are {sorted(by_status.keys() - SETTLED)}")
    return wrong + _told_otherwise(summary, items, by_status)


def _reasons(rows: list[tuple[Any, ...]]) -> list[str]:
    return [
        f"item {item_id} is {status} with reason {reason} of class {kind}"
        for item_id, status, reason, kind in rows
        if (status in NEEDS_A_REASON) != (reason is not None) or (reason is None) != (kind is None)
    ]


def _told_otherwise(text: str, items: int, by_status: dict[str, tuple[int, int]]) -> list[str]:
    """The document for scripts must tell the same as the index."""
    if not text.startswith("{"):
        return []
    told = json.loads(text)
    if "summary" not in told.get("format", ""):
        return []
    differing = [
        status
        for status in STATUSES
        if (told["items"]["by_status"][status], told["bytes"]["by_status"][status]) != by_status.get(status, (0, 0))
    ]
    total = [] if told["items"]["total"] == items else [f"the summary tells of {told['items']['total']} items"]
    return [*total, *(f"the summary tells something else of {status}" for status in differing)]
