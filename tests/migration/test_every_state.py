"""`plan`, `status`, `why`, `verify`, `report`, `export` and `retry` on an index in whatever state it is."""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import environment, run, writes
from typer.testing import CliRunner, Result

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.cli.main import app
from storage_core.index.opening import open_index

SIZE = 6
OLD_TABLES = """
create table migration_settings (settings text not null);
create table migrations (id text not null, type integer not null, version integer, row_id integer, col_id integer,
    parent_id, status integer not null, exception text, from_storage_location_id, from_file_handle_id text,
    to_file_handle_id text, file_size integer);
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Read-only for the commands under test; the states are made in it one after the other."""
    with running_sandbox(SandboxOptions(scenario="flat", size=SIZE, is_throttled=False, wait_scale=0)) as running:
        yield running


def ask(sandbox: Sandbox, home: Path, *words: str) -> Result:
    """The command in this process: there are many of them here, and a process each would take minutes."""
    environ = environment(sandbox, home)
    return CliRunner().invoke(app, list(words), env={**dict.fromkeys(os.environ), **environ})


@contextmanager
def fault(sandbox: Sandbox, path: str, method: str) -> Iterator[None]:
    """One call of that kind is refused meanwhile."""
    sandbox.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, method=method, path=path, status=403, times=1))
    yield
    sandbox.faults.clear()


