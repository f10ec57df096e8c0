"""What a listing alone decides."""

from dataclasses import replace

import pytest

from storage_core.model.entities import EntityKind
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.plan.listing import Queue, disposition

SETTINGS = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(2))
TABLES_ONLY = replace(SETTINGS, strategy=FileVersionStrategy.SKIP, include_tables=True)


@pytest.mark.parametrize("kind", [EntityKind.PROJECT, EntityKind.FOLDER])
def test_containers_are_walked_even_when_files_are_left_alone(kind: EntityKind) -> None:
    """Tables may lie below any folder."""
    assert Queue.QUEUE is disposition(kind, TABLES_ONLY)


@pytest.mark.parametrize("kind", [EntityKind.FILE, EntityKind.RECORD_SET])
def test_files_are_read_unless_the_strategy_skips_them(kind: EntityKind) -> None:
    assert Queue.QUEUE is disposition(kind, SETTINGS)
    assert disposition(kind, TABLES_ONLY) is ReasonCode.FILES_SKIPPED


def test_tables_are_looked_into_only_when_included() -> None:
    assert disposition(EntityKind.TABLE, SETTINGS) is ReasonCode.TABLES_NOT_INCLUDED
    assert Queue.QUEUE is disposition(EntityKind.TABLE, TABLES_ONLY)


@pytest.mark.parametrize(
    "kind", [kind for kind in EntityKind if kind.value not in {"project", "folder", "file", "recordset", "table"}]
)
def test_every_other_kind_holds_no_file(kind: EntityKind) -> None:
    assert disposition(kind, TABLES_ONLY) is ReasonCode.NO_FILE_HANDLE
