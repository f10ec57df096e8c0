"""Files in table cells, through the command line: exact end states, drift, calls, kills."""

import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from expectation import Expectation, files_in
from harness import migrate_words, run, snapshot, writes
from test_kill import kill_after

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.kinds import Kind

TABLES = "--include-table-files"
KILLS = 8


def started(scenario: str, size: int = 40):
    return running_sandbox(SandboxOptions(scenario=scenario, size=size, is_throttled=False, wait_scale=0))


def expectation_of(sandbox: Sandbox, strategy: str, *, is_frozen: bool = True) -> Expectation:
    facts, before = sandbox.facts, snapshot(sandbox)
    schemas = [
        sandbox.world.tables.schema_of(entity) for entity in sandbox.world.entities.all() if entity.kind is Kind.TABLE
    ]
    columns = {one.id for schema in schemas for one in schema if one.type is ColumnType.FILEHANDLEID}
    return Expectation(
        before,
        facts.root_id,
        facts.destination_id,
        strategy,
        unreadable=set(facts.unreadable_ids),
        file_columns=frozenset(columns),
        is_frozen=is_frozen,
    )


def migrated(summary: str) -> int:
    return json.loads(summary)["items"]["by_status"]["MIGRATED"]


def rows(index: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(index), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("scenario", "strategy"), [("tables", "latest"), ("tables", "skip"), ("mixed", "new"), ("mixed", "skip")]
)
def test_the_end_state_is_exact_and_a_second_run_writes_nothing(tmp_path, scenario, strategy):
    with started(scenario) as sandbox:
        expected = expectation_of(sandbox, strategy)
        assert any(expected.moving_cells(one) for one in expected.tables()), "nothing in cells: this shows nothing"
        words = migrate_words(sandbox, tmp_path / "m.duckdb", strategy, TABLES, "--continue-on-error", "--json")

        first = run(sandbox, tmp_path, words)
        assert [] == expected.violations(snapshot(sandbox)), first.stderr
        may_fail = expected.unreadable & set(files_in(expected.before, expected.root))
        assert (1 if may_fail and strategy != "skip" else 0) == first.returncode, first.stderr
        assert expected.places() == migrated(first.stdout)
        assert expected.items() == json.loads(first.stdout)["items"]["total"]
        assert expected.size() == json.loads(first.stdout)["bytes"]["by_status"]["MIGRATED"]

        sandbox.app.traffic.reset()
        second = run(sandbox, tmp_path, words)
        assert first.returncode == second.returncode, second.stderr
        assert 0 == writes(sandbox)
        assert [] == expected.violations(snapshot(sandbox))


def test_a_handle_in_files_and_cells_is_copied_once(tmp_path):
    with started("mixed") as sandbox:
        expected = expectation_of(sandbox, "all")
        in_cells = {handle for one in expected.tables() for handle in expected.moving_cells(one).values()}
        in_files = {
            handle for one in files_in(expected.before, expected.root) for handle in expected.moves(one).values()
        }
        assert in_cells & in_files, "the scenario shares no handle between files and cells: this shows nothing"
        run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "all", TABLES, "--continue-on-error"))
        # one of them lies where the keys of the user reach, so engine s3 copies it and registers the copy
        calls = sandbox.app.traffic.by_call
        assert 1 == calls["POST /externalfilehandle/s3"]
        assert len(expected.sources()) - 1 == calls["PUT /file/multipart/#/complete"]
        assert [] == expected.violations(snapshot(sandbox))


def test_a_table_alone_is_a_root(tmp_path):
    with started("tables") as sandbox:
        expected = expectation_of(sandbox, "new")
        expected.root = table = sandbox.facts.landmarks["odd-names"]
        words = ["migrate", table, str(sandbox.facts.destination_id), str(tmp_path / "m.duckdb"), TABLES, "--force"]
        done = run(sandbox, tmp_path, words)
        assert 0 == done.returncode, done.stderr
        assert [] == expected.violations(snapshot(sandbox))


