"""Dividing a migration: what hangs together stays together, and everything is somebody's."""

import random

from hypothesis import given
from hypothesis import strategies as some

from storage_core.plan.sharding import Use, divide

USES = some.lists(
    some.builds(
        Use, entity=some.integers(1, 40), handle=some.none() | some.integers(1, 40), places=some.integers(1, 5)
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
    assigned = divide([Use(entity=number, handle=number, places=1) for number in range(1, 101)], 4)

    assert [25, 25, 25, 25] == [list(assigned.values()).count(shard) for shard in range(4)]


def test_a_handle_and_an_entity_of_the_same_number_have_nothing_to_do_with_each_other():
    assigned = divide([Use(entity=1, handle=2, places=1), Use(entity=2, handle=3, places=1)], 2)

    assert assigned[1] != assigned[2]
