"""Promise 3: what somebody changed after indexing survives, ours is reported, and everything else is exact."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.crash.enumeration import todays_share
from tests.migration.expectation import UNTOUCHED, UNTOUCHED_IN_VERSION, Expectation
from tests.people.edits import EDITS, Edit, Verdict
from tests.people.meddling import Meddler, Meeting, meet, told_of

STRATEGIES = ("new", "latest", "all")
Start = Callable[[], Sandbox]


@pytest.mark.parametrize("edit", EDITS)
def test_todays_strategy(edit: str, start_sandbox: Start, tmp_path: Path) -> None:
    """Every other phase, the others tomorrow."""
    strategy = STRATEGIES[todays_share(2 * len(STRATEGIES)) // 2]
    check_phases(EDITS[edit], strategy, start_sandbox, tmp_path, slice(1 + todays_share(2), None, 2))


@pytest.mark.long
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("edit", EDITS)
def test_every_strategy(edit: str, strategy: str, start_sandbox: Start, tmp_path: Path) -> None:
    check_phases(EDITS[edit], strategy, start_sandbox, tmp_path, slice(1, None))


def check_phases(edit: Edit, strategy: str, start_sandbox: Start, folder: Path, due: slice) -> None:
    """Let the edit happen as each of the due phases begins, each time in a world of its own."""
    wrong: list[str] = []
    first = Meddler(meet(start_sandbox(), folder), edit.act, None)
    first.meeting.migrate(strategy, folder / "rehearsal.duckdb", first)
    assert "repoint-versions" in first.begun
    for phase in first.begun[due]:
        meeting = meet(start_sandbox(), folder)
        wrong += [f"as {phase} begins: {one}" for one in check(meeting, edit, strategy, phase)]
    assert [] == wrong


def check(meeting: Meeting, edit: Edit, strategy: str, phase: str) -> list[str]:
    """Migrate with the edit at one moment; everything that is not as it must be."""
    before = meeting.state()
    index = meeting.folder / f"{phase}.duckdb"
    meddler = Meddler(meeting, edit.act, phase)
    outcome = meeting.migrate(strategy, index, meddler)
    after = meeting.state()
    expected = edit.verdict(strategy, phase)
    wrong = _reported(meeting, index, expected, int(outcome.exit_code))
    wrong += _survived(meeting, meddler.left, after, index)
    for entity_id, entity in before["entities"].items():
        # whose uploads go where is theirs to say; the migration must leave it as they did
        entity["setting"] = meddler.left["entities"][entity_id]["setting"]
    wrong += _exact_otherwise(meeting, before, after, strategy, expected)
    return wrong


def _reported(meeting: Meeting, index: Path, expected: Verdict, exit_code: int) -> list[str]:
    told = {(one.status, one.reason) for one in told_of(index, meeting.target)}
    wrong = [] if told == {expected} else [f"the index says {told}, not {expected}"]
    code = 0 if expected[0] in {"MIGRATED", "SKIPPED"} else 1
    return wrong if exit_code == code else [*wrong, f"exit code {exit_code} instead of {code}"]


def _survived(meeting: Meeting, left: Any, after: Any, index: Path) -> list[str]:
    """The target is as the other person left it, except for the handle or the version that the index tells of."""
    was, now = left["entities"][meeting.target], after["entities"][meeting.target]
    wrong = [f"{key} of the other person's was changed" for key in UNTOUCHED if was[key] != now[key]]
    told = told_of(index, meeting.target)
    swapped = {one.version for one in told if one.status == "MIGRATED" and one.new_version is None}
    added = {one.new_version for one in told if one.new_version is not None}
    versions = {one["number"]: one for one in now["versions"]}
    for old in was["versions"]:
        new = versions.pop(old["number"], None)
        if new is None:
            wrong.append(f"version {old['number']} is gone")
            continue
        keys = UNTOUCHED_IN_VERSION if old["number"] in swapped else (*UNTOUCHED_IN_VERSION, "handleId")
        wrong += [f"{key} of version {old['number']} was changed" for key in keys if old[key] != new[key]]
    return wrong + [f"version {one} was added, the index does not tell of it" for one in set(versions) - added]


def _exact_otherwise(meeting: Meeting, before: Any, after: Any, strategy: str, expected: Verdict) -> list[str]:
    """All other places are as after an undisturbed migration; of the target's copy at most one may be left over."""
    expectation = Expectation(
        before, meeting.facts.root_id, meeting.facts.destination_id, strategy, unreadable={meeting.target}
    )
    wrong = [one for one in expectation.violations(after) if not one.startswith(meeting.target)]
    orphans = [one for one in wrong if one.endswith("is an orphan")]
    wrong = [one for one in wrong if one not in orphans and "objects were made for" not in one]
    if len(orphans) > 1:
        wrong.append(f"{len(orphans)} handles more than expected: {orphans}")
    if expected[0] == "MIGRATED" and len(orphans) != 1:
        wrong.append("the target has no copy of its own")
    return wrong
