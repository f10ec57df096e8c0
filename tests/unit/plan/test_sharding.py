"""Dividing a migration: what hangs together stays together, and everything is somebody's."""

import random

from hypothesis import given
from hypothesis import strategies as some

from storage_core.plan.parts import GIB
from storage_core.plan.sharding import Use, divide

USES = some.lists(
    some.builds(
        Use,
        entity=some.integers(1, 40),
        handle=some.none() | some.integers(1, 40),
        versions=some.integers(0, 5),
        cells=some.integers(0, 5),
        copy_bytes=some.none() | some.just(7),
    ),
    max_size=60,
)


@given(USES, some.integers(1, 6))
def test_no_handle_and_no_entity_is_divided(uses: list[Use], shards: int) -> None:
    """So a handle is copied by one machine, and an entity changed by one."""
    assigned = divide(uses, shards)

    assert {use.entity for use in uses} == set(assigned)
    assert set(assigned.values()) <= set(range(shards))
    by_handle: dict[int, set[int]] = {}
    for use in uses:
        if use.handle is not None:
            by_handle.setdefault(use.handle, set()).add(assigned[use.entity])
    assert [] == [handle for handle, its_shards in by_handle.items() if len(its_shards) > 1]


@given(USES, some.integers(1, 6), some.randoms())
def test_the_order_of_the_uses_does_not_matter(uses: list[Use], shards: int, chance: random.Random) -> None:
    """A coordinator that begins anew divides as the first one did."""
    shuffled = uses.copy()
    chance.shuffle(shuffled)

    assert divide(uses, shards) == divide(shuffled, shards)


def test_independent_files_are_divided_evenly():
    files = [Use(entity=number, handle=number, versions=1, copy_bytes=9) for number in range(1, 101)]

    assigned = divide(files, 4)

    assert [25, 25, 25, 25] == [list(assigned.values()).count(shard) for shard in range(4)]


def test_a_handle_and_an_entity_of_the_same_number_have_nothing_to_do_with_each_other():
    assigned = divide([Use(entity=1, handle=2, versions=1), Use(entity=2, handle=3, versions=1)], 2)

    assert assigned[1] != assigned[2]


def test_shards_are_equal_in_calls_and_not_in_places():
    """A large file has many parts, a call each; a table's cells are changed by few calls together."""
    table = [Use(entity=1, handle=handle, cells=1) for handle in range(1, 2001)]
    large = [Use(entity=2, handle=5000, versions=1, copy_bytes=40 * GIB)]
    small = [Use(entity=number, handle=number + 9000, versions=1, copy_bytes=9) for number in range(10, 20)]

    assigned = divide([*table, *large, *small], 2)

    # 12 calls for the table's cells, 24 for the large file, 5 for each small one: 43 on either side
    with_large = [entity for entity, shard in assigned.items() if shard == assigned[2]]
    assert assigned[1] != assigned[2]
    assert 5 == len(with_large)


def test_a_handle_is_counted_once_however_many_use_it():
    """Twenty files of one handle need as many calls as a change for each, and one copy."""
    shared = [Use(entity=number, handle=1, versions=1, copy_bytes=9) for number in range(1, 21)]
    others = [Use(entity=number, handle=number, versions=1, copy_bytes=9) for number in range(101, 106)]

    assigned = divide([*shared, *others], 2)

    assert 1 == len({assigned[number] for number in range(1, 21)})
    assert {1 - assigned[1]} == {assigned[number] for number in range(101, 106)}


def test_among_equal_files_the_bytes_are_shared_out():
    """Each of these costs five calls, whatever its size; nobody gets all that is large."""
    sizes = {number: number * 1000 for number in range(1, 41)}
    files = [Use(entity=one, handle=one, versions=1, copy_bytes=size) for one, size in sizes.items()]

    assigned = divide(files, 4)

    shares = [sum(size for one, size in sizes.items() if assigned[one] == shard) for shard in range(4)]
    assert [10, 10, 10, 10] == [list(assigned.values()).count(shard) for shard in range(4)]
    assert max(shares) < 1.05 * min(shares)
