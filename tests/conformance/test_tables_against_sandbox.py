"""The client side of tables against a running sandbox: every call, and what each refusal becomes."""

import asyncio
import csv
import io
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from sandbox.scenarios.facts import ScenarioFacts
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.synapse.tables_routes import TRANSACTION
from storage_core.config import Config, load_config
from storage_core.errors import BadRequest, Forbidden
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.synapse.clock import SystemClock
from storage_core.synapse.endpoints.tables import Tables
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_tables import CellChange, RowReference, TableColumn

ROWS = 60


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(SandboxOptions(scenario="tables", size=ROWS, wait_scale=0.01)) as running:
        running.app.throttle.limits.frequency.calls = 100_000
        yield running


@pytest.fixture
def facts(sandbox: Sandbox) -> ScenarioFacts:
    assert sandbox.facts is not None
    return sandbox.facts


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Config:
    loaded = load_config({**sandbox.environment(), "SYNAPSE_STATE_FOLDER": str(tmp_path)})
    return replace(loaded, calls_per_minute=50_000, patience=replace(loaded.patience, first_wait_seconds=0.01))


@pytest.fixture
def table(facts: ScenarioFacts) -> EntityId:
    return EntityId(facts.landmarks["plain"])


@asynccontextmanager
async def connected(config: Config) -> AsyncIterator[Tables]:
    limiter = CallLimiter(
        folder=config.state_folder,
        endpoint=config.repo_endpoint,
        calls_in_flight=config.calls_in_flight,
        calls_per_minute=config.calls_per_minute,
    )
    try:
        clock = SystemClock()
        async with Transport(config, limiter, clock) as transport:
            yield Tables(transport, clock)
    finally:
        limiter.close()


def file_columns(columns: tuple[TableColumn, ...]) -> list[TableColumn]:
    return [column for column in columns if column.holds_file_handles]


def select_files(table: str, columns: list[TableColumn]) -> str:
    names = ", ".join('"' + column.name.replace('"', '""') + '"' for column in columns)
    return f"SELECT {names} FROM {table}"


def test_key_set_paging_finds_every_cell_of_every_table(config, facts):
    """Column names in need of quotes included; empty cells are None."""

    async def look() -> dict[tuple[str, int, str], str | None]:
        found: dict[tuple[str, int, str], str | None] = {}
        async with connected(config) as tables:
            for table in {cell.table_id for cell in facts.expectation.cells}:
                columns = file_columns(await tables.columns(table_id=EntityId(table)))
                last = 0
                while True:
                    sql = f"{select_files(table, columns)} WHERE ROW_ID > {last} ORDER BY ROW_ID"
                    page = await tables.query(table_id=EntityId(table), sql=sql, limit=7)
                    for row in page.rows:
                        for column, value in zip(columns, row.values, strict=True):
                            found[table, row.row_id or 0, column.name] = value
                    if not page.rows:
                        break
                    last = page.rows[-1].row_id or 0
        return found

    found = asyncio.run(look())

    assert {(cell.table_id, cell.row_id, cell.column): cell.handle_id for cell in facts.expectation.cells} == found


