"""The tree of entities: who holds which handle, and look-ups that do not slow down with size."""

import random
import time
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sandbox.synapse.entities import Entity, Order, canonical_id
from sandbox.synapse.kinds import Kind
from tests.unit.sandbox.synapse_client import MD5_A, Client


def holders_by_looking(client: Client) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entity in client.world.entities.all():
        for version in entity.versions:
            if version.handle_id is not None:
                found.setdefault(version.handle_id, set()).add(entity.id)
    return found


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=5, max_value=40))
def test_holders_are_right_after_any_changes(seed: int, steps: int) -> None:
    """New files, new versions, swaps, deletions of versions and of whole trees, in any order."""
    chance = random.Random(seed)
    client = Client()
    entities, world = client.world.entities, client.world
    project = client.project()
    handles = [client.handle(key=f"k{number}") for number in range(4)]
    for step in range(steps):
        files = [entity for entity in entities.all() if entity.kind is Kind.FILE and not entity.in_trash]
        handle = chance.choice(handles)
        action = chance.choice(["add", "version", "swap", "unversion", "purge", "trash"])
        if action == "add" or not files:
            client.file(project, handle, f"file {step}")
            continue
        file = chance.choice(files)
        if action == "version":
            entities.add_version(world, file, modified_by="3412", handle_id=handle.id)
        elif action == "swap":
            entities.set_handle(file, chance.choice(file.versions), handle.id)
        elif action == "unversion" and len(file.versions) > 1:
            entities.remove_version(world, file, chance.choice(file.versions))
        elif action == "purge":
            entities.purge(file)
        elif action == "trash":
            entities.trash(file)

    by_looking = holders_by_looking(client)

    assert by_looking == {handle.id: set(holders) for handle in handles if (holders := entities.holders_of(handle.id))}


def test_handles_know_their_md5_and_object_after_changes() -> None:
    client = Client()
    first, second = client.handle(key="same"), client.handle(key="same")
    handles = client.world.handles
    place = (str(first.bucket), "same")
    assert ((first.id, second.id), 2) == (handles.with_md5(MD5_A.upper()), handles.uses_of_object(*place))

    handles.change(first.id, content_md5=None)
    handles.remove(second.id)

    assert ((), 1) == (handles.with_md5(MD5_A), handles.uses_of_object(*place))


def test_ancestors_come_nearest_first_and_end_at_the_project() -> None:
    client = Client()
    project = client.project()
    outer = client.folder(project, "outer")
    file = client.file(client.folder(outer, "inner"))

    assert ["inner", "outer", "project"] == [entity.name for entity in client.world.entities.ancestors(file.id)]
    assert [] == client.world.entities.ancestors(project.id)


def test_ids_are_brought_into_one_form() -> None:
    assert ["syn7"] * 4 == [canonical_id(raw) for raw in ("syn7", "SYN7", "7", " Syn7 ")]


def fastest(action: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


def test_reading_one_entity_does_not_slow_down_with_the_number_of_others() -> None:
    """Nothing is searched for: a hundred times as many entities take about the same time."""

    def filled(count: int) -> tuple[Client, Entity]:
        client = Client()
        project = client.project()
        folder = client.folder(project)
        handle = client.handle()
        last = client.file(folder, handle, "last")
        for number in range(count):
            client.file(project, handle=None if number % 50 == 0 else client.handle(None, key="k"), name=f"f {number}")
        return client, last

    def bundle(client: Client, entity: Entity) -> Callable[[], object]:
        body = {"includeEntity": True, "includeFileHandles": True, "includePermissions": True}
        return lambda: [client.post(f"/repo/v1/entity/{entity.id}/bundle2", body) for _ in range(20)]

    small, large = fastest(bundle(*filled(100))), fastest(bundle(*filled(10_000)))

    assert large < small * 5


def test_listings_of_a_page_are_not_sorted_again() -> None:
    """The sorted list is kept until a child changes."""
    client = Client()
    project = client.project()
    client.folder(project, "b")
    kinds = frozenset({Kind.FOLDER})

    first = client.world.entities.listing(project.id, Order.NAME, kinds)

    assert first is client.world.entities.listing(project.id, Order.NAME, kinds)
    client.folder(project, "a")
    assert ["a", "b"] == [entity.name for entity in client.world.entities.listing(project.id, Order.NAME, kinds)]
