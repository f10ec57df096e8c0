"""Where migrations are broken off: a sandbox whose world can be renewed at once, and a victim that can be killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from sandbox.objects.store import ObjectStore
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.state import state_of
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.kinds import Kind
from sandbox.synapse.world import World
from tests.crash.books import disagreements
from tests.crash.small_project import build_mixed_project
from tests.migration.expectation import Expectation
from tests.migration.harness import environment

REPOSITORY = Path(__file__).parents[2]
KILLED = -signal.SIGKILL

Row = tuple[Any, ...]
Point = tuple[str, int]
"""A boundary by its name, and which one of that name."""
_ITEMS = """
select entity_id, kind, version, row_id, col_id, status, reason, from_file_handle_id, new_version, to_file_handle_id
from items_v1 order by all
"""
_COPIES = "select from_file_handle_id, to_file_handle_id, status, reason, proof from copies_v1 order by all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One life of the victim."""

    code: int
    points: tuple[Point, ...]
    said: str

    @property
    def was_killed(self) -> bool:
        """Whether it died as it was told to."""
        return self.code == KILLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One migration that is to be broken off: a fresh world, no index yet, and what must become of it."""

    facts: ScenarioFacts
    index: Path
    strategy: str
    expected: Expectation
    words: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Lab:
    """A sandbox and a victim; one case at a time."""

    sandbox: Sandbox
    folder: Path
    victim: "subprocess.Popen[str]"
    build: Callable[[World], ScenarioFacts] = build_mixed_project
    _cases: int = field(default=0)

    def fresh(self, strategy: str, *more: str) -> Case:
        """Begin anew: nothing of earlier cases is left in the sandbox. Tables are included when there are any."""
        self._cases += 1
        self.sandbox.faults.clear()
        objects = ObjectStore(clock=self.sandbox.clock, seed=0)
        objects.endpoint_url = self.sandbox.s3_url
        world = World(clock=self.sandbox.clock, objects=objects)
        facts = self.build(world)
        file_columns = file_columns_in(world)
        self.sandbox.world = self.sandbox.app.world = world
        self.sandbox.s3_app.store = objects
        self.sandbox.app.traffic.reset()
        index = self.folder / f"case-{self._cases}" / "m.duckdb"
        shutil.rmtree(self.folder / f"case-{self._cases - 1}", ignore_errors=True)
        index.parent.mkdir()
        words = ("migrate", facts.root_id, str(facts.destination_id), str(index), "--force")
        return Case(
            facts=facts,
            index=index,
            strategy=strategy,
            expected=Expectation(
                self.state(),
                facts.root_id,
                facts.destination_id,
                strategy,
                unreadable=set(facts.unreadable_ids),
                file_columns=file_columns,
            ),
            words=(
                *words,
                "--file-version-strategy",
                strategy,
                *(["--include-table-files"] if file_columns else []),
                *more,
            ),
        )

    def run(
        self,
        words: Sequence[str],
        *,
        kill_at: Point | None = None,
        order: str = "free",
        weather: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
    ) -> Ended:
        """One life of the victim with these words."""
        trace, out, err = (self.folder / name for name in ("trace", "out", "err"))
        told = {
            "words": list(words),
            "env": environment(
                self.sandbox, self.folder, SYNAPSE_STATE_FOLDER=str(self.folder / "state"), **(env or {})
            ),
            "kill_at": kill_at,
            "order": order,
            "weather": weather or {},
            "synapse": self.sandbox.url.removeprefix("http://"),
            "trace": str(trace),
            "out": str(out),
            "err": str(err),
            "modules": str(self.folder / "modules"),
        }
        assert self.victim.stdin is not None
        assert self.victim.stdout is not None
        self.victim.stdin.write(json.dumps(told) + "\n")
        self.victim.stdin.flush()
        code = int(self.victim.stdout.readline())
        passed = (line.partition("\t") for line in trace.read_text().splitlines())
        points = tuple((label, int(number)) for number, _, label in passed)
        return Ended(code=code, points=points, said=err.read_text() + out.read_text())

    def state(self) -> Any:
        """The sandbox's whole state, as a copy that later changes leave alone."""
        return json.loads(json.dumps(state_of(self.sandbox.world)))

    def settle(self, seconds: float = 0) -> None:
        """Wait until the sandbox has served what a client sent and left behind, and so many seconds more."""
        give_up = time.monotonic() + 10
        while self.sandbox.app.traffic.in_flight and time.monotonic() < give_up:
            time.sleep(0.005)
        time.sleep(seconds)

    def violations(self, case: Case) -> list[str]:
        """Everything that is not as it must be after a complete migration: in Synapse, in S3, in the index."""
        state = self.state()
        return [
            *case.expected.violations(state),
            *index_violations(case, state),
            *disagreements(case.index, case.expected),
            *self._upload_violations(case),
        ]

    def _upload_violations(self, case: Case) -> list[str]:
        """Every copy is one upload of the service's, and all are complete: nothing was begun twice or left behind."""
        uploads = list(self.sandbox.world.uploads._by_id.values())
        open_ones = [upload.id for upload in uploads if not upload.is_completed]
        wrong = [f"upload {one} was left open" for one in open_ones]
        if len(uploads) != len(case.expected.sources()):
            wrong.append(f"{len(uploads)} uploads were begun for {len(case.expected.sources())} sources")
        return wrong