def words(sandbox: Sandbox, verb: str, index: Path, *more: str) -> list[str]:
    facts = sandbox.facts
    return [verb, facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", "latest", *more]


def empty(sandbox: Sandbox, index: Path) -> None:
    """An index of a project that has nothing in it."""
    world = sandbox.world
    name = f"Empty {len(world.entities)}"
    project = world.entities.add(
        world, kind=world.entities.require(sandbox.facts.root_id).kind, name=name, parent_id=None,
        created_by=world.principals.demo.id,
    )  # fmt: skip
    run(sandbox, index.parent, ["index", project.id, *words(sandbox, "index", index)[2:]])


def half_indexed(sandbox: Sandbox, index: Path) -> None:
    """One folder could not be listed, and the run ended there."""
    with fault(sandbox, "/entity/children", "POST"):
        assert 1 == run(sandbox, index.parent, words(sandbox, "index", index)).returncode


def indexed(sandbox: Sandbox, index: Path) -> None:
    assert 0 == run(sandbox, index.parent, words(sandbox, "index", index)).returncode


def errored(sandbox: Sandbox, index: Path) -> None:
    with fault(sandbox, "/filehandle$", "PUT"):
        words_ = words(sandbox, "migrate", index, "--force", "--continue-on-error")
        assert 1 == run(sandbox, index.parent, words_).returncode


def finished(sandbox: Sandbox, index: Path) -> None:
    assert 0 == run(sandbox, index.parent, words(sandbox, "migrate", index, "--force")).returncode


def adopted(sandbox: Sandbox, index: Path) -> None:
    """Imported from the existing client's index, and not looked into yet."""
    old = index.with_name("old.db")
    facts = sandbox.facts
    version = facts.expectation.versions[0]
    settings = {
        "root_id": facts.root_id,
        "dest_storage_location_id": str(facts.destination_id),
        "source_storage_location_ids": [],
        "file_version_strategy": "latest",
        "include_table_files": 0,
    }
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(OLD_TABLES)
        connection.execute("insert into migration_settings values (?)", (json.dumps(settings),))
        row = (version.entity_id, 3, 1, None, None, facts.root_id, 1, None, 1, version.handle_id, None, 10)
        connection.execute(f"insert into migrations values ({','.join('?' * 12)})", row)
        connection.commit()
    assert 0 == run(sandbox, index.parent, ["import-index", str(old), str(index)]).returncode


STATES: dict[str, Callable[[Sandbox, Path], None]] = {
    "empty": empty,
    "half indexed": half_indexed,
    "indexed": indexed,
    "adopted": adopted,
    "errored": errored,
    "finished": finished,
}
HAS_ITEMS = {"indexed", "errored", "finished"}
MIGRATED = {"errored": SIZE - 1, "finished": 1}
"""The run that failed for one file had moved the others."""
READERS = ("status", "report", "export")


@pytest.fixture(scope="module")
def indexes(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One index per state, made once, in this order: the last ones migrate."""
    made = {}
    for name, make in STATES.items():
        made[name] = tmp_path_factory.mktemp(name.replace(" ", "-")) / "m.duckdb"
        make(sandbox, made[name])
    return made


@pytest.mark.parametrize("state", STATES)
def test_every_command_answers(sandbox, indexes, tmp_path, state):
    """With its documented exit code, one JSON document, and without changing anything in Synapse."""
    index = indexes[state]
    entity = sandbox.facts.expectation.versions[0].entity_id
    sandbox.app.traffic.reset()
    expected = {
        ("plan", str(index)): 0,
        ("status", str(index)): 0,
        ("report", str(index), str(tmp_path / "report")): 0,
        ("export", str(index), str(tmp_path / "export")): 0,
        ("why", entity, str(index)): 0 if state in HAS_ITEMS else 2,
        ("verify", str(index)): 0,
    }
    for asked, code in expected.items():
        ended = ask(sandbox, tmp_path, *asked, "--json")
        assert code == ended.exit_code, (asked, ended.stderr)
        assert "Traceback" not in ended.stderr
        document = json.loads(ended.stdout)
        if asked[0] == "plan":
            assert (state in {"empty", "indexed", "errored", "finished"}) == document["is_indexed"]
        if asked[0] == "verify":
            assert MIGRATED.get(state, 0) == document["verified"]
    assert (tmp_path / "report" / "m.html").is_file()
    assert (tmp_path / "export" / "MANIFEST.json").is_file()
    assert 0 == writes(sandbox)


@pytest.mark.parametrize(("state", "put_back"), [("empty", 0), ("half indexed", 1), ("errored", 1), ("finished", 0)])
def test_retry_puts_back_what_failed_and_names_the_command_that_goes_on(sandbox, indexes, tmp_path, state, put_back):
    copy = tmp_path / "m.duckdb"
    copy.write_bytes(indexes[state].read_bytes())
    ended = ask(sandbox, tmp_path, "retry", str(copy), "all", "--json")
    assert 0 == ended.exit_code, ended.stderr
    told = json.loads(ended.stdout)
    assert put_back == told["put_back"]
    assert told["go_on"].endswith(f"{sandbox.facts.destination_id} {copy} --file-version-strategy latest")


def test_while_another_process_works_readers_take_its_snapshot_and_writers_are_refused(sandbox, indexes, tmp_path):
    index = tmp_path / "m.duckdb"
    index.write_bytes(indexes["indexed"].read_bytes())
    with open_index(index, None, create=False) as ledger:
        ledger.publish(force=True)
        status = {}
        for command in READERS:
            more = [] if command == "status" else [str(tmp_path / command)]
            ended = run(sandbox, tmp_path, [command, str(index), *more, "--json"])
            assert 0 == ended.returncode, (command, ended.stderr)
            status = json.loads(ended.stdout) if command == "status" else status
        assert status["is_running"] is True
        assert SIZE == status["items"]["by_status"]["INDEXED"]
        entity = sandbox.facts.expectation.versions[0].entity_id
        assert "INDEXED" in run(sandbox, tmp_path, ["why", entity, str(index)]).stdout
        assert 0 == run(sandbox, tmp_path, ["verify", str(index)]).returncode
        for command in ("plan", "retry"):
            ended = run(sandbox, tmp_path, [command, str(index)])
            assert 7 == ended.returncode, (command, ended.stderr)


@pytest.mark.parametrize("command", ["plan", "status", "report", "export", "verify", "retry"])
def test_a_path_without_an_index_is_a_usage_error_and_stays_empty(sandbox, tmp_path, command):
    """A mistyped path must not leave a new, empty index behind."""
    ended = ask(sandbox, tmp_path, command, str(tmp_path / "typo.duckdb"))
    assert 2 == ended.exit_code
    assert "There is no index at" in ended.stderr
    assert [] == [path for path in tmp_path.iterdir() if "typo" in path.name]
