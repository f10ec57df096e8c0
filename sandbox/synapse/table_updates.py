"""The four kinds of change that a transaction may hold, applied to a draft of the table (contract 9.7)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.synapse.columns import Column
from sandbox.synapse.entities import Entity, canonical_id
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import Kind
from sandbox.synapse.table_rows import Cells, Draft
from sandbox.synapse.table_uploads import upload
from sandbox.synapse.table_values import cell_of

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

PACKAGE = "org.sagebionetworks.repo.model.table."
LARGEST_ROW_SET = 2_097_152
_BYTES_PER_SIGN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a change is applied to, and for whom."""

    world: "World"
    user: "User"
    entity: Entity
    draft: Draft


def apply_change(target: Target, change: Json) -> Json:
    """Apply one TableUpdateRequest; its result. Refuses with 400, 403, 404 or 412."""
    apply = _CHANGES.get(str(change.get("concreteType", "")).removeprefix(PACKAGE))
    if apply is None:
        raise Refused(400, f"Unknown or missing concreteType of a change: {change.get('concreteType')}")
    return apply(target, change)


def require_handles_allowed(target: Target) -> None:
    """Every new handle is the caller's own or was in this table before; refuses with 403 naming the others."""
    if target.user.is_administrator:
        return
    known, handles, user_id = target.draft.content.handle_ids, target.world.handles, target.user.id
    others = [handle_id for handle_id in target.draft.handle_ids if handle_id not in known]
    refused = [
        handle_id for handle_id in others if (handle := handles.get(handle_id)) is None or handle.created_by != user_id
    ]
    if refused:
        names = ", ".join(sorted(refused, key=int))
        raise Refused(403, f"Cannot access file handles that you did not create and that are not in the table: {names}")


def _require_own_rows(entity: Entity) -> None:
    """The service lets annotations be written through views; the sandbox does not know how."""
    if entity.kind is not Kind.TABLE:
        raise Refused(400, f"The rows of {entity.id} come from elsewhere: it is not a table")


def _append(target: Target, change: Json) -> Json:
    _require_own_rows(target.entity)
    rows = change.get("toAppend")
    if not isinstance(rows, dict):
        raise Refused(400, "toAppend is required")
    if canonical_id(str(rows.get("tableId") or "")) != target.entity.id:
        raise Refused(400, f"tableId must be {target.entity.id}")
    kind = str(rows.get("concreteType", "")).removeprefix(PACKAGE)
    if kind not in {"PartialRowSet", "RowSet"}:
        raise Refused(400, f"toAppend must be a PartialRowSet or a RowSet, not {rows.get('concreteType')}")
    used, row_ids = _partial_rows(target, rows) if kind == "PartialRowSet" else _full_rows(target, rows)
    version = target.draft.version
    return {
        "concreteType": PACKAGE + "RowReferenceSetResults",
        "rowReferenceSet": {
            "tableId": target.entity.id,
            "headers": [column.as_header() for column in target.draft.columns if column.id in used],
            "rows": [{"rowId": row_id, "versionNumber": version} for row_id in row_ids],
        },
    }


def _partial_rows(target: Target, body: Json) -> tuple[set[str], list[int]]:
    """Changes of single cells; the last writer wins. The columns and rows touched."""
    rows = _rows_in(body)
    _require_distinct(row.get("rowId") for row in rows)
    _require_small(rows)
    used: set[str] = set()
    touched: list[int] = []
    for row in rows:
        row_id = _partial_row(target.draft, row, used)
        if row_id is not None:
            touched.append(row_id)
    return used, touched


def _partial_row(draft: Draft, row: Json, used: set[str]) -> int | None:
    row_id, values = _row_id(row), row.get("values")
    if values is None:
        if row_id is None:
            raise Refused(400, "A row without values needs a rowId: it is to be deleted")
        draft.delete(row_id)
        return row_id
    cells = _pairs(draft, values)
    if not cells:
        if row_id is not None and draft.row(row_id) is None:
            raise Refused(400, f"Row: {row_id} does not exist")
        return None
    used.update(cells)
    if row_id is None:
        return draft.insert(cells)
    draft.update(row_id, cells)
    return row_id


def _pairs(draft: Draft, values: Any) -> Cells:
    if not isinstance(values, list) or not all(isinstance(pair, dict) for pair in values):
        raise Refused(400, "values must be a list of objects with a key and a value")
    cells: dict[str, str | None] = {}
    for pair in values:
        column = _column(draft, pair.get("key"))
        cells[column.id] = cell_of(column, pair.get("value"))
    return cells


def _column(draft: Draft, key: Any) -> Column:
    column = draft.by_id.get(str(key))
    if column is None:
        # names are no keys (contract 9.7)
        raise Refused(400, f"Key: {key} is not a column ID of the table")
    return column


def _require_small(rows: list[Json]) -> None:
    signs = 0
    for row in rows:
        for pair in row.get("values") or ():
            if isinstance(pair, dict):
                signs += len(str(pair.get("key") or "")) + len(str(pair.get("value") or ""))
    if signs * _BYTES_PER_SIGN > LARGEST_ROW_SET:
        raise Refused(400, f"The PartialRowSet exceeds the limit of {LARGEST_ROW_SET} bytes")


