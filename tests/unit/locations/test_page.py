"""The page about storage locations says what is there."""

import re
from pathlib import Path

from storage_core.locations import TYPES
from storage_core.locations.attributes import attributes_of

PAGE = "docs/storage-locations.md"


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The rows of the table below the heading that begin with a type, by its name."""
    table = text.split(heading, 1)[1]
    found = (re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in table.splitlines() if line.startswith("| `"))
    cells = [[cell.strip() for cell in row] for row in found]
    return {row[0].strip("`"): row[1:] for row in reversed(cells) if row[0].strip("`") in TYPES}


def test_every_test_the_page_names_is_there(repository: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (repository / PAGE).read_text())

    assert len(named) >= 8
    for path, function in named:
        assert f"def {function}(" in (repository / path).read_text(), function


def test_every_type_has_a_row_and_every_mark_a_test(repository: Path) -> None:
    text = (repository / PAGE).read_text()
    shown = rows(text, "## Every type and what was shown of it")
    marks = set(re.findall(r"\[([a-z ]+)\]", str(shown)))

    assert set(TYPES) == set(shown)
    assert {9} == {len(cells) for cells in shown.values()}
    assert all(f"\n| {mark} | `tests/" in text for mark in marks)


def test_the_attributes_of_every_type_are_told(repository: Path) -> None:
    """What a type requires, and what else it takes."""
    told = rows((repository / PAGE).read_text(), "## Which type?")

    for name, record in TYPES.items():
        attributes = {one: what for one, what in attributes_of(record).items() if one not in {"banner", "description"}}
        required = {one for one, what in attributes.items() if what.is_required}
        others = {one for one, what in attributes.items() if not what.is_required and not what.is_given_by_service}
        assert required == set(re.findall(r"`(\w+)`", told[name][1])), name
        assert others == set(re.findall(r"`(\w+)`", told[name][2])) - {"upload_type"}, name
