"""The promises under random histories: crashes at every kind of boundary, faults, other people, retries, new indexing.

Real index, real phases, real copy engine; Synapse and S3 are the fakes, which keep the service's rules. The process
dies by an exception between any two steps, and whatever it would have done afterwards does not happen.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage_core.errors import ServerFault
from storage_core.index.store import Index
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.items import ReasonClass
from tests.matrices.counting import Count, end_of_patience, tell
from tests.model.lives import live
from tests.model.small_synapse import DESTINATION, ROOT, Boundary, Meanwhile, SmallSynapse
from tests.model.watched_tables import Cell

EVERY_CLASS = frozenset(ReasonClass)
MEMORY = Path("/dev/shm")
STRATEGIES = ("new", "latest", "all", "skip")
ROW = st.tuples(*[st.one_of(st.none(), st.integers(0, 3))] * 2)
NAMES = (
    *("add_roots", "children", "record_listings", "versions", "file", "handles", "record_descriptions"),
    *("file_columns", "file_rows", "cell_handles", "record_tables", "finish_indexing"),
    *("start", "presign", "s3", "add", "complete", "record_copies", "look", "read", "record_proofs"),
    *("add_version", "swap_version_handle", "change_cells", "record_repoints"),
    *("table_versions", "snapshot_table", "record_snapshots", "record_verifications"),
)
"""Calls and commits, in about the order in which a migration comes to them."""
KINDS = [f"{side} {name}" for name in NAMES for side in ("before", "after")]
BOUNDARIES = st.tuples(st.sampled_from(KINDS), st.integers(1, 6))
DEATHS = st.one_of(st.none(), BOUNDARIES)
FIRST_OR_SECOND = st.integers(1, 2)
BEGINNINGS = {
    # a copy is there, and the index does not know it
    "dies beside a copy": st.tuples(st.sampled_from(["after complete", "before record_copies"]), FIRST_OR_SECOND),
    # a file was read, and is not repointed
    "a file is edited": st.tuples(
        st.sampled_from(["after finish_indexing", "after complete", "after record_proofs", "before add_version"]),
        st.just(1),
    ),
    # a cell was read, and is not written
    "a cell is edited": st.tuples(
        st.sampled_from(
            ["after record_tables", "after finish_indexing", "after record_proofs", "before snapshot_table"]
        ),
        st.just(1),
    ),
    "dies anywhere": BOUNDARIES,
}
"""What may happen in the first life of a migration, and where; later ones find most of it done."""
SHARES = ("dies beside a copy", "a file is edited") * 2 + ("a cell is edited", "dies anywhere")
FIRST_LIVES = st.sampled_from(SHARES).flatmap(lambda kind: st.tuples(st.just(kind), BEGINNINGS[kind]))
STEPS = 7
"""After the first life, and before the two in which everything comes right."""
LOT = 25
AS_FOUND = "HISTORIES_AS_FOUND"
"""Set where it matters only whether a promise is broken: making the story small takes many times as long."""
EDITS = ["upload", "annotate", "replace"]
CELL_EDITS = ["edit", "empty", "delete row", "add row", "drop column"]
TABLE_TROUBLES = ["lost before", "lost after", "late", "forbidden", "bad", "fault", ""]


class History(RuleBasedStateMachine):
    """Up to five files with up to three versions, and up to two tables; some of them share handles."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.path = self.folder / "m.duckdb"
        self.synapse = SmallSynapse()
        self.loop = asyncio.new_event_loop()
        self.strategy = "new"
        self.was_damaged = False
        self.replaced: set[EntityId] = set()

    @initialize(
        strategy=st.sampled_from(("new", *STRATEGIES)),  # what most people use, and the one that must not be sent twice
        shape=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), min_size=1, max_size=5),
        tables=st.lists(st.lists(ROW, max_size=3), max_size=2),
        first_life=FIRST_LIVES,
        which=st.integers(0, 99),
        edit=st.sampled_from(EDITS),
    )
    def begin(
        self,
        strategy: str,
        shape: list[list[int]],
        tables: list[list[tuple[int | None, int | None]]],
        first_life: tuple[str, Boundary],
        which: int,
        edit: str,
    ) -> None:
        """A project whose first migration dies or meets an edit, most of all where much hangs on it."""
        self.strategy = strategy
        uploaded = [self.synapse.upload() for _ in range(4)]
        for number, handles in enumerate(shape, start=10):
            self.synapse.create(number, [uploaded[one] for one in handles])
        for number, rows in enumerate(tables, start=30):
            cells = [tuple(None if one is None else uploaded[one] for one in row) for row in rows]
            self.synapse.create_table(ROOT, number, cells)
        kind, at = first_life
        if kind.startswith("dies"):
            self.live(dies_at=at)
        elif kind == "a file is edited":
            file_id = sorted(self.synapse.files)[which % len(self.synapse.files)]
            self.live(meanwhile=Meanwhile(at, lambda: self._edit(edit, file_id)))
        else:
            cell = self._filled_cell(which, uploaded[0])
            self.live(meanwhile=Meanwhile(at, lambda: self.synapse.edit_cell(cell)))

    def _filled_cell(self, which: int, handle_id: FileHandleId) -> Cell:
        """One that holds a file; most tables that are drawn have none."""
        if not any(self.synapse.cells.values()):
            self.synapse.create_table(ROOT, 40, [(handle_id, None)])
        filled = sorted(cell for cell, md5 in self.synapse.cells.items() if md5)
        return filled[which % len(filled)]

    def live(
        self,
        *,
        dies_at: Boundary | None = None,
        batch: int = 1,
        first: Callable[[Index], object] = lambda index: None,
        meanwhile: Meanwhile | None = None,
    ) -> bool:
        """One life of the process; whatever it came to, the index tells of each place once."""
        life = live(
            self.path,
            self.synapse,
            self.loop,
            strategy=self.strategy,
            dies_at=dies_at,
            batch=batch,
            first=first,
            meanwhile=meanwhile,
        )
        assert len(life.places) == len(set(life.places)), life.places
        return life.came_to_its_end

    @rule(dies_at=DEATHS, batch=st.sampled_from([1, 2, 50]))
    def migrate(self, dies_at: Boundary | None, batch: int) -> None:
        self.live(dies_at=dies_at, batch=batch)

    @precondition(lambda self: self.synapse.files)
    @rule(at=BOUNDARIES, batch=st.sampled_from([1, 2, 50]), edit=st.sampled_from(EDITS), data=st.data())
    def migrate_while_somebody_edits(self, at: Boundary, batch: int, edit: str, data: st.DataObject) -> None:
        file_id = self._any_file(data)
        self.live(batch=batch, meanwhile=Meanwhile(at, lambda: self._edit(edit, file_id)))

    def _edit(self, edit: str, file_id: EntityId) -> None:
        match edit:
            case "upload":
                self.synapse.upload_version(file_id)
            case "annotate":
                self.synapse.files[file_id].touch()
            case _:
                self.synapse.replace_handle(file_id, self.synapse.files[file_id].current)
                self.replaced.add(file_id)

    @precondition(lambda self: self.synapse.cells)
    @rule(at=BOUNDARIES, batch=st.sampled_from([1, 50]), edit=st.sampled_from(CELL_EDITS), data=st.data())
    def migrate_while_somebody_edits_a_table(self, at: Boundary, batch: int, edit: str, data: st.DataObject) -> None:
        cell = self._any_cell(data)
        self.live(batch=batch, meanwhile=Meanwhile(at, lambda: self._edit_table(edit, cell)))

    @precondition(lambda self: self.synapse.cells)
    @rule(edit=st.sampled_from([*CELL_EDITS, "delete table"]), data=st.data())
    def somebody_edits_a_table(self, edit: str, data: st.DataObject) -> None:
        self._edit_table(edit, self._any_cell(data))

    def _any_cell(self, data: st.DataObject) -> Cell:
        return data.draw(st.sampled_from(sorted(self.synapse.cells)))

    def _edit_table(self, edit: str, cell: Cell) -> None:
        match edit:
            case "edit" | "empty":
                self.synapse.edit_cell(cell, is_emptied=edit == "empty")
            case "delete row":
                self.synapse.delete_row(cell[0], cell[1])
            case "add row":
                self.synapse.add_row(cell[0])
            case "drop column":
                self.synapse.drop_column(cell[0], cell[2])
            case _:
                self.synapse.delete_table(cell[0])

    @rule(planned=st.lists(st.sampled_from(TABLE_TROUBLES), max_size=3))
    def writing_tables_will_fail(self, planned: list[str]) -> None:
        self.synapse.table_trouble[:] = planned

    @rule(dies_at=DEATHS, batch=st.sampled_from([1, 50]), classes=st.sets(st.sampled_from(list(ReasonClass))))
    def retry(self, dies_at: Boundary | None, batch: int, classes: set[ReasonClass]) -> None:
        wanted = frozenset(classes)
        self.live(dies_at=dies_at, batch=batch, first=lambda index: index.retry(wanted))

    @rule(dies_at=DEATHS)
    def index_again(self, dies_at: Boundary | None) -> None:
        self.live(dies_at=dies_at, first=lambda index: index.reopen_for_reindex())

    @rule(planned=st.lists(st.sampled_from(["lost before", "lost after", "forbidden", ""]), max_size=3))
    def writing_will_fail(self, planned: list[str]) -> None:
        self.synapse.trouble.planned[:] = planned

    @rule(call=st.sampled_from(["start", "presign", "add", "complete"]), times=st.integers(1, 2))
    def copying_will_fail(self, call: str, times: int) -> None:
        fault = ServerFault(call=f"planned {call}", status=500, reason="planned")
        self.synapse.storage.fail_next(call, *[fault] * times)

    @rule(is_damaged=st.booleans())
    def parts_are_damaged(self, is_damaged: bool) -> None:
        self.was_damaged |= is_damaged
        self.synapse.storage.damaged_parts = {1} if is_damaged else set()

    @rule()
    def uploads_are_aborted(self) -> None:
        self.synapse.storage.abort_uploads()

    @precondition(lambda self: self.synapse.files)
    @rule(data=st.data())
    def somebody_uploads_a_version(self, data: st.DataObject) -> None:
        self.synapse.upload_version(self._any_file(data))

    @precondition(lambda self: self.synapse.files)
    @rule(data=st.data())
    def somebody_replaces_a_handle(self, data: st.DataObject) -> None:
        file_id = self._any_file(data)
        version = data.draw(st.sampled_from(sorted(self.synapse.files[file_id].versions)))
        self.synapse.replace_handle(file_id, version)
        self.replaced.add(file_id)

    @precondition(lambda self: self.synapse.files)
    @rule(data=st.data())
    def somebody_annotates(self, data: st.DataObject) -> None:
        self.synapse.files[self._any_file(data)].touch()

    @precondition(lambda self: len(self.synapse.files) > 1)
    @rule(data=st.data())
    def somebody_deletes_a_file(self, data: st.DataObject) -> None:
        self.synapse.delete(self._any_file(data))

    @precondition(lambda self: self.synapse.files)
    @rule(data=st.data(), is_hidden=st.booleans())
    def somebody_hides_or_shows_a_file(self, data: st.DataObject, is_hidden: bool) -> None:
        file_id = self._any_file(data)
        (self.synapse.hidden.add if is_hidden else self.synapse.hidden.discard)(file_id)

    def _any_file(self, data: st.DataObject) -> EntityId:
        return data.draw(st.sampled_from(sorted(self.synapse.files)))

    @invariant()
    def every_promise_is_kept(self) -> None:
        assert [] == self.synapse.broken_promises()

    @invariant()
    def no_content_is_copied_twice(self) -> None:
        """All places of one source refer to one copy; and unless a copy was bad, there is no other."""
        sources = self.synapse.sources()
        for md5, count in self.synapse.copies_in_use().items():
            assert count <= sources[md5], f"{count} copies of {md5} are in use, {sources[md5]} sources have it"
        if not self.was_damaged:
            made = self.synapse.copies_made()
            assert all(count <= sources[md5] for md5, count in made.items()), f"{made} of {sources}"

    def teardown(self) -> None:
        """Everybody stops; then everything comes right."""
        try:
            if self.synapse.files or self.synapse.tables:
                self._come_right()
        finally:
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _come_right(self) -> None:
        self.synapse.trouble.planned.clear()
        self.synapse.table_trouble.clear()
        self.synapse.storage._faults.clear()
        self.synapse.storage.damaged_parts = set()
        self.synapse.hidden.clear()
        for _ in range(2):
            assert self.live(batch=50, first=_everything_once_more)
            self.every_promise_is_kept()
        left = [
            f"{file.id}.{version} still refers to {handle}"
            for file in self.synapse.files.values()
            # what was replaced in place is noticed only when it is repointed
            if file.id not in self.replaced and self.strategy != "skip"
            for version, handle in file.versions.items()
            if (version == file.current or self.strategy == "all")
            and self.synapse.handle_records[handle].storage_location_id != DESTINATION
        ]
        left += [
            f"a cell still refers to {handle}"
            for handle in self.synapse.in_cells()
            if self.synapse.handle_records[handle].storage_location_id != DESTINATION
        ]
        assert [] == left
        self.no_content_is_copied_twice()