def test_reports_name_row_column_and_row_version(tmp_path):
    with started("tables") as sandbox:
        index = tmp_path / "m.duckdb"
        run(sandbox, tmp_path, migrate_words(sandbox, index, "latest", TABLES))
        names = {
            column.id: column.name
            for column in sandbox.world.tables.columns.schema(
                [str(one) for (one,) in rows(index, "select distinct col_id from items_v1 where row_id is not null")]
            )
        }
        cells = rows(
            index, "select kind, entity_id, row_id, col_id, col_name, version from items_v1 where row_id is not null"
        )
        expected = {(one.table_id, one.row_id, one.column) for one in sandbox.facts.expectation.cells if one.handle_id}
        assert expected == {(entity, row_id, name) for _, entity, row_id, _, name, _ in cells}
        assert len(expected) == len(cells)
        assert all(names[str(col_id)] == name for _, _, _, col_id, name, _ in cells)
        assert {("table", 1)} == {(kind, version) for kind, *_, version in cells}


def test_without_snapshots_no_version_is_made(tmp_path):
    with started("tables") as sandbox:
        expected = expectation_of(sandbox, "latest", is_frozen=False)
        words = migrate_words(sandbox, tmp_path / "m.duckdb", "latest", TABLES, "--no-table-snapshots")
        done = run(sandbox, tmp_path, words)
        assert 0 == done.returncode, done.stderr
        assert [] == expected.violations(snapshot(sandbox))


def test_a_table_that_cannot_be_frozen_is_left_alone_and_the_next_retry_cures_it(tmp_path):
    with started("tables") as sandbox:
        expected = expectation_of(sandbox, "latest")
        plain = sandbox.facts.landmarks["plain"]
        refusal = FaultRule(kind=FaultKind.STATUS_BEFORE, path=f"/entity/{plain}/table/snapshot", status=403, times=1)
        sandbox.app.faults.add(refusal)
        words = migrate_words(sandbox, tmp_path / "m.duckdb", "latest", TABLES, "--continue-on-error", "--json")
        first = run(sandbox, tmp_path, words)
        assert 1 == first.returncode
        after = snapshot(sandbox)
        assert expected.before["tables"][plain] == after["tables"][plain]
        assert expected.places() - len(expected.moving_cells(plain)) == migrated(first.stdout)

        second = run(sandbox, tmp_path, [*words, "--retry-errors", "all"])
        assert 0 == second.returncode, second.stderr
        assert [] == expected.violations(snapshot(sandbox))


@pytest.mark.parametrize("path", ["/table/snapshot", "/table/transaction/async/start", "/table/transaction/async/get"])
@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE])
def test_a_lost_answer_makes_no_second_version_and_loses_no_cell(tmp_path, path, kind):
    with started("tables", size=12) as sandbox:
        expected = expectation_of(sandbox, "latest")
        rule = FaultRule(kind=kind, path=path, times=1)
        sandbox.app.faults.add(rule)
        done = run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "latest", TABLES))
        assert 0 == done.returncode, done.stderr
        assert 1 == rule.struck
        assert [] == expected.violations(snapshot(sandbox))


# -- large tables --------------------------------------------------------------------------------


def add_table(sandbox: Sandbox, name: str, columns: Iterable[str], filled: list[list[str]]) -> str:
    """A table with these file columns and rows of handle ids, in the root project; its id."""
    world, facts = sandbox.world, sandbox.facts
    made = [world.tables.columns.add(world, column, ColumnType.FILEHANDLEID) for column in columns]
    steward = world.principals.demo.id
    entity = world.entities.add(
        world,
        kind=Kind.TABLE,
        name=name,
        parent_id=facts.root_id,
        created_by=steward,
        fields={"columnIds": [column.id for column in made]},
    )
    cells = [{column.id: value for column, value in zip(made, row, strict=True)} for row in filled]
    world.tables.append(world, entity, cells, user_id=steward)
    return entity.id