def test_the_count_and_the_page_size_come_with_the_first_page(config, facts, table):
    async def look():
        async with connected(config) as tables:
            columns = file_columns(await tables.columns(table_id=table))
            return await tables.query(table_id=table, sql=select_files(table, columns), count=True)

    page = asyncio.run(look())

    rows = {cell.row_id for cell in facts.expectation.cells if cell.table_id == table}
    assert (len(rows), 2_097_152 // 40) == (page.row_count, page.rows_per_page)


def test_the_csv_belongs_to_the_caller_and_says_what_a_query_says(config, facts, table, sandbox):
    async def look():
        async with connected(config) as tables:
            columns = file_columns(await tables.columns(table_id=table))
            return await tables.csv(table_id=table, sql=select_files(table, columns))

    result = asyncio.run(look())

    headers = {"Authorization": f"Bearer {sandbox.token}"}
    address = httpx.get(f"{config.file_endpoint}/fileHandle/{result.handle_id}/url?redirect=false", headers=headers)
    lines = list(csv.DictReader(io.StringIO(httpx.get(address.text).text)))
    expected: dict[int, dict[str, str]] = defaultdict(dict)
    for cell in facts.expectation.cells:
        if cell.table_id == table:
            expected[cell.row_id][cell.column] = cell.handle_id or ""
    assert expected == {
        int(line.pop("ROW_ID")): {name: value for name, value in line.items() if name != "ROW_VERSION"}
        for line in lines
    }


def test_handles_of_many_cells_come_in_one_call_and_gone_rows_are_left_out(config, facts, table, sandbox):
    gone = sandbox.world.tables.draft(sandbox.world, sandbox.world.entities.require(table))
    gone.delete(3)
    gone.commit(sandbox.world)

    async def look():
        async with connected(config) as tables:
            columns = file_columns(await tables.columns(table_id=table))
            rows = [RowReference(row_id=number, version=1) for number in range(1, ROWS)]
            ids = [column.id for column in columns if column.id is not None]
            return await tables.row_handles(table_id=table, columns=ids, rows=rows)

    handles = asyncio.run(look())

    expected = {
        cell.handle_id: cell.location_id
        for cell in facts.expectation.cells
        if cell.table_id == table and cell.row_id != 3 and cell.handle_id is not None
    }
    assert expected == {handle.id: handle.storage_location_id for handle in handles}


def test_changed_cells_are_read_back_and_the_snapshot_keeps_the_old_ones(config, facts, table, sandbox):
    """Snapshot first, as a migration does: the old version still names the old handles, the table the new ones."""
    mine = own_handle(sandbox)

    async def change():
        async with connected(config) as tables:
            column = file_columns(await tables.columns(table_id=table))[0]
            before = await tables.snapshot(table_id=table, comment="before the move")
            changes = [CellChange(row_id=row, column_id=column.id or "", handle_id=mine) for row in (1, 2)]
            changed = await tables.change_cells(table_id=table, changes=changes, snapshot_comment="after the move")
            new = await tables.query(table_id=table, sql=f"{select_files(table, [column])} WHERE ROW_ID < 4")
            old = await tables.query(table_id=table, sql=f"{select_files(f'{table}.{before}', [column])} LIMIT 3")
            return before, changed, [row.values[0] for row in new.rows], [row.values[0] for row in old.rows]

    before, changed, new, old = asyncio.run(change())

    meant = {
        cell.row_id: cell.handle_id
        for cell in facts.expectation.cells
        if cell.table_id == table and cell.column == "image"
    }
    assert (before + 1, {1, 2}) == (changed.snapshot_version, {row.row_id for row in changed.rows})
    assert [mine, mine, meant[3]] == new
    assert [meant[1], meant[2], meant[3]] == old


def test_somebody_elses_handle_is_forbidden_and_nothing_changes(config, table, sandbox):
    world = sandbox.world
    foreign = own_handle(sandbox, owner=world.principals.colleague.id)
    before = dict(world.tables.rows_of(world, world.entities.require(table)))

    async def change():
        async with connected(config) as tables:
            column = file_columns(await tables.columns(table_id=table))[0]
            change = CellChange(row_id=1, column_id=column.id or "", handle_id=foreign)
            await tables.change_cells(table_id=table, changes=[change])

    with pytest.raises(Forbidden, match=foreign):
        asyncio.run(change())
    assert before == world.tables.rows_of(world, world.entities.require(table))


def test_a_mistake_in_the_query_is_a_bad_request(config, table):
    async def ask():
        async with connected(config) as tables:
            await tables.query(table_id=table, sql=f"SELECT nothing_like_it FROM {table}")

    with pytest.raises(BadRequest, match="nothing_like_it"):
        asyncio.run(ask())


def test_a_slow_job_is_waited_for(config, table, sandbox):
    sandbox.world.jobs.delay_seconds = 50  # half a second here

    async def ask():
        async with connected(config) as tables:
            return await tables.query(table_id=table, sql=f"SELECT ROW_ID FROM {table}", limit=1)

    assert 1 == len(asyncio.run(ask()).rows)


def test_a_failed_transaction_is_an_error_of_its_own_kind(config, table, sandbox):
    sandbox.world.jobs.fail(TRANSACTION, 400, "the worker gave up")

    async def change():
        async with connected(config) as tables:
            column = file_columns(await tables.columns(table_id=table))[0]
            change = CellChange(row_id=1, column_id=column.id or "", handle_id=own_handle(sandbox))
            await tables.change_cells(table_id=table, changes=[change])

    with pytest.raises(BadRequest, match="the worker gave up"):
        asyncio.run(change())


def own_handle(sandbox: Sandbox, *, owner: str | None = None) -> FileHandleId:
    world = sandbox.world
    some = next(handle for handle in world.handles.all() if handle.content_md5)
    made = world.handles.add(
        world,
        kind=some.kind,
        created_by=owner or world.principals.demo.id,
        content_md5=some.content_md5,
        content_size=some.content_size,
        storage_location_id=some.storage_location_id,
        bucket=some.bucket,
        key=some.key,
    )
    return FileHandleId(made.id)
