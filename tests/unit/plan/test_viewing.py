"""Which rows of a view are believed, which views are fit, and what is told of them."""

from dataclasses import replace

import pytest

from storage_core.errors import UsageError
from storage_core.model.entities import EntityHeader, EntityKind, Permissions, RootSnapshot
from storage_core.model.file_views import EntityNow, ViewFacts, ViewRow
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.settings import FileVersionStrategy, IndexOptions, IndexVia, MigrationSettings
from storage_core.plan.viewing import (
    ROW_COLUMNS,
    check_options,
    check_view,
    columns_needed,
    is_as_shown,
    milliseconds,
    saving_of,
    scope_of,
)

ROW = ViewRow(
    entity_id=EntityId("syn7"),
    parent_id=EntityId("syn1"),
    version=3,
    etag="e",
    modified_on=1_714_979_289_123,
    handle_id=FileHandleId("90"),
)
NOW = EntityNow(
    id=EntityId("syn7"),
    name="a.csv",
    kind=EntityKind.FILE,
    version=3,
    created_on="2024-01-02T03:04:05.000Z",
    created_by="3412",
    modified_on="2024-05-06T07:08:09.123Z",
    modified_by="3412",
)
VIEW = ViewFacts(
    id=EntityId("syn9"),
    kind=EntityKind.ENTITY_VIEW,
    scope=frozenset({EntityId("syn1")}),
    shows_files=True,
    columns=frozenset(ROW_COLUMNS),
)


def root(entity_id: str, *above: str, kind: EntityKind = EntityKind.FOLDER) -> RootSnapshot:
    path = tuple(EntityHeader(id=EntityId(one), name=one, kind=EntityKind.FOLDER) for one in (*above, entity_id))
    header = EntityHeader(id=EntityId(entity_id), name=entity_id, kind=kind)
    return RootSnapshot(header=header, parent_id=path[-2].id if above else None, permissions=Permissions(), path=path)


def test_a_row_counts_when_the_header_tells_of_the_same_version_and_moment():
    assert is_as_shown(ROW, NOW)


@pytest.mark.parametrize(
    "now",
    [
        None,
        replace(NOW, version=4),
        replace(NOW, modified_on="2024-05-06T07:08:09.124Z"),
        replace(NOW, modified_on="2024-05-06T07:08:09.000Z"),
        replace(NOW, modified_on=None),
        replace(NOW, kind=EntityKind.RECORD_SET),
    ],
)
def test_anything_else_is_read_by_itself(now):
    assert not is_as_shown(ROW, now)


@pytest.mark.parametrize(("stamp", "told"), [("1970-01-01T00:00:00.001Z", 1), ("2038-01-19T03:14:08Z", 2**31 * 1000)])
def test_moments_are_milliseconds_without_rounding(stamp, told):
    assert told == milliseconds(stamp)


def test_a_view_over_the_root_or_anything_above_it_is_fit():
    check_view(VIEW, [root("syn1"), root("syn5", "syn1", "syn3"), root("syn6", "syn1", kind=EntityKind.FILE)], ["id"])


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (replace(VIEW, kind=EntityKind.TABLE), "no entity view but a table"),
        (replace(VIEW, shows_files=False), "does not show files"),
        (replace(VIEW, scope=frozenset({EntityId("syn2")})), "does not cover syn1"),
        (replace(VIEW, columns=VIEW.columns - {"modifiedOn", "id"}), "lacks the columns id, modifiedOn"),
    ],
)
def test_what_a_view_lacks_is_said(view, said):
    with pytest.raises(UsageError, match=said):
        check_view(view, [root("syn1")], ROW_COLUMNS)


def test_the_description_is_needed_only_to_make_bodies():
    settings = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(5))
    unasked = IndexOptions(asks_provenance=False)
    assert (*ROW_COLUMNS, "description") == columns_needed(settings, unasked)
    assert ROW_COLUMNS == columns_needed(settings, IndexOptions())
    assert ROW_COLUMNS == columns_needed(replace(settings, strategy=FileVersionStrategy.LATEST), unasked)


def test_a_view_that_is_not_to_be_used_is_a_contradiction():
    with pytest.raises(UsageError, match="syn9"):
        check_options(IndexOptions(via=IndexVia.BUNDLE, view=EntityId("syn9")))


def test_a_temporary_view_covers_the_roots_that_hold_something():
    assert ("syn1", "syn2") == scope_of([root("syn1"), root("syn4", kind=EntityKind.FILE), root("syn2")])


def test_what_a_view_saves_is_told_where_it_is_much():
    assert saving_of(50) is None
    saving = saving_of(100_000)
    assert saving is not None
    assert saving.calls_one_by_one / saving.calls_through_view > 75
