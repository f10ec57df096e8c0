"""Scenarios: what they promise is in the world, and the world is one that the service could have made."""

import tracemalloc
from collections import Counter

import pytest

from sandbox.clock import SandboxClock
from sandbox.objects.records import GIB
from sandbox.objects.store import ObjectStore
from sandbox.scenarios import SCENARIOS, ScenarioFacts, Trait, build
from sandbox.synapse.annotations import annotations_of
from sandbox.synapse.columns import ColumnType
from sandbox.synapse.entity_rules import name_in
from sandbox.synapse.handles import HandleKind
from sandbox.synapse.http import Refused
from sandbox.synapse.kinds import Kind
from sandbox.synapse.world import World

SIZES = {"flat": 60, "versions": 9, "tables": 300, "sts": 4}
BYTES_PER_FILE = 2_400
"""A million files must fit into 2.5 GB."""


def new_world() -> World:
    clock = SandboxClock()
    return World(clock=clock, objects=ObjectStore(clock=clock))


def built(name: str, *, seed: int = 0, size: int | None = None) -> tuple[World, ScenarioFacts]:
    world = new_world()
    return world, build(world, name, size=SIZES.get(name) if size is None else size, seed=seed)


@pytest.fixture(params=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> tuple[World, ScenarioFacts]:
    return built(request.param)


def test_every_expected_version_is_in_the_world_as_expected(scenario):
    world, facts = scenario
    for expected in facts.expectation.versions:
        entity = world.entities.require(expected.entity_id)
        version = entity.require_version(expected.number)
        shown = annotations_of(entity, version)["annotations"]

        assert (expected.name, expected.handle_id, expected.label) == (entity.name, version.handle_id, version.label)
        assert (expected.comment, expected.description) == (version.comment, version.description)
        assert expected.activity_id == version.activity_id
        assert expected.is_current is (version is entity.current)
        assert dict(expected.annotations) == {
            name: (member["type"], tuple(member["value"])) for name, member in shown.items()
        }


def test_every_handle_says_what_was_expected_of_it(scenario):
    world, facts = scenario
    for expected in (*facts.expectation.versions, *facts.expectation.cells):
        if expected.handle_id is None:
            continue
        handle = world.handles.require(expected.handle_id)

        assert (expected.size, expected.md5) == (handle.content_size, handle.content_md5)
        assert expected.location_id == handle.storage_location_id


def test_every_file_cell_holds_what_was_expected_and_no_other_does(scenario):
    world, facts = scenario
    expected = {(one.table_id, one.row_id, one.column): one.handle_id for one in facts.expectation.cells}
    found = {
        (entity.id, row_id, column.name): row.cells.get(column.id)
        for entity in world.entities.all()
        if entity.kind is Kind.TABLE
        for row_id, row in world.tables.rows_of(world, entity).items()
        for column in world.tables.schema_of(entity)
        if column.type is ColumnType.FILEHANDLEID
    }

    assert expected == found


def test_nothing_with_a_handle_was_forgotten(scenario):
    world, facts = scenario
    in_world = {
        (entity.id, version.number)
        for entity in world.entities.all()
        if entity.kind is Kind.FILE
        for version in entity.versions
    }

    assert in_world == {(one.entity_id, one.number) for one in facts.expectation.versions}
    assert {handle.id for handle in world.handles.all()} == facts.expectation.handle_ids()


def test_every_handle_in_s3_has_its_object_with_just_that_size_and_digest(scenario):
    world, _ = scenario
    for handle in world.handles.all():
        if handle.kind not in {HandleKind.S3, HandleKind.GOOGLE_CLOUD}:
            continue
        stored = world.objects.head(handle.bucket or "", handle.key or "")

        assert handle.content_size == stored.size
        assert handle.content_md5 in (None, stored.content.whole_digest())


def test_entities_are_counted_by_kind(scenario):
    world, facts = scenario
    counted = Counter(entity.kind.value for entity in world.entities.all() if entity.id != facts.root_id)

    assert dict(counted) == dict(facts.expectation.entity_counts)


def test_the_destination_is_the_demo_users_and_in_the_region_of_the_source(scenario):
    world, facts = scenario
    objects, steward = world.objects, world.principals.demo
    destination, far = world.locations.require(facts.destination_id), world.locations.require(facts.far_id)

    assert {steward.id} == {destination.created_by, far.created_by}
    assert (
        steward.name.encode()
        == objects.get(facts.destination_bucket, f"{facts.destination_base_key}/owner.txt").content.bytes()
    )
    assert objects.bucket(facts.source_bucket).region == objects.bucket(facts.destination_bucket).region
    assert objects.bucket(facts.source_bucket).region != objects.bucket(far.bucket or "").region


def test_names_are_ones_the_service_accepts(scenario):
    world, facts = scenario
    legacy = {one.entity_id for one in facts.expectation.of_trait(Trait.LEGACY_NAME)}
    for entity in world.entities.all():
        if entity.kind is Kind.FOLDER or entity.id in legacy:
            continue
        assert entity.name == name_in({"name": entity.name})


def test_the_demo_user_may_do_everything_to_the_project(scenario):
    world, facts = scenario
    for right in ("READ", "DOWNLOAD", "UPDATE", "CREATE", "DELETE", "CHANGE_PERMISSIONS"):
        world.access.require(world, world.principals.demo, facts.root_id, right)


def test_files_that_cannot_be_downloaded_are_named(scenario):
    world, facts = scenario
    steward = world.principals.demo
    refused = {
        one.entity_id
        for one in facts.expectation.versions
        if not world.access.may_download(world, steward, one.entity_id)
    }

    assert refused == set(facts.unreadable_ids)


@pytest.mark.parametrize("name", ["demo", "flat", "versions"])
def test_the_same_seed_makes_the_same_world_and_another_one_another(name):
    first, second, third = (built(name, seed=seed)[1] for seed in (4, 4, 5))

    assert first.expectation == second.expectation
    assert first.expectation != third.expectation


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(ValueError, match=r"demo.*flat"):
        build(new_world(), "everything", size=1, seed=0)


def test_the_demo_has_about_forty_entities_and_everything_a_project_has():
    world, facts = built("demo")
    expectation = facts.expectation
    by_handle = Counter(one.handle_id for one in expectation.versions)
    history = expectation.versions_of(facts.landmarks["history"])

    assert 35 <= sum(expectation.entity_counts.values()) <= 45
    assert {Trait.ORDINARY, Trait.HUGE, Trait.EMPTY, Trait.EXTERNAL_URL, Trait.AT_DESTINATION} == {
        one.trait for one in expectation.versions
    }
    assert 2 == by_handle[facts.landmarks["shared-handle"]]
    assert [1, 2, 3, 4] == [one.number for one in history]
    assert ["1", "release 2", "release 3", "release 4"] == [one.label for one in history]
    assert any(one.location_id is None and one.trait is Trait.ORDINARY for one in expectation.versions)
    assert any(not one.file_name.isascii() for one in expectation.versions)
    assert 30 * 10**9 == expectation.of_trait(Trait.HUGE)[0].size
    assert max(one.path.count("/") for one in expectation.versions) >= 2
    assert Kind.LINK is world.entities.require(facts.landmarks["link"]).kind


def test_a_cell_of_the_demo_shares_its_handle_with_files():
    _, facts = built("demo")
    cells = facts.expectation.cells

    assert facts.landmarks["shared-handle"] in {one.handle_id for one in cells}
    assert None in {one.handle_id for one in cells}
    assert facts.destination_id in {one.location_id for one in cells}


def test_tables_have_as_many_rows_as_asked_odd_names_nulls_and_shared_handles():
    world, facts = built("tables", size=300)
    tables = [facts.landmarks[name] for name in ("plain", "odd-names", "sparse")]
    rows = [len(world.tables.rows_of(world, world.entities.require(table_id))) for table_id in tables]
    by_handle = Counter(one.handle_id for one in facts.expectation.cells)

    assert [150, 75, 75] == rows
    assert {"select", 'the "quoted" file', "größe_測定"} <= {one.column for one in facts.expectation.cells}
    assert by_handle[None] > 50
    assert 15 == max(count for handle_id, count in by_handle.items() if handle_id)
    assert ["first release", "in progress"] == [version.label for version in world.entities.require(tables[0]).versions]


def test_the_demo_holds_real_bytes_but_for_one_file():
    world, facts = built("demo")
    virtual = [handle for handle in world.handles.all() if handle.bucket and not _is_real(world, handle)]

    assert [facts.expectation.of_trait(Trait.HUGE)[0].handle_id] == [handle.id for handle in virtual]


def _is_real(world: World, handle) -> bool:
    return world.objects.head(handle.bucket, handle.key).content.is_real


def test_the_mixed_project_adds_everything_awkward():
    world, facts = built("mixed")
    traits = {one.trait for one in facts.expectation.versions}

    assert set(Trait) - {Trait.STS} == traits
    above, exact = (facts.expectation.versions_of(facts.landmarks[name])[0] for name in ("above-limit", "at-limit"))
    assert (5 * GIB + 1, 5 * GIB) == (above.size, exact.size)
    archived = world.handles.require(facts.expectation.of_trait(Trait.ARCHIVED)[0].handle_id)
    assert "ARCHIVED" == archived.status
    assert world.objects.head(archived.bucket or "", archived.key or "").attributes.needs_restore
    second = facts.expectation.of_trait(Trait.OTHER_SOURCE)[0]
    assert [1, second.location_id] == list(facts.source_location_ids)
    with pytest.raises(Refused):
        name_in({"name": facts.expectation.of_trait(Trait.LEGACY_NAME)[0].name})


def test_flat_makes_as_many_files_as_asked_in_folders_that_synapse_allows():
    world, facts = built("flat", size=11_000)
    folders = world.entities.children_of(facts.root_id)

    assert 11_000 == len(facts.expectation.versions)
    assert [5_000, 5_000, 1_000] == [len(world.entities.children_of(folder.id)) for folder in folders]


def test_flat_files_are_of_varied_sizes():
    _, facts = built("flat", size=3_000)
    sizes = [one.size for one in facts.expectation.versions]

    assert min(sizes) < 10_000
    assert max(sizes) > GIB
    assert len(set(sizes)) > 2_000


def test_a_million_flat_files_would_fit():
    tracemalloc.start()
    try:
        kept = built("flat", size=3_000)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 3_000 == len(kept[1].expectation.versions)
    assert used / 3_000 < BYTES_PER_FILE


def test_some_versions_share_a_handle_with_the_first():
    _, facts = built("versions", size=9)
    by_handle = Counter(one.handle_id for one in facts.expectation.versions)

    assert 9 * 5 == len(facts.expectation.versions)
    assert 3 == sum(count == 2 for count in by_handle.values())
    assert 9 == len(facts.expectation.current())


def test_an_sts_folder_hands_out_its_location_to_everything_below():
    world, facts = built("sts")
    inner = facts.landmarks["sts-inner-folder"]
    inside = facts.expectation.of_trait(Trait.STS)
    location = world.settings.sts_location(world, inner)

    assert {location.id} == {one.location_id for one in inside}
    assert world.settings.sts_location(world, facts.root_id) is None
    assert 4 == len(inside)
