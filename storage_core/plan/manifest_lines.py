"""Cuts a manifest into lines and cells: tabs or commas, as the existing client writes both."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from storage_core.errors import UsageError

_QUOTE = '"'
_ALIASES = {"parentId": "parent", "ID": "id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestLine:
    """One line; `cells` are those that hold something, by column. `excess`: cells beyond the last column."""

    number: int
    cells: Mapping[str, str]
    excess: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestTable:
    """A manifest as a table; `columns` in their order, under the names of the older of the client's formats.

    Attributes:
        is_cart: the newer format, with commas, which download lists and Synapse's own web pages write, too.
    """

    columns: tuple[str, ...]
    lines: tuple[ManifestLine, ...]
    is_cart: bool


def cut(text: str) -> ManifestTable:
    """Cut it; the first line names the columns, empty lines count for nothing.

    Raises:
        UsageError: there is no such line, a column occurs twice, or quotes have no end.
    """
    first, _, _ = text.partition("\n")
    is_cart = "\t" not in first and "," in first
    rows = _rows_with_commas(text) if is_cart else _rows_with_tabs(text)
    try:
        filled = [(number, row) for number, row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UsageError(f"The manifest cannot be read: {error}.", fix="Are there quotes without an end?") from error
    if not filled:
        raise UsageError("The manifest is empty.", fix="Its first line names the columns, such as path and parent.")
    columns = tuple(_ALIASES.get(name.strip(), name.strip()) for name in filled[0][1])
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise UsageError(f"The manifest has the column {twice[0]} twice.", fix="Leave one out.")
    lines = tuple(_line(number, row, columns) for number, row in filled[1:])
    return ManifestTable(columns=columns, lines=lines, is_cart=is_cart)


def _line(number: int, row: Sequence[str], columns: Sequence[str]) -> ManifestLine:
    named = zip(columns, row, strict=False)
    excess = sum(1 for cell in row[len(columns) :] if cell.strip())
    return ManifestLine(
        number=number, cells={name: cell.strip() for name, cell in named if cell.strip()}, excess=excess
    )


def _rows_with_tabs(text: str) -> Iterator[tuple[int, list[str]]]:
    """Tabs end cells, whatever stands in them: the client writes no quotes."""
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, [_unquoted(cell) for cell in line.split("\t")]


def _unquoted(cell: str) -> str:
    """What a spreadsheet program has put into quotes is taken out again."""
    inner = cell[1:-1]
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == _QUOTE and _QUOTE not in inner.replace(_QUOTE * 2, "")
    return inner.replace(_QUOTE * 2, _QUOTE) if is_quoted else cell


def _rows_with_commas(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    begin = 1
    for row in reader:
        yield begin, row
        begin = reader.line_num + 1