def file_columns_in(world: World) -> frozenset[str]:
    """Ids of the columns of file handles in all tables."""
    schemas = [world.tables.schema_of(entity) for entity in world.entities.all() if entity.kind is Kind.TABLE]
    return frozenset(column.id for schema in schemas for column in schema if column.type is ColumnType.FILEHANDLEID)


@contextmanager
def running_lab(
    build: Callable[[World], ScenarioFacts] = build_mixed_project, *, make: "type[Lab] | None" = None
) -> Iterator[Lab]:
    """A lab for as long as the block lasts.

    It lies in memory where the machine has such a place: a kill loses nothing that was written, synced or not, and
    thousands of commits need not wait for a disk.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="synapse-storage-lab-", dir=memory if memory.is_dir() else None) as name:
        yield from _running(Path(name), build, make or Lab)


def _running(folder: Path, build: Callable[[World], ScenarioFacts], make: type[Lab]) -> Iterator[Lab]:
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.victim"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )
    options = SandboxOptions(is_throttled=False, wait_scale=0)
    try:
        with running_sandbox(options) as sandbox:
            yield make(sandbox=sandbox, folder=folder, victim=victim, build=build)
    finally:
        for stream in (victim.stdin, victim.stdout):
            if stream is not None:
                stream.close()
        victim.wait(timeout=30)


def tables(index: Path, *queries: str) -> list[list[Row]]:
    """What an index that nobody has open answers, query by query."""
    with duckdb.connect(str(index), read_only=True) as connection:
        return [connection.execute(sql).fetchall() for sql in queries]


def rows(index: Path, sql: str) -> list[Row]:
    """What an index that nobody has open answers to one query."""
    return tables(index, sql)[0]


def index_violations(case: Case, state: Any) -> list[str]:
    """Where the index does not tell what is; and places that it tells of twice or not at all."""
    items, copies = tables(case.index, _ITEMS, _COPIES)
    wrong: list[str] = []
    places = [row[:5] for row in items]
    wrong += [f"the index tells of {place} more than once" for place in places if places.count(place) > 1]
    moved = 0
    for entity_id, _kind, version, row, column, status, reason, _source, new_version, new in items:
        if status not in {"MIGRATED", "ALREADY_MIGRATED", "SKIPPED"}:
            wrong.append(f"{entity_id}.{version} is {status} ({reason}) in the index")
        if status == "MIGRATED":
            moved += 1
            found = _held(state, entity_id, new_version or version, row, column)
            if found != new:
                wrong.append(f"the index says {entity_id}.{new_version or version} went to {new}; it has {found}")
    if moved != case.expected.places():
        wrong.append(f"{moved} places are MIGRATED in the index, {case.expected.places()} should be")
    sources = [row[0] for row in copies]
    wrong += [f"the index tells of two copies of {one}" for one in set(sources) if sources.count(one) > 1]
    wrong += [f"copy of {row[0]} is {row[2]} ({row[3]}), proof {row[4]}" for row in copies if row[2] != "PROVEN"]
    return wrong


def _held(state: Any, entity_id: str, version: int, row: int | None, column: int | None) -> str | None:
    """The handle that a version or a cell refers to."""
    if row is not None:
        held: str | None = state["tables"][entity_id]["rows"][str(row)]["cells"][str(column)]
        return held
    return {one["number"]: one["handleId"] for one in state["entities"][entity_id]["versions"]}.get(version)


def items_of(index: Path) -> list[Row]:
    """The items of an index, without the numbers that differ from world to world."""
    return rows(
        index,
        "select entity_id, kind, version, row_id, col_id, status, reason, from_file_handle_id, new_version"
        " from items_v1 order by all",
    )
