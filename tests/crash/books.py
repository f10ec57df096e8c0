"""The books of a migration: every place in scope stands in the index once, under one status, and the sums agree.

In scope is what the sandbox's state before the migration says, worked out without any code of the product. Compared
place by place and by bytes with the index; whether the index adds up in itself, and with the summary that a run
leaves beside it, `tests/migration/reconciliation.py` sees to.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

from tests.migration.expectation import FILES, Expectation, tree
from tests.migration.reconciliation import unreconciled

CONTAINERS = ("project", "folder")

Place = tuple[str, int | None, str | None, str | None]
"""Entity, version (None: the current one), row and column (None: not a cell)."""
Told = tuple[str, int | None, str | None, str | None, int | None]
"""A place as the index tells of it, with its size."""

_ITEMS = """
select entity_id, version, cast(row_id as varchar), cast(col_id as varchar), file_size from items_v1
"""


def disagreements(index: Path, expected: Expectation, *, is_over: bool = True) -> list[str]:
    """Where items, statuses, sums and summary do not add up to what was in scope; empty when the books balance.

    Args:
        is_over: whether the run said that everything planned is migrated and verified.
    """
    with duckdb.connect(str(index), read_only=True) as connection:
        found: list[Told] = connection.execute(_ITEMS).fetchall()
    scope = in_scope(expected)
    told = Counter[Place]((entity, version, row, column) for entity, version, row, column, *_ in found)
    wrong = [f"{place} is in scope and not in the index" for place in scope.keys() - told.keys()]
    wrong += [f"{place} is in the index and not in scope" for place in told.keys() - scope.keys()]
    wrong += [f"{place} is in the index {count} times" for place, count in told.items() if count > 1]
    size_bytes = sum(size or 0 for *_, size in found)
    in_all = sum(size or 0 for place, size in scope.items() if told[place])
    if size_bytes != in_all:
        wrong.append(f"the items hold {size_bytes} bytes, the places in scope {in_all}")
    summary = index.with_name(f"{index.stem}-report") / f"{index.stem}.json"
    text = summary.read_text() if summary.exists() else ""
    return wrong + unreconciled(index, is_done=is_over, summary=text)


def in_scope(expected: Expectation) -> dict[Place, int | None]:
    """Every place that must be told of, with the size of its handle; None where nobody looks at the handle."""
    places: dict[Place, int | None] = {}
    tables = expected.tables()
    for entity_id in tree(expected.before, expected.root):
        entity = expected.before["entities"][entity_id]
        if entity["kind"] in FILES:
            places |= _of_file(expected, entity_id, entity)
        elif entity_id in tables:
            places |= _of_table(expected, entity_id)
        elif entity["kind"] not in CONTAINERS:
            places[entity_id, None, None, None] = None
    return places


def _of_file(expected: Expectation, entity_id: str, entity: Any) -> dict[Place, int | None]:
    if expected.strategy == "skip":
        return {(entity_id, None, None, None): None}
    if expected.strategy == "new":
        return {(entity_id, None, None, None): _size_of(expected, entity["versions"][-1]["handleId"])}
    counted = entity["versions"] if expected.strategy == "all" else entity["versions"][-1:]
    return {(entity_id, one["number"], None, None): _size_of(expected, one["handleId"]) for one in counted}


def _of_table(expected: Expectation, table_id: str) -> dict[Place, int | None]:
    """Its filled cells, each with the version of its row; or the table itself when no cell holds a file."""
    table = expected.before["tables"].get(table_id, {"rows": {}})
    cells: dict[Place, int | None] = {
        (table_id, row["version"], row_id, column): _size_of(expected, value)
        for row_id, row in table["rows"].items()
        for column, value in row["cells"].items()
        if column in expected.file_columns and value is not None
    }
    return cells or {(table_id, None, None, None): None}


def _size_of(expected: Expectation, handle_id: str) -> int | None:
    """What a handle says it holds; None when nothing is recorded."""
    size: int | None = expected.before["handles"][handle_id].get("contentSize")
    return size
