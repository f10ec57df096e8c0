"""What a plan says it will cost."""

from dataclasses import replace

import pytest

from storage_core.model.copies import EngineName
from storage_core.model.engines import EngineShare
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.plans import WorkAhead
from storage_core.model.settings import EngineOption, MigrationSettings
from storage_core.plan.estimating import Speeds, calls_for, plan_hash, seconds_for, through_here

FILES = WorkAhead(
    copies=100, copy_bytes=0, parts=100, repoints=100, repoint_entities=100, verifications=100, fingerprint="f"
)

BY_SYNAPSE = EngineShare(
    engine=EngineName.SYNAPSE, bucket="b", copies=100, size_bytes=0, parts=100, calls=400, why="asked for"
)
BY_S3 = replace(BY_SYNAPSE, engine=EngineName.S3, calls=100)


def test_bytes_that_flow_through_this_machine_are_told_of_with_their_hours():
    """900 GB: two hours on a fast line, twenty on a slow one; the whole plan takes at least as long."""
    relayed = replace(BY_SYNAPSE, engine=EngineName.RELAY, size_bytes=900_000_000_000, through_here=True)

    (told,) = through_here([relayed, BY_S3], Speeds())

    assert told.what.startswith("900.0 GB of 100 files will flow through this machine")
    assert "about 2.0 to 20.0 hours" in told.what
    assert () == through_here([BY_SYNAPSE, BY_S3], Speeds())
    ahead = replace(FILES, copy_bytes=900_000_000_000)
    low, high = seconds_for(ahead, 0, Speeds(), relayed_bytes=900_000_000_000)
    assert (7200, 72_000) == (low, high)


def with_cells(cells: int, tables: int, snapshots: int = 0) -> WorkAhead:
    return replace(FILES, repoints=100 + cells, cells=cells, tables=tables, snapshots=snapshots)


def test_a_small_file_costs_five_calls_and_a_little():
    assert 502 == calls_for(FILES, [BY_SYNAPSE])
    assert 202 == calls_for(FILES, [BY_S3])


@pytest.mark.parametrize(
    ("cells", "tables", "transactions"), [(1, 1, 1), (19_999, 1, 1), (300, 3, 3), (1_000_000, 1, 51)]
)
def test_cells_cost_by_the_transaction_and_not_by_the_cell(cells, tables, transactions):
    assert 12 * transactions == calls_for(with_cells(cells, tables), []) - calls_for(FILES, [])


def test_freezing_a_table_costs_two_calls_and_is_part_of_what_is_confirmed():
    frozen, plain = with_cells(5, 1, snapshots=1), with_cells(5, 1)
    assert 2 == calls_for(frozen, []) - calls_for(plain, [])
    settings = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(7))
    assert hash_of(settings, frozen) != hash_of(settings, plain)


def test_another_choice_of_engines_is_another_plan():
    settings = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(7))
    hashes = {
        plan_hash(settings, FILES, option, [share])
        for option in (EngineOption.AUTO, EngineOption.S3)
        for share in (BY_SYNAPSE, BY_S3)
    }
    assert 4 == len(hashes)


def hash_of(settings, ahead):
    return plan_hash(settings, ahead, EngineOption.AUTO, [BY_SYNAPSE])
