"""What a plan says it will cost."""

from dataclasses import replace

import pytest

from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.plans import WorkAhead
from storage_core.model.settings import MigrationSettings
from storage_core.plan.estimating import calls_for, plan_hash

FILES = WorkAhead(
    copies=100, copy_bytes=0, parts=100, repoints=100, repoint_entities=100, verifications=100, fingerprint="f"
)


def with_cells(cells: int, tables: int, snapshots: int = 0) -> WorkAhead:
    return replace(FILES, repoints=100 + cells, cells=cells, tables=tables, snapshots=snapshots)


def test_a_small_file_costs_five_calls_and_a_little():
    assert 502 == calls_for(FILES)


@pytest.mark.parametrize(
    ("cells", "tables", "transactions"), [(1, 1, 1), (19_999, 1, 1), (300, 3, 3), (1_000_000, 1, 51)]
)
def test_cells_cost_by_the_transaction_and_not_by_the_cell(cells, tables, transactions):
    assert 12 * transactions == calls_for(with_cells(cells, tables)) - calls_for(FILES)


def test_freezing_a_table_costs_two_calls_and_is_part_of_what_is_confirmed():
    frozen, plain = with_cells(5, 1, snapshots=1), with_cells(5, 1)
    assert 2 == calls_for(frozen) - calls_for(plain)
    settings = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(7))
    assert plan_hash(settings, frozen) != plan_hash(settings, plain)