def _full_rows(target: Target, body: Json) -> tuple[set[str], list[int]]:
    """Whole rows, refused with 412 when one of them was changed after the set was read."""
    rows, draft = _rows_in(body), target.draft
    headers = body.get("headers")
    if not isinstance(headers, list) or not headers:
        raise Refused(400, "A RowSet needs headers")
    columns = [_column(draft, header.get("id") if isinstance(header, dict) else None) for header in headers]
    is_fresh = not draft.content.has_had_rows
    _require_distinct(row.get("rowId") for row in rows)
    if not is_fresh:
        _require_unchanged(draft, rows, body.get("etag"))
    touched = [_full_row(draft, row, columns, is_fresh=is_fresh) for row in rows]
    return {column.id for column in columns}, touched


def _full_row(draft: Draft, row: Json, columns: list[Column], *, is_fresh: bool) -> int:
    row_id, values = None if is_fresh else _row_id(row), row.get("values")
    if values is None and row_id is not None:
        draft.delete(row_id)
        return row_id
    if not isinstance(values, list) or len(values) != len(columns):
        raise Refused(400, f"Each row must have {len(columns)} values, one for each header")
    cells = {column.id: cell_of(column, value) for column, value in zip(columns, values, strict=True)}
    if row_id is None:
        return draft.insert(cells)
    draft.update(row_id, cells)
    return row_id


def _require_unchanged(draft: Draft, rows: list[Json], etag: Any) -> None:
    read: dict[int, int] = {}
    for row in rows:
        row_id = _row_id(row)
        if row_id is None:
            continue
        if not isinstance(row.get("versionNumber"), int):
            raise Refused(400, f"Row {row_id} needs the versionNumber that was read")
        read[row_id] = row["versionNumber"]
    draft.require_unchanged_since(read, etag)


def _rows_in(body: Json) -> list[Json]:
    rows = body.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused(400, "A set of rows must have at least one row")
    return rows


def _row_id(row: Json) -> int | None:
    row_id = row.get("rowId")
    if row_id is None:
        return None
    if isinstance(row_id, bool) or not str(row_id).isdecimal():
        raise Refused(400, f"{row_id} is not a row id")
    return int(row_id)


def _require_distinct(row_ids: Iterable[Any]) -> None:
    seen: set[Any] = set()
    for row_id in row_ids:
        if row_id is not None and row_id in seen:
            raise Refused(400, f"Found more than one row with the id: {row_id}")
        seen.add(row_id)


def _change_schema(target: Target, change: Json) -> Json:
    columns = list(target.draft.columns)
    for one in change.get("changes") or ():
        _change_column(target, columns, one)
    order = change.get("orderedColumnIds")
    if order is not None:
        by_id = {column.id: column for column in columns}
        if sorted(by_id) != sorted(str(column_id) for column_id in order):
            raise Refused(400, "orderedColumnIds must name each column of the new schema once")
        columns = [by_id[str(column_id)] for column_id in order]
    target.draft.set_schema(target.world.tables.columns.schema([column.id for column in columns]))
    return {
        "concreteType": PACKAGE + "TableSchemaChangeResponse",
        "schema": [column.as_json() for column in columns],
    }


def _change_column(target: Target, columns: list[Column], change: Json) -> None:
    old_id, new_id = change.get("oldColumnId"), change.get("newColumnId")
    new = target.world.tables.columns.require(str(new_id)) if new_id is not None else None
    if old_id is None:
        if new is None:
            raise Refused(400, "A column change needs an oldColumnId, a newColumnId, or both")
        columns.append(new)
        return
    place = next((at for at, column in enumerate(columns) if column.id == str(old_id)), None)
    if place is None:
        raise Refused(400, f"Column {old_id} is not a column of the table")
    columns[place : place + 1] = [new] if new else []
    _move_cells(target.draft, str(old_id), new)


def _move_cells(draft: Draft, old_id: str, new: Column | None) -> None:
    if new is not None and new.id == old_id:
        return
    for row_id in draft.row_ids():
        row = draft.row(row_id)
        if row is None or old_id not in row.cells:
            continue
        cells = dict(row.cells)
        value = cells.pop(old_id)
        if new is not None:
            cells[new.id] = cell_of(new, value)
        draft.rewrite(row_id, cells)


def _change_search(target: Target, change: Json) -> Json:
    is_enabled = change.get("searchEnabled") is True
    target.draft.search_enabled = is_enabled
    return {"concreteType": PACKAGE + "TableSearchChangeResponse", "searchEnabled": is_enabled}


def _upload(target: Target, change: Json) -> Json:
    _require_own_rows(target.entity)
    rows = upload(target.world, target.user, target.draft, change)
    return {"concreteType": PACKAGE + "UploadToTableResult", "rowsProcessed": rows}


_CHANGES: dict[str, Callable[[Target, Json], Json]] = {
    "AppendableRowSetRequest": _append,
    "UploadToTableRequest": _upload,
    "TableSchemaChangeRequest": _change_schema,
    "TableSearchChangeRequest": _change_search,
}
