"""`migrate --canary N`: a few items go to the verified end, and the others only after an agreement of its own."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from storage_core.api import Project
from storage_core.cli.agreeing import Agreement
from storage_core.cli.session import Session
from storage_core.errors import ExitCode, NotConfirmed
from storage_core.model.canaries import CanaryResult, CanaryVerdict
from storage_core.model.items import ReasonClass
from storage_core.model.plans import Plan
from storage_core.model.settings import RunOptions
from storage_core.plan.outcomes import Ending
from storage_core.steps.migration import RunOutcome
from storage_core.wiring.migration import App, opened
from tests.crash.lab import file_columns_in, items_of
from tests.migration.expectation import Expectation
from tests.migration.harness import migrate_words, run, snapshot, writes
from tests.migration.test_kill import kill_after
from tests.people.meddling import Meeting, meet

CANARY = 4
EVERYTHING = ("READ", "DOWNLOAD", "CREATE", "UPDATE", "DELETE", "CHANGE_PERMISSIONS")


class Declined(NotConfirmed):
    """The person who is asked says no."""


@dataclass
class Person:
    """Answers both questions, and remembers them.

    Attributes:
        before: done when the whole plan is shown.
        goes_on: whether the answer after the canary is yes.
    """

    before: Callable[[], None] = lambda: None
    goes_on: bool = True
    asked: list[str] = field(default_factory=list)
    shown: CanaryResult | None = None

    def agree(self, plan: Plan) -> str:
        self.asked.append("plan")
        self.before()
        return "Ann"

    def go_on(self, plan: Plan, canary: CanaryResult) -> str:
        self.asked.append("rest")
        self.shown = canary
        if not self.goes_on:
            raise Declined("No.", fix="")
        return "Ann"


@pytest.fixture
def meeting(start_sandbox: Callable[[], Sandbox], tmp_path: Path) -> Meeting:
    """Seven files and two tables, to be migrated in place."""
    return meet(start_sandbox(), tmp_path, has_tables=True)


def at(meeting: Meeting, strategy: str = "latest", **options: Any) -> AbstractContextManager[App]:
    chosen = RunOptions(**{"canary": CANARY, "continue_on_error": True, **options})
    return opened(meeting.config(), meeting.folder / "m.duckdb", meeting.settings(strategy), options=chosen)


def go(meeting: Meeting, person: Person, strategy: str = "latest", **options: Any) -> RunOutcome:
    with at(meeting, strategy, **options) as app:
        return app.canary.run(person.agree, person.go_on)


def places(meeting: Meeting) -> dict[str, set[tuple[Any, ...]]]:
    """The places of the index by status."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    for entity, kind, version, row, column, status, *_ in items_of(meeting.folder / "m.duckdb"):
        found.setdefault(status, set()).add((entity, kind, version, row, column))
    return found


def changed_entities(meeting: Meeting, before: Any) -> set[str]:
    """Entities and tables that are not what they were."""
    after = meeting.state()
    return {key for key, one in before["entities"].items() if after["entities"][key] != one}


def test_only_the_canary_is_touched_until_somebody_agrees_to_the_rest(meeting: Meeting) -> None:
    """Declined, it stays at that; asked again, the canary is not repeated; in the end everything is as without one."""
    before, facts = meeting.state(), meeting.facts
    expected = Expectation(
        before,
        facts.root_id,
        facts.destination_id,
        "latest",
        unreadable=set(),
        file_columns=file_columns_in(meeting.sandbox.world),
    )
    declining, agreeing = Person(goes_on=False), Person()

    with pytest.raises(Declined):
        go(meeting, declining)
    after_canary = places(meeting)
    touched = changed_entities(meeting, before)
    spent = writes(meeting.sandbox)
    with at(meeting) as app:
        outcome = app.canary.run(agreeing.agree, agreeing.go_on)
        told = app.canary.result()

    assert ["plan", "rest"] == declining.asked
    assert CANARY == len(after_canary["MIGRATED"])
    assert {"file", "table"} == {kind for _, kind, *_ in after_canary["MIGRATED"]}
    assert touched <= {entity for entity, *_ in after_canary["MIGRATED"]}
    assert 0 < spent < writes(meeting.sandbox)
    assert declining.shown is not None
    assert CanaryVerdict.CLEAN is declining.shown.verdict
    assert CANARY == sum(one.items for one in declining.shown.rungs)
    assert declining.shown.calls > 0
    assert ["rest"] == agreeing.asked
    assert told.is_agreed
    assert ExitCode.DONE is outcome.exit_code
    assert [] == expected.violations(meeting.state())


