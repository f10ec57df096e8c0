"""The CSV log: one line per item, for spreadsheets and for scripts written against the existing client.

The columns those scripts know come first, in the order they know (with `file_size`, as its newer variant has it);
ours follow. Lines are fetched in slices of the item number, so two million items need no more memory than one slice.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage_core.ports.queries import Queries
from storage_core.reports.atomic import replacing
from storage_core.reports.report import Report, RunFacts

KNOWN_COLUMNS = (
    "id",
    "type",
    "version",
    "row_id",
    "col_name",
    "from_storage_location_id",
    "from_file_handle_id",
    "to_file_handle_id",
    "file_size",
    "status",
    "exception",
)
OUR_COLUMNS = (
    "name",
    "parent_id",
    "col_id",
    "indexed_version",
    "new_version",
    "to_storage_location_id",
    "md5",
    "reason",
    "reason_class",
    "detail",
    "proof",
    "engine",
    "updated_at",
)
COLUMNS = KNOWN_COLUMNS + OUR_COLUMNS
SLICE_ROWS = 50_000

_SLICE = """
select item_id, entity_id as id, kind as type, version, row_id, col_name, from_storage_location_id,
       from_file_handle_id, to_file_handle_id, file_size, status,
       case when status = 'ERRORED' then concat_ws(': ', reason, detail) end as exception,
       name, parent_id, col_id, indexed_version, new_version, to_storage_location_id, md5,
       reason, reason_class, detail, proof, engine, updated_at
from items_v1 where item_id > ? and item_id <= ? order by item_id
"""

_OTHERS_WORDS = tuple(COLUMNS.index(name) for name in ("col_name", "exception", "name", "md5", "detail"))
"""Columns whose text others chose; the rest are numbers, ids that we spell, and words of ours."""

_FORMULA_STARTS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def item_rows(queries: Queries) -> Iterator[tuple[Any, ...]]:
    """Every item once, in index order, as a tuple in the order of `COLUMNS`."""
    ((highest,),) = queries.rows("select max(item_id) from items_v1")
    # by ranges: over this view DuckDB 2.0 disregards a limit above 5,000, and all items would be in memory at once
    for above in range(-1, -1 if highest is None else highest, SLICE_ROWS):
        for _, *values in queries.rows(_SLICE, (above, above + SLICE_ROWS)):
            yield tuple(values)


def safe_cell(value: object) -> object:
    """Keep a spreadsheet from running *value*: text that would begin a formula gets an apostrophe in front."""
    if isinstance(value, str) and value.lstrip(" ")[:1] in _FORMULA_STARTS and value.strip(" "):
        return f"'{value}"
    return value


def write_csv(queries: Queries, path: Path, _facts: RunFacts | None = None) -> None:
    """Write the whole log to *path*, atomically, as UTF-8 with a header line."""
    with replacing(path) as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_safe_row(row) for row in item_rows(queries))


def _safe_row(row: tuple[Any, ...]) -> list[Any]:
    values = list(row)
    for position in _OTHERS_WORDS:
        values[position] = safe_cell(values[position])
    return values


CSV_LOG = Report(
    name="csv",
    suffix=".csv",
    purpose="One line per file version and table cell, for spreadsheets and scripts; the existing client's columns"
    " come first.",
    write=write_csv,
)
