"""A CSV file written into a table: new rows, changed cells, or rows to remove (contract 9.7)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sandbox.objects.contents import Content
from sandbox.synapse.columns import Column
from sandbox.synapse.entity_rules import require_own_handle
from sandbox.synapse.handles import HandleKind
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.table_csv import PSEUDO_COLUMNS, ROW_ID, ROW_VERSION, CsvShape
from sandbox.synapse.table_rows import Draft
from sandbox.synapse.table_values import cell_of

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

LARGEST_FILE = 1024**3


def upload(world: "World", user: "User", draft: Draft, request: Json) -> int:
    """Apply an UploadToTableRequest; how many lines it had. Columns the file does not name stay as they are.

    Refuses with 403 or 404 for the file, 400 for what is in it, 412 for rows changed after they were read.
    """
    data = _bytes_of(world, user, request)
    shape = CsvShape.of(request.get("csvTableDescriptor"))
    lines = shape.read(data, lines_to_skip=int(request.get("linesToSkip") or 0))
    names = _names(draft, request, next(lines, []) if shape.has_header else None)
    rows = [_Line(names, line) for line in lines]
    is_fresh = not draft.content.has_had_rows
    if not is_fresh:
        _require_unchanged(draft, rows, request)
    columns = [(name, column) for name in names if (column := _named(draft, name)) is not None]
    for row in rows:
        _apply(draft, row, columns, is_fresh=is_fresh)
    return len(rows)


class _Line:
    """One line of the file by the names of its columns."""

    def __init__(self, names: Sequence[str], fields: Sequence[str]) -> None:
        if len(names) != len(fields):
            raise Refused(400, f"A line has {len(fields)} fields, not {len(names)}")
        self._fields = dict(zip(names, fields, strict=True))

    def text(self, name: str) -> str | None:
        """The field; None when it is empty or not there."""
        return self._fields.get(name) or None

    def number(self, name: str) -> int | None:
        """The field as a whole number; refuses with 400."""
        text = self.text(name)
        if text is None:
            return None
        if not text.isdecimal():
            raise Refused(400, f"{name} must be a number, not {text}")
        return int(text)


def _bytes_of(world: "World", user: "User", request: Json) -> bytes:
    handle = require_own_handle(world, user, str(request.get("uploadFileHandleId") or ""))
    if handle.kind is not HandleKind.S3:
        raise Refused(400, f"File handle {handle.id} is not in S3")
    content: Content = world.objects.get(handle.bucket or "", handle.key or "").content
    if content.size > LARGEST_FILE:
        raise Refused(400, f"The CSV is larger than {LARGEST_FILE} bytes")
    return b"".join(content.read(0, content.size - 1))


def _names(draft: Draft, request: Json, header: list[str] | None) -> list[str]:
    """What the fields of each line are called."""
    if header is not None:
        unknown = [name for name in header if name not in PSEUDO_COLUMNS and _named(draft, name) is None]
        if unknown:
            raise Refused(400, f"The first line is expected to be a header, but {unknown[0]} is not a column")
        return header
    column_ids = request.get("columnIds") or [column.id for column in draft.columns]
    columns = [draft.by_id.get(str(column_id)) for column_id in column_ids]
    if None in columns:
        raise Refused(400, "columnIds must name columns of the table")
    return [column.name for column in columns if column is not None]


def _named(draft: Draft, name: str) -> Column | None:
    return next((column for column in draft.columns if column.name == name), None)


def _require_unchanged(draft: Draft, rows: list[_Line], request: Json) -> None:
    read: dict[int, int] = {}
    for row in rows:
        row_id = row.number(ROW_ID)
        if row_id is None:
            continue
        if row_id in read:
            raise Refused(400, f"Found more than one row with the id: {row_id}")
        version = row.number(ROW_VERSION)
        if version is None:
            raise Refused(400, f"Row {row_id} needs a {ROW_VERSION}")
        read[row_id] = version
    draft.require_unchanged_since(read, request.get("updateEtag"))


def _apply(draft: Draft, row: _Line, columns: list[tuple[str, Column]], *, is_fresh: bool) -> None:
    row_id = None if is_fresh else row.number(ROW_ID)
    if not columns:
        # a file of row ids alone asks for their removal
        if row_id is None:
            raise Refused(400, f"A file without columns needs a {ROW_ID} in each line")
        draft.delete(row_id)
        return
    cells = {column.id: cell_of(column, row.text(name)) for name, column in columns}
    if row_id is None:
        draft.insert(cells)
    else:
        draft.update(row_id, cells)
