"""The real client begins a migration and is killed or fails; we import its index and finish what it began."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "migration"))

from expectation import Expectation, State, files_in
from harness import run, snapshot

from sandbox.scenarios import ScenarioFacts
from sandbox.scenarios.builder import Builder
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.kinds import Kind

if TYPE_CHECKING:
    from sandbox.server import Sandbox

pytestmark = [pytest.mark.judge, pytest.mark.timeout(280)]

SCRIPT = Path(__file__).parent / "scripts" / "half_migrating.py"
_HANGS_SECONDS = 8.0
"""The newer implementation waits for itself on ordinary trees; a person would kill it, and so do we."""


class Continued(Expectation):
    """The end that a half-done migration must come to: copies may be the earlier tool's, if somebody attached them."""

    def _handles(self, after: State, copies: dict[str, str]) -> list[str]:
        made = {source: new for source, new in copies.items() if new not in self.before["handles"]}
        return super()._handles(after, made)


@pytest.fixture
def half_done(
    client_python: Path, surroundings: dict[str, str], start_sandbox: "Callable[..., Sandbox]", tmp_path: Path
) -> Callable[..., "tuple[Sandbox, ScenarioFacts]"]:
    """Has the client begin, and kills it."""

    def begin(begun: "Begun") -> "tuple[Sandbox, ScenarioFacts]":
        sandbox, facts = made(start_sandbox, begun)
        asked = {
            "root": facts.root_id,
            "destination": str(facts.destination_id),
            "strategy": begun.strategy,
            "tables": begun.tables,
            "maker": begun.maker,
        }
        with (tmp_path / "client.log").open("w") as log:
            process = subprocess.Popen(
                [client_python, SCRIPT, json.dumps(asked)],
                cwd=tmp_path,
                env={**surroundings, **sandbox.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                wait_for(process, sandbox, begun.calls)
            finally:
                process.kill()
                process.wait()
        return sandbox, facts

    return begin


def made(start_sandbox: "Callable[..., Sandbox]", begun: "Begun") -> "tuple[Sandbox, ScenarioFacts]":
    """A fresh sandbox with the project to be moved; the same one each time."""
    if begun.scenario != "small":
        sandbox = start_sandbox(scenario=begun.scenario)
        assert sandbox.facts is not None
        return sandbox, sandbox.facts
    sandbox = start_sandbox()
    builder = Builder(sandbox.world, "small", 0)
    project = builder.project("Small enough for the models")
    shared = builder.text_handle("in two files", "shared.txt")
    for name in ("first.txt", "second.txt"):
        builder.file(project, name, shared)
    for number in range(4):
        name = f"file_{number}.txt"
        file = builder.file(project, name, builder.text_handle(f"{number}, as at first", name))
        for version in range(2, 2 + number % 3):
            builder.version(file, builder.text_handle(f"{number}, version {version}", name))
    return sandbox, builder.facts(project)


def wait_for(process: "subprocess.Popen[bytes]", sandbox: "Sandbox", calls: int | None) -> None:
    """Until the client has made so many changes, has ended, or has not called for a while."""
    seen, since = -1, time.monotonic()
    while process.poll() is None and time.monotonic() < since + _HANGS_SECONDS + (20 if seen < 1 else 0):
        total = sandbox.app.traffic.by_status.total()
        if calls is not None and total >= calls:
            return
        if total != seen:
            seen, since = total, time.monotonic()
        time.sleep(0.001)


def finish(sandbox: "Sandbox", facts: ScenarioFacts, home: Path, begun: "Begun") -> Any:
    """Import the old index, migrate with the same arguments; the old file must not change."""
    old = home / "old.db"
    before = {path.name: digest(path) for path in home.glob("old.db*")}
    imported = run(sandbox, home, ["import-index", str(old), str(home / "new.duckdb"), "--json"])
    assert 0 == imported.returncode, imported.stderr
    words = ["migrate", facts.root_id, str(facts.destination_id), str(home / "new.duckdb"), "--force"]
    words += ["--file-version-strategy", begun.strategy, "--continue-on-error"]
    done = run(sandbox, home, words + (["--include-table-files"] if begun.tables else []))
    assert (1 if facts.unreadable_ids else 0) == done.returncode, done.stdout + done.stderr
    assert before == {path.name: digest(path) for path in home.glob("old.db*")}
    return json.loads(imported.stdout)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def file_columns(sandbox: "Sandbox") -> set[str]:
    """The ids of all columns that hold files."""
    tables = [one for one in sandbox.world.entities.all() if one.kind is Kind.TABLE]
    columns = [column for table in tables for column in sandbox.world.tables.schema_of(table)]
    return {column.id for column in columns if column.type is ColumnType.FILEHANDLEID}


def wrong(before: State, middle: State, sandbox: "Sandbox", facts: ScenarioFacts, begun: "Begun") -> list[str]:
    """What differs from the one right end, seen from where the client stopped, and from where it had begun."""
    after = snapshot(sandbox)
    root, home, hidden, strategy = facts.root_id, facts.destination_id, set(facts.unreadable_ids), begun.strategy
    columns = frozenset(file_columns(sandbox)) if begun.tables else frozenset()
    found = Continued(middle, root, home, strategy, unreadable=hidden, file_columns=columns).violations(after)
    whole = Expectation(before, root, home, strategy, unreadable=hidden)
    copies: dict[str, str] = {}
    for entity_id in files_in(before, root):
        moves = whole.moves(entity_id)
        versions = after["entities"][entity_id]["versions"]
        grown = len(versions) - len(before["entities"][entity_id]["versions"])
        if grown != (1 if strategy == "new" and moves else 0):
            found.append(f"{entity_id} has {grown} versions more than in the beginning")
        numbers = [versions[-1]["number"]] if strategy == "new" and moves else list(moves)
        by_number = {version["number"]: version["handleId"] for version in versions}
        for number, source in zip(numbers, moves.values(), strict=True):
            if copies.setdefault(source, by_number[number]) != by_number[number]:
                found.append(f"handle {source} was copied twice")
        found += [
            f"{entity_id}.{number} does not lie at the destination"
            for number in numbers
            if after["handles"][by_number[number]].get("storageLocationId") != home
        ]
    return found


@dataclass(frozen=True, kw_only=True)
class Begun:
    """How far the client comes.

    Attributes:
        calls: it is killed after so many; None lets it end, or hang.
        adopted: what the import must have found at least.
    """

    strategy: str
    calls: int | None
    maker: str = "functions"
    tables: bool = False
    scenario: str = "demo"
    adopted: tuple[str, ...] = ()


BEGUN = {
    "new, while indexing": Begun(strategy="new", calls=20, adopted=("waiting",)),
    "new, while migrating": Begun(strategy="new", calls=400, adopted=("migrated", "waiting")),
    "new, to its end": Begun(strategy="new", calls=None, adopted=("migrated",)),
    "new, with a file that nobody may download": Begun(strategy="new", calls=None, scenario="mixed"),
    "latest, while migrating": Begun(strategy="latest", calls=380, adopted=("migrated", "waiting")),
    "all, while migrating": Begun(strategy="all", calls=420, adopted=("migrated", "waiting")),
    "skip, with tables": Begun(strategy="skip", calls=60, tables=True),
    "latest, with tables, to its end": Begun(strategy="latest", calls=None, tables=True, adopted=("migrated",)),
    "new, by the models, which hang": Begun(strategy="new", calls=None, maker="models", adopted=("waiting",)),
    "new, by the models, while migrating": Begun(
        strategy="new", calls=70, maker="models", scenario="small", adopted=("migrated", "waiting")
    ),
    "latest, by the models, to its end": Begun(
        strategy="latest", calls=None, maker="models", scenario="small", adopted=("migrated",)
    ),
    "all, by the models": Begun(
        strategy="all", calls=None, maker="models", scenario="small", adopted=("migrated", "failed_to_migrate")
    ),
}


@pytest.mark.parametrize("case", BEGUN)
def test_what_the_client_began_is_finished_once(
    case: str, half_done: Callable[..., Any], start_sandbox: "Callable[..., Sandbox]", tmp_path: Path
) -> None:
    """No second version, no second copy of a finished file, nothing left behind; the old index is untouched."""
    begun = BEGUN[case]
    before = snapshot(made(start_sandbox, begun)[0])
    sandbox, facts = half_done(begun)
    if not (tmp_path / "old.db").exists():
        pytest.fail((tmp_path / "client.log").read_text()[-3000:])
    middle = snapshot(sandbox)

    imported = finish(sandbox, facts, tmp_path, begun)

    assert [] == [name for name in begun.adopted if imported[name] == 0], imported
    assert [] == wrong(before, middle, sandbox, facts, begun)
