"""Tables for the page: a caption, headed columns, headed rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage_core.reports.html.markup import Child, Markup, joined, tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading, and whether what stands below are numbers."""

    heading: str
    is_number: bool = False


def words(heading: str) -> Column:
    """A column of words."""
    return Column(heading=heading)


def numbers(heading: str) -> Column:
    """A column of numbers, set right."""
    return Column(heading=heading, is_number=True)


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Child]]) -> Markup:
    """A table whose first column heads its rows; wide ones scroll instead of breaking the page."""
    head = tag("tr", *(tag("th", column.heading, scope="col", class_=_class(column)) for column in columns))
    body = [tag("tr", *(_cell(position, columns[position], cell) for position, cell in enumerate(row))) for row in rows]
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body)),
        class_="wide",
        role="region",
        tabindex=0,
        aria_label=caption,
    )


def definitions(pairs: Iterable[tuple[str, Child]]) -> Markup:
    """A list of names and values, two columns wide; pairs without a value are left out."""
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", joined(value))) for name, value in pairs if value is not None),
        class_="facts",
    )


def _class(column: Column) -> str | None:
    return "number" if column.is_number else None


def _cell(position: int, column: Column, cell: Child) -> Markup:
    if position == 0:
        return tag("th", cell, scope="row", class_=_class(column))
    return tag("td", cell, class_=_class(column))