def test_a_canary_that_was_agreed_to_is_not_asked_again(meeting: Meeting) -> None:
    """The rest was killed, say: the plan is asked for as always, the canary is not."""
    with at(meeting) as app:
        app.migration.index()
        app.migration.confirm(app.migration.plan().hash, by="Ann")
        app.canary.try_out()
        app.canary.confirm_rest(app.migration.plan().hash, by="Ann")
    again = Person()

    assert ExitCode.DONE is go(meeting, again).exit_code
    assert ["plan"] == again.asked


@pytest.mark.long
def test_where_nothing_is_left_that_could_go_first_there_is_no_canary(meeting: Meeting) -> None:
    """An earlier run was broken off when all was changed and nothing read back: that is the rest, and is finished."""
    with at(meeting, canary=0) as app:
        app.migration.index()
        app.migration.confirm(app.migration.plan().hash, by="Ann")
        app.migration.migrate()
        app.ledger.database.rows("update item set status = 'INDEXED', step = 'REPOINTED' where status = 'MIGRATED'")  # type: ignore[attr-defined]
    person = Person()

    assert ExitCode.DONE is go(meeting, person).exit_code
    assert ["plan"] == person.asked


def test_a_failing_canary_stops_before_anything_else_is_touched(meeting: Meeting) -> None:
    """Also with --continue-on-error, and again, until its items are put back to work."""
    closing, again, cured = Person(before=lambda: allow(meeting, "READ")), Person(), Person()

    stopped = go(meeting, closing)
    failed = places(meeting)
    spent = writes(meeting.sandbox)
    still = go(meeting, again)
    allow(meeting, *EVERYTHING)
    with at(meeting) as app:
        app.ledger.retry(frozenset(ReasonClass))
        done = app.canary.run(cured.agree, cured.go_on)

    assert (Ending.CANARY, ExitCode.SOME_FAILED) == (stopped.ending, stopped.exit_code)
    assert (Ending.CANARY, ExitCode.SOME_FAILED) == (still.ending, still.exit_code)
    assert ["plan"] == closing.asked
    assert [] == again.asked
    assert 1 <= len(failed["ERRORED"]) <= CANARY
    assert len(failed["ERRORED"]) + len(failed.get("MIGRATED", ())) == CANARY
    assert spent < 3 * CANARY
    assert ["plan", "rest"] == cured.asked
    assert ExitCode.DONE is done.exit_code
    assert {"MIGRATED", "ALREADY_MIGRATED", "SKIPPED"} == set(places(meeting))


def allow(meeting: Meeting, *rights: str) -> None:
    """The steward has these rights to each file and table, whatever the project says."""
    for entity_id, one in meeting.state()["entities"].items():
        if one["kind"] in {"file", "table"}:
            meeting.leave_the_steward_at(entity_id, *rights)


def test_the_first_failure_ends_it_without_continue_on_error_and_the_limit_with_exit_5(meeting: Meeting) -> None:
    person = Person(before=lambda: allow(meeting, "READ"))

    limited = go(meeting, person, continue_on_error=False, max_failures=0)

    assert (Ending.THRESHOLD, ExitCode.THRESHOLD) == (limited.ending, limited.exit_code)
    assert ["plan"] == person.asked


def edit_all(meeting: Meeting) -> None:
    """A colleague makes a new version of every file."""
    state = meeting.state()["entities"]
    for entity_id, one in state.items():
        if one["kind"] == "file":
            entity = meeting.ask("GET", f"/repo/v1/entity/{entity_id}")
            meeting.ask("PUT", f"/repo/v1/entity/{entity_id}?newVersion=true", {**entity, "versionLabel": "newer"})