def more_handles(sandbox: Sandbox, count: int) -> list[str]:
    """Ids of new handles, all of one stored object: records cost little, objects do not."""
    world = sandbox.world
    pattern = world.handles.require(sandbox.facts.expectation.versions[0].handle_id)
    return [
        world.handles.add(
            world,
            kind=pattern.kind,
            created_by=pattern.created_by,
            file_name=pattern.file_name,
            content_type=pattern.content_type,
            content_md5=pattern.content_md5,
            content_size=pattern.content_size,
            storage_location_id=pattern.storage_location_id,
            bucket=pattern.bucket,
            key=pattern.key,
        ).id
        for _ in range(count)
    ]


def test_a_table_of_ten_thousand_rows_costs_few_calls_and_few_transactions(tmp_path):
    with started("flat", size=1) as sandbox:
        few = more_handles(sandbox, 40)
        add_table(sandbox, "shared", ["a", "b"], [[few[n % 40], few[n % 37]] for n in range(10_000)])
        expected = expectation_of(sandbox, "latest")
        index = tmp_path / "m.duckdb"
        words = ["index", sandbox.facts.root_id, str(sandbox.facts.destination_id), str(index), TABLES]
        assert 0 == run(sandbox, tmp_path, [*words, "--file-version-strategy", "latest"]).returncode
        indexing = sandbox.app.traffic.by_status.total()
        assert indexing <= 350

        sandbox.app.traffic.reset()
        done = run(sandbox, tmp_path, migrate_words(sandbox, index, "latest", TABLES))
        assert 0 == done.returncode, done.stderr
        assert [] == expected.violations(snapshot(sandbox))
        transactions = sandbox.app.traffic.by_call["POST /entity/#/table/transaction/async/start"]
        assert 1 <= transactions <= 20
        # 40 handles to prove and to read back, and one of a file: a batch for each hundred cells would be 200
        assert sandbox.app.traffic.by_call["POST /fileHandle/batch"] <= 4
        print(f"10,000 rows, 20,000 cells: {indexing} calls to index, {transactions} table transactions to repoint")


def test_twenty_thousand_different_handles_are_indexed_in_few_calls(tmp_path):
    with started("flat", size=1) as sandbox:
        many = more_handles(sandbox, 20_000)
        add_table(sandbox, "different", ["a", "b"], [many[n : n + 2] for n in range(0, 20_000, 2)])
        index = tmp_path / "m.duckdb"
        words = ["index", sandbox.facts.root_id, str(sandbox.facts.destination_id), str(index), TABLES]
        done = run(sandbox, tmp_path, [*words, "--file-version-strategy", "skip"])
        assert 0 == done.returncode, done.stderr
        indexing = sandbox.app.traffic.by_status.total()
        assert indexing <= 350
        assert 0 == sandbox.app.traffic.by_status[429]
        print(f"20,000 cells with a handle each: {indexing} calls to index")
        assert [(20_000, 20_000)] == rows(
            index, "select count(*), count(distinct from_file_handle_id) from items_v1 where status = 'INDEXED'"
        )


def test_half_a_table_is_indexed_again_from_its_start(tmp_path):
    """A table whose second page cannot be read counts as not looked into; the next run has each cell once."""
    with started("flat", size=1) as sandbox:
        few = more_handles(sandbox, 5)
        table = add_table(sandbox, "long", ["a", "b"], [[few[n % 5], few[n % 3]] for n in range(10_001)])
        index = tmp_path / "m.duckdb"
        words = ["index", sandbox.facts.root_id, str(sandbox.facts.destination_id), str(index), TABLES]
        words += ["--file-version-strategy", "skip", "--continue-on-error"]
        refusal = FaultRule(kind=FaultKind.STATUS_BEFORE, path="/table/query/async/start", status=400, skip=1, times=1)
        sandbox.app.faults.add(refusal)
        first = run(sandbox, tmp_path, words)
        assert (1, 1) == (first.returncode, refusal.struck), first.stderr
        assert [(table, None)] == rows(index, "select entity_id, row_id from items_v1 where kind = 'table'")

        second = run(sandbox, tmp_path, words)
        assert 0 == second.returncode, second.stderr
        told = "select count(*), count(distinct (row_id, col_id)), min(status), max(status) from items_v1"
        assert [(20_002, 20_002, "INDEXED", "INDEXED")] == rows(index, f"{told} where kind = 'table'")


