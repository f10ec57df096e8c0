"""Promise 3 for cells, which Synapse does not guard: others' changes survive and are told, everything else is exact."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.crash.enumeration import todays_share
from tests.crash.lab import file_columns_in, rows
from tests.migration.expectation import Expectation
from tests.migration.reconciliation import unreconciled
from tests.people.edits import MOVED, Verdict
from tests.people.meddling import Meddler, Meeting, meet
from tests.people.table_edits import TABLE_EDITS, Cell, TableEdit, table_of

Start = Callable[..., Sandbox]
LATER = ("copy-files", "prove-copies", "snapshot-tables", "repoint-cells", "verify")
"""Every phase after indexing in which tables have a part."""

_CELLS = """
select cast(row_id as varchar), cast(col_id as varchar), status, reason from items_v1
where row_id is not null and entity_id = '{}'
"""


@pytest.mark.parametrize("edit", TABLE_EDITS)
def test_at_one_of_the_moments(edit: str, start_sandbox: Start, tmp_path: Path) -> None:
    """Another moment each day."""
    turn = (list(TABLE_EDITS).index(edit) + todays_share(len(LATER))) % len(LATER)
    assert [] == check(meet(start_sandbox(), tmp_path, has_tables=True), TABLE_EDITS[edit], "skip", LATER[turn])


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["skip", "latest"])
@pytest.mark.parametrize("edit", TABLE_EDITS)
def test_at_every_moment(edit: str, strategy: str, start_sandbox: Start, tmp_path: Path) -> None:
    wrong: list[str] = []
    for phase in LATER:
        meeting = meet(start_sandbox(), tmp_path, has_tables=True)
        wrong += [f"as {phase} begins: {one}" for one in check(meeting, TABLE_EDITS[edit], strategy, phase)]
    assert [] == wrong


def check(meeting: Meeting, edit: TableEdit, strategy: str, phase: str) -> list[str]:
    """Migrate with the edit at one moment; everything that is not as it must be."""
    before, columns = meeting.state(), file_columns_in(meeting.sandbox.world)
    index = meeting.folder / f"{phase}.duckdb"
    hit = edit.cells(meeting)
    meddler = Meddler(meeting, edit.act, phase, after="repoint-cells" if phase == "verify" else None)
    outcome = meeting.migrate(strategy, index, meddler)
    assert meddler.left is not None, f"{phase} never began"
    after, verdict = meeting.state(), edit.verdict(phase)
    shared = set() if strategy == "skip" else {one["handleId"] for one in _current_versions(before)}
    held = before["tables"][table_of(meeting)]["rows"]
    told = {cell: edit.verdict(phase, is_shared=held[cell[0]]["cells"][cell[1]] in shared) for cell in hit}
    wrong = _reported(index, table_of(meeting), told)
    code = 0 if not hit or verdict == MOVED else 1
    if int(outcome.exit_code) != code:
        wrong.append(f"exit code {outcome.exit_code} instead of {code}")
    wrong += unreconciled(index, is_done=code == 0)
    if phase == "verify":
        return wrong + _left_alone(meddler.left, after)
    hit = hit if verdict != MOVED else set()
    return wrong + _exact_otherwise(meeting, before, meddler.left, after, Spared(strategy, columns, hit))


def _current_versions(state: Any) -> list[Any]:
    return [entity["versions"][-1] for entity in state["entities"].values() if entity["kind"] == "file"]


def _reported(index: Path, table: str, told: Mapping[Cell, Verdict]) -> list[str]:
    """The cells that were hit have their verdicts, all others are where they should be."""
    return [
        f"row {row} column {column} is {status} ({reason}) in the index"
        for row, column, status, reason in rows(index, _CELLS.format(table))
        if (
            (status, reason) != told[row, column]
            if (row, column) in told
            else status not in {"MIGRATED", "ALREADY_MIGRATED"}
        )
    ]


def _left_alone(left: Any, after: Any) -> list[str]:
    """Once all is written, nothing that is changed afterwards is touched."""
    return [f"{what} were changed after the edit" for what in ("tables", "entities") if left[what] != after[what]]


class Spared:
    """What must not have moved because somebody was faster."""

    def __init__(self, strategy: str, columns: frozenset[str], cells: set[Cell]) -> None:
        self.strategy = strategy
        self.columns = columns
        self.cells = cells


class _Others(Expectation):
    """The places that nobody else had a hand in."""

    spared: frozenset[tuple[str, str, str]] = frozenset()

    def moving_cells(self, table_id: str) -> dict[tuple[str, str], str]:
        """The cells whose bytes move, without the spared ones."""
        every = super().moving_cells(table_id)
        return {cell: handle for cell, handle in every.items() if (table_id, *cell) not in self.spared}


def _exact_otherwise(meeting: Meeting, before: Any, left: Any, after: Any, spared: Spared) -> list[str]:
    """Tables are as the other person left them, but for the cells that moved; all else is as it was before."""
    base = copy.deepcopy(before)
    base["tables"] = left["tables"]
    table = table_of(meeting)
    for entity_id, entity in base["entities"].items():
        theirs = left["entities"][entity_id]
        if entity["kind"] == "table":
            base["entities"][entity_id] = theirs
        entity["setting"] = theirs["setting"]
    others = _Others(
        base,
        meeting.facts.root_id,
        meeting.facts.destination_id,
        spared.strategy,
        unreadable=set(),
        file_columns=spared.columns,
        is_frozen=all(
            left["tables"][one]["snapshots"].keys() == before["tables"][one]["snapshots"].keys()
            or _is_frozen_by_others(left["entities"][one])
            for one in left["tables"]
        ),
    )
    # a row that came after indexing is left for the next index
    new_rows = left["tables"][table]["rows"].keys() - before["tables"][table]["rows"].keys()
    came_late = {(table, row, column) for row in new_rows for column in spared.columns}
    others.spared = frozenset({(table, *cell) for cell in spared.cells} | came_late)
    wrong = others.violations(after)
    if not others.moving_cells(table):
        # nothing of it may move any more; it may have been frozen before that was known
        wrong = [one for one in wrong if not one.startswith(table)]
        wrong += [] if left["tables"][table]["rows"] == after["tables"][table]["rows"] else [f"{table} was changed"]
    orphans = [one for one in wrong if one.endswith("is an orphan")]
    if len(orphans) > len({before["tables"][table]["rows"][row]["cells"].get(column) for row, column in spared.cells}):
        wrong.append(f"more copies are left over than cells were spared: {orphans}")
    return [one for one in wrong if one not in orphans and "objects were made for" not in one]


def _is_frozen_by_others(entity: Any) -> bool:
    return any(version["comment"] == "mine" for version in entity["versions"])