def test_force_does_not_go_on_after_a_canary_that_drifted_and_a_person_may(meeting: Meeting) -> None:
    """Nothing failed, so a person is asked; without one nothing but the canary was tried."""
    forced = Agreement(Session(quiet=True, arguments=("migrate", "syn1", "2", "m", "--force")), force=True)

    with at(meeting, "new") as app, pytest.raises(NotConfirmed, match="did not come out clean") as refused:
        app.canary.run(
            lambda plan: [edit_all(meeting), "Ann"][1],  # type: ignore[return-value]
            lambda plan, canary: forced.go_on(plan, canary, "Ann", reports=()),
        )
    after = places(meeting)
    person = Person()
    outcome = go(meeting, person, "new")

    assert ExitCode.NOT_CONFIRMED is refused.value.exit_code
    assert "--force" not in refused.value.fix
    assert after["DRIFTED"]
    assert len(after["DRIFTED"]) + len(after.get("MIGRATED", ())) == CANARY
    assert ["rest"] == person.asked
    assert ExitCode.SOME_FAILED is outcome.exit_code


@pytest.mark.long
def test_items_that_were_indexed_again_make_room_for_others(meeting: Meeting) -> None:
    """A new look replaces the items that drifted: as many go first as were asked for, before anybody is asked."""
    with at(meeting, "new") as app, pytest.raises(Declined):
        app.canary.run(Person(before=lambda: edit_all(meeting)).agree, Person(goes_on=False).go_on)
    person = Person(goes_on=False)

    with at(meeting, "new") as app:
        app.migration.index(refresh=True)
        with pytest.raises(Declined):
            app.canary.run(person.agree, person.go_on)
        result = app.canary.result()

    assert ["plan", "rest"] == person.asked
    assert (CanaryVerdict.CLEAN, CANARY) == (result.verdict, result.items)


class Answers(io.StringIO):
    """Standard input with somebody at it."""

    def isatty(self) -> bool:
        return True


def test_from_python_the_second_question_tells_what_the_canary_came_to(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Declined there, the canary alone is done; with force the rest follows a clean one."""
    for name, value in (meeting.sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}).items():
        monkeypatch.setenv(name, value)
    index = meeting.folder / "m.duckdb"
    project = Project(meeting.facts.root_id)
    project.index_files_for_migration(meeting.facts.destination_id, index, file_version_strategy="latest")
    monkeypatch.setattr(sys, "stdin", Answers("y\nn\n"))

    with pytest.raises(NotConfirmed, match="The canary has ended, and nothing else was migrated"):
        project.migrate_indexed_files(index, canary=2)
    told, after_canary = capsys.readouterr().err, places(meeting)
    done = project.migrate_indexed_files(index, canary=2, force=True)

    assert "Canary of 2 items" in told
    assert "every item is migrated, proven and read back" in told
    assert 2 == len(after_canary["MIGRATED"])
    assert 0 == done.counts_by_status["INDEXED"]


@pytest.mark.long
def test_through_the_command_line_with_force_and_kills(start_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    """Killed while the canary runs, it is the same canary again; clean, --force goes on; the end state is exact."""
    sandbox = start_sandbox(scenario="demo")
    facts = sandbox.facts
    assert facts is not None
    expected = Expectation(
        snapshot(sandbox), facts.root_id, facts.destination_id, "new", unreadable=set(facts.unreadable_ids)
    )
    words = migrate_words(sandbox, tmp_path / "m.duckdb", "new", "--canary", "5", "--json")

    dry = run(sandbox, tmp_path, [*words, "--dry-run"])
    assert (5, 0) == (json.loads(dry.stdout)["canary"]["items"], writes(sandbox))
    assert kill_after(sandbox, tmp_path, words, calls=12, pause=0)
    done = run(sandbox, tmp_path, words)

    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)["canary"]
    assert ("clean", True, 5) == (told["verdict"], told["agreed"], sum(one["items"] for one in told["items"]))
    assert "Canary of 5 items" in done.stderr
    assert "Report: " in done.stderr
    assert [] == expected.violations(snapshot(sandbox))