def test_one_edit_among_ten_thousand_cells_survives_and_is_reported(tmp_path):
    with started("flat", size=1) as sandbox:
        few = more_handles(sandbox, 20)
        table = add_table(sandbox, "shared", ["a", "b"], [[few[n % 20], few[n % 7]] for n in range(10_000)])
        column, _ = sandbox.world.tables.schema_of(sandbox.world.entities.require(table))
        index = tmp_path / "m.duckdb"
        words = ["index", sandbox.facts.root_id, str(sandbox.facts.destination_id), str(index), TABLES]
        run(sandbox, tmp_path, [*words, "--file-version-strategy", "skip"])

        (theirs,) = more_handles(sandbox, 1)
        entity = sandbox.world.entities.require(table)
        colleague = sandbox.world.principals.colleague.id
        sandbox.world.tables.update(sandbox.world, entity, {777: {column.id: theirs}}, user_id=colleague)

        done = run(sandbox, tmp_path, migrate_words(sandbox, index, "skip", TABLES))
        assert 1 == done.returncode, done.stderr
        cells = snapshot(sandbox)["tables"][table]["rows"]
        assert theirs == cells["777"]["cells"][column.id]
        assert not {value for row in cells.values() for value in row["cells"].values()} & set(few)
        drifted = rows(index, "select entity_id, row_id, reason from items_v1 where status = 'DRIFTED'")
        assert [(table, 777, "HANDLE_CHANGED")] == drifted
        assert [(19_999,)] == rows(index, "select count(*) from items_v1 where status = 'MIGRATED'")


# -- kills ---------------------------------------------------------------------------------------


@pytest.mark.timeout(600)
def test_kills_at_random_moments_leave_the_same_end_state(tmp_path):
    chance = random.Random("kills with tables")
    with started("tables", size=48) as sandbox:
        expected = expectation_of(sandbox, "skip")
        words = migrate_words(sandbox, tmp_path / "m.duckdb", "skip", TABLES)
        kills = 0
        while kills < KILLS:
            if not kill_after(sandbox, tmp_path, words, calls=chance.randint(5, 26), pause=chance.random() * 0.02):
                break
            kills += 1
        last = run(sandbox, tmp_path, words)
        assert 0 == last.returncode, last.stderr
        assert [] == expected.violations(snapshot(sandbox))
        assert kills >= KILLS // 2, f"the migration was complete after {kills} kills; make the scenario larger"


@pytest.mark.timeout(600)
def test_kills_while_tables_are_frozen_and_written_leave_the_same_end_state(tmp_path):
    """Few files and many tables: most of the kills strike between freezing, writing and reading back."""
    chance = random.Random("kills between tables")
    with started("flat", size=1) as sandbox:
        few = more_handles(sandbox, 3)
        for number in range(7):
            add_table(sandbox, f"table {number}", ["a", "b"], [[few[n % 3], few[(n + 1) % 3]] for n in range(5)])
        expected = expectation_of(sandbox, "skip")
        words = migrate_words(sandbox, tmp_path / "m.duckdb", "skip", TABLES)
        kills = in_tables = 0
        while kill_after(sandbox, tmp_path, words, calls=chance.randint(8, 30), pause=chance.random() * 0.01):
            kills += 1
            in_tables += bool(sandbox.app.traffic.by_call["POST /entity/#/table/snapshot"])
            assert kills < 60, "no progress"
        last = run(sandbox, tmp_path, words)
        assert 0 == last.returncode, last.stderr
        assert [] == expected.violations(snapshot(sandbox))
        assert in_tables >= 3, f"only {in_tables} of {kills} kills struck where tables are changed"
