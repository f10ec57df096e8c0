"""What deployments/README.md tells a newcomer to type is typed: from `make demo` to an exported run and a proven log.

Each block of commands is a terminal, in the order in which it is written. Only what a person would read off the screen
is filled in (the sandbox's exports, the run's id, the plan's hash), and the ports, which may be taken here.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from tests.server.database import running_postgres
from tests.server.processes import PATIENCE_SECONDS, CannotRunError, Program, free_port, wait_until
from tests.server.rest import Rest
from tests.server.stage import ROOT

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]

SECTION = "## From a fresh clone to an exported run"
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
FOREIGN = ("PREFECT_", "SYNAPSE_", "AWS_", "VIRTUAL_ENV")
RUN_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    """What is set before the server is started, as the README says for each database."""
    if request.param == "SQLite":
        yield {}
        return
    with ExitStack() as stack:
        # not below pytest's own folder: its parents are closed to the plain user that PostgreSQL runs as
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="synapse-storage-postgres-")))
        try:
            address = stack.enter_context(running_postgres(folder))
        except CannotRunError as trouble:
            pytest.skip(str(trouble))
        yield {DATABASE: address}


class Terminals:
    """Terminals of one person with an empty home, at the top of the repository."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._open: list[Program] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self._environment = kept | {"HOME": str(home)}

    def open(self, name: str, commands: str, **variables: str) -> Program:
        """Type commands of which the last one stays; a command that fails closes the terminal."""
        words = ["bash", "-e", "-c", commands]
        self._open.append(Program(words, self._environment | variables, self.home / f"{name}.log", ROOT))
        return self._open[-1]

    def run(self, commands: str) -> str:
        """Type commands of which each must end well; what they show."""
        done = subprocess.run(
            ["bash", "-e", "-c", commands], env=self._environment, cwd=ROOT, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def close(self) -> None:
        """End what is still there, the last first."""
        for program in reversed(self._open):
            program.stop()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    opened = Terminals(tmp_path)
    try:
        yield opened
    finally:
        opened.close()


def test_a_newcomer_comes_from_a_clone_to_an_exported_run(database: Mapping[str, str], terminals: Terminals) -> None:
    """Every command ends well, the plan is approved over REST, and export and log can be read afterwards."""
    port = free_port()
    demo, server, worker, trigger, approve, export = blocks(port)
    there = trigger[: trigger.index("prefect deployment run")]  # what a new terminal needs before each command
    demo = demo.replace("sandbox --scenario", f"sandbox --port {free_port()} --scenario")
    rest = Rest(f"http://127.0.0.1:{port}/api")

    sandbox = terminals.open("sandbox", demo)
    exports = wait_until(lambda: shown_exports(sandbox), "the sandbox to be ready")
    serving = terminals.open("server", server, **database)
    wait_until(lambda: alive(serving) and rest.is_healthy(), "the server to answer")
    working = terminals.open("worker", re.sub(r"(?m)^export SYNAPSE_AUTH_TOKEN=\.\.\..*$", exports, worker))
    wait_until(lambda: alive(working) and "Worker" in working.log.read_text(), "the worker to start")

    run_command, inspect_command = trigger.removeprefix(there).splitlines()
    (run_id,) = set(re.findall(RUN_ID, terminals.run(there + run_command)))
    rest.wait_for(run_id, "Suspended")
    (plan_hash,) = set(re.findall(r"Plan ([0-9a-f]+)\b", terminals.run(there + inspect_command)))
    answer = terminals.run(there + approve.replace("RUN_ID", run_id).replace("HASH", plan_hash))
    assert '"ACCEPT"' in answer
    rest.wait_for(run_id, "Completed")
    artifacts = rest.artifacts(run_id)
    proven = terminals.run(there + export)
    rest.close()

    report = terminals.home / "synapse-storage" / "migration-report"
    assert str(report) in str(artifacts["migration-report"]["data"])
    assert migrated(report) == migrated(terminals.home / "audit") > 0
    assert re.search(r"\d+ events checked; the last hash is [0-9a-f]{64}", proven), proven
    assert (DATABASE in database) != (terminals.home / ".prefect" / "prefect.db").exists()


def blocks(port: int) -> list[str]:
    """The section's blocks of commands, for a server on *port*."""
    text = (ROOT / "deployments" / "README.md").read_text()
    section = text.split(f"{SECTION}\n")[1].split("\n## ")[0]
    return [block.strip().replace("4200", str(port)) for block in re.findall(r"```bash\n(.*?)```", section, re.DOTALL)]


def shown_exports(sandbox: Program) -> str | None:
    """The lines that the sandbox asks to be typed elsewhere, once it says where everything is."""
    shown = sandbox.log.read_text()
    assert sandbox.is_running(), shown
    if "the project is syn1001, the new location 41001" not in shown:
        return None
    return "\n".join(re.findall(r"(?m)^export \S+$", shown))


def alive(program: Program) -> bool:
    """Never false: says why a program has ended instead."""
    assert program.is_running(), program.tail()
    return True


def migrated(folder: Path) -> int:
    """How many items a Parquet export tells of as migrated."""
    items = [str(path) for path in folder.rglob("*.parquet") if "items" in str(path.relative_to(folder))]
    with duckdb.connect() as connection:
        ((count,),) = connection.execute(
            "select count(*) from read_parquet($1) where status = 'MIGRATED'", [items]
        ).fetchall()
    return int(count)
