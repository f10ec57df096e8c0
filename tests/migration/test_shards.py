"""A migration shared by several processes, each with a shard: its end is the end of one run."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.errors import IndexUnusable, UsageError
from storage_core.index.reading import open_for_reading
from storage_core.sharding import absorb, has_shards, remove, split
from tests.contract.test_three_doors import expectation_of
from tests.migration.harness import migrate_words, run, snapshot

pytestmark = pytest.mark.timeout(280)


def index_words(sandbox: Sandbox, index: Path) -> list[str]:
    facts = sandbox.facts
    assert facts is not None
    return [
        "index",
        facts.root_id,
        str(facts.destination_id),
        str(index),
        "--include-table-files",
        "--continue-on-error",
    ]


def indexed(sandbox: Sandbox, folder: Path) -> Path:
    """The whole index of the awkward project."""
    done = run(sandbox, folder, index_words(sandbox, folder / "m.duckdb"))
    assert done.returncode in {0, 1}, done.stderr
    return folder / "m.duckdb"


def shard_words(sandbox: Sandbox, shard: Path) -> list[str]:
    return migrate_words(sandbox, shard, "new", "--include-table-files", "--continue-on-error")


def items_of(index: Path) -> Any:
    """What the index says of every item, but for numbers and times that differ from run to run."""
    with open_for_reading(index) as queries:
        return sorted(
            queries.rows("select entity_id, version, row_id, col_id, status, reason, proof from items_v1"), key=str
        )


def test_shards_beside_an_index_are_known_whatever_their_number(tmp_path: Path) -> None:
    """A canary must not begin beside them: what it copies, a shard may have begun to copy."""
    index = tmp_path / "of [all] sorts.duckdb"
    others = tmp_path / "other.shard-1-of-2.duckdb"
    others.touch()
    assert not has_shards(index)
    index.with_name("of [all] sorts.shard-3-of-7.duckdb").touch()
    assert has_shards(index)


def test_three_processes_end_where_one_does(tmp_path: Path) -> None:
    """The awkward project with its tables and shared handles: exact end state, one copy per handle, one report."""
    with running_sandbox(SandboxOptions(scenario="mixed", is_throttled=False, wait_scale=0)) as sandbox:
        expected = expectation_of(sandbox, "new")
        index = indexed(sandbox, tmp_path)
        shards = split(index, 3)
        with ThreadPoolExecutor() as machines:
            ended = list(machines.map(lambda shard: run(sandbox, tmp_path, shard_words(sandbox, shard)), shards))
        assert 3 == len(shards)
        assert {0, 1} >= {one.returncode for one in ended}, [one.stderr for one in ended]

        absorbed = sum(absorb(index, shard) for shard in shards)

        assert [] == expected.violations(snapshot(sandbox))
        assert expected.places() <= absorbed
        with open_for_reading(index) as queries:
            ((migrated, ids, items),) = queries.rows(
                "select count(*) filter (where status = 'MIGRATED'), count(distinct item_id), count(*) from items_v1"
            )
        assert (expected.places(), ids) == (migrated, items)
        for shard in shards:
            absorb(index, shard)
        with open_for_reading(index) as queries:
            assert [(items,)] == queries.rows("select count(*) from items_v1"), "absorbing twice is harmless"
        assert 0 == run(sandbox, tmp_path, ["verify-log", str(index)]).returncode
        for shard in shards:
            remove(shard)
        assert [] == list(tmp_path.glob("*shard-*.duckdb*"))

    with running_sandbox(SandboxOptions(scenario="mixed", is_throttled=False, wait_scale=0)) as sandbox:
        alone = tmp_path / "alone.duckdb"
        run(sandbox, tmp_path, shard_words(sandbox, alone))
    assert items_of(alone) == items_of(index)


def test_strange_requests_are_refused_in_words(tmp_path: Path) -> None:
    """No shards at all, and the shard of another migration."""
    with running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0)) as sandbox:
        (tmp_path / "other").mkdir()
        index, other = indexed(sandbox, tmp_path), indexed(sandbox, tmp_path / "other")
        with pytest.raises(UsageError, match="0 shards"):
            split(index, 0)
        strange = split(other, 2)[0]
        with pytest.raises(IndexUnusable, match="no shard of"):
            absorb(index, strange)
        with pytest.raises(IndexUnusable, match="no shard of"):
            absorb(index, other)