def _everything_once_more(index: Index) -> None:
    index.retry(EVERY_CLASS)
    index.reopen_for_reindex()


def _many(histories: int) -> settings:
    return settings(
        max_examples=histories,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        derandomize=bool(os.environ.get("CI")),
        phases=[Phase.generate] if os.environ.get(AS_FOUND) else list(Phase),
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_boundary_of_a_life_may_be_drawn(strategy: str, tmp_path: Path) -> None:
    """A call or commit that is added to the product must be added to the names, or nobody would die beside it."""
    synapse = SmallSynapse()
    one, two = synapse.upload(), synapse.upload()
    synapse.create(10, [one, two])
    synapse.create_table(ROOT, 30, [(one, None)])
    with asyncio.Runner() as runner:
        told = live(tmp_path / "m.duckdb", synapse, runner.get_loop(), strategy=strategy)
    assert set() == told.passed.keys() - set(KINDS)
    assert {"after complete", "before record_copies", "after change_cells", "after record_verifications"} <= set(
        told.passed
    )


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(("strategy", "write"), [("new", "add_version"), ("all", "swap_version_handle")])
def test_an_edit_right_before_our_write_is_not_taken_for_ours(strategy: str, write: str, edit: str) -> None:
    """The model tells apart who did what, however close together."""
    history = History()
    history.begin(strategy, [[0]], [], ("a file is edited", (f"before {write}", 1)), 0, edit)
    history.every_promise_is_kept()
    history.teardown()


@pytest.mark.timeout(600)
def test_a_hundred_histories() -> None:
    run_state_machine_as_test(History, settings=_many(100))


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_two_thousand_histories(capsys: pytest.CaptureFixture[str]) -> None:
    """In lots, each with a seed of its own, so that any of them can be told again."""
    until = end_of_patience()
    done = 0
    try:
        for number in range(1, 2000 // LOT + 1):
            if until is None or time.monotonic() < until:
                machine = seed(number)(type(f"History{number}", (History,), {}))
                run_state_machine_as_test(machine, settings=settings(_many(LOT), derandomize=False, database=None))
                done += LOT
    finally:
        violations = 0 if sys.exception() is None else 1
        tell(capsys, Count(what="histories", tried=done, out_of=2000, unit="histories", violations=violations))
