"""A canary is a spread over what there is, the same each time, and never more than was asked for if that can be."""

import random

import pytest

from storage_core.errors import UsageError
from storage_core.model.canaries import CanaryCandidate, CanaryResult, CanaryVerdict
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.plans import StatusCount
from storage_core.plan.canaries import MOST_ITEMS, choose_canary, parse_canary


def candidate(
    copy_id: int, *, used_by: str = "file", digits: int = 3, origin: str = "1 s3", items: int = 1, alike: int = 1
):
    return CanaryCandidate(
        copy_id=copy_id,
        used_by=used_by,
        origin=origin,
        size_band=digits,
        size_bytes=10 ** (digits - 1),
        items=items,
        alike=alike,
    )


def test_every_kind_size_and_origin_has_its_turn_before_any_comes_twice():
    many = [candidate(number, digits=4, alike=50) for number in range(50)]
    few = [
        candidate(100, used_by="table", digits=4),
        candidate(101, digits=11),
        candidate(102, digits=4, origin="7 object-store"),
    ]

    chosen = choose_canary([*many, *few], 6)

    assert 6 == len(chosen)
    assert {100, 101, 102} < {one.copy_id for one in chosen}
    assert [0, 1, 2] == [one.copy_id for one in chosen if one.copy_id < 100], "those that are alike in the order given"


def test_kinds_alternate_where_there_are_more_strata_than_places():
    files = [candidate(digits, digits=digits) for digits in range(1, 12)]
    cells = [candidate(100 + digits, digits=digits, used_by="table") for digits in range(1, 12)]

    chosen = choose_canary([*files, *cells], 6)

    assert ["file", "table"] * 3 == sorted((one.used_by for one in chosen), key=lambda kind: 0)
    assert 6 == len({one.size_band for one in chosen})


def test_the_order_of_strata_does_not_matter():
    of_all_sorts = [
        candidate(number, used_by=kind, digits=digits, alike=3)
        for number, (kind, digits) in enumerate((kind, digits) for kind in ("file", "table") for digits in (1, 5, 9))
    ]
    expected = choose_canary(of_all_sorts, 4)
    for seed in range(20):
        shuffled = random.Random(seed).sample(of_all_sorts, len(of_all_sorts))
        assert expected == choose_canary(shuffled, 4)


@pytest.mark.parametrize("at_most", [1, 2, 5, 9, 40])
def test_a_copy_goes_with_all_its_places_or_not_at_all(at_most: int):
    chance = random.Random(at_most)
    some = [candidate(number, digits=chance.randint(1, 6), items=chance.randint(1, 4)) for number in range(30)]

    chosen = choose_canary([*some, candidate(99, items=1)], at_most)

    assert 0 < sum(one.items for one in chosen) <= at_most
    assert len({one.copy_id for one in chosen}) == len(chosen)


def test_where_every_copy_has_more_places_the_smallest_goes_alone():
    crowded = [candidate(1, items=50), candidate(2, items=7), candidate(3, items=8)]

    assert [2] == [one.copy_id for one in choose_canary(crowded, 5)]
    assert () == choose_canary(crowded, 5, may_exceed=False), "not beside others that were chosen before"
    assert () == choose_canary([], 5)


def counts(**items: int) -> tuple[StatusCount, ...]:
    return tuple(
        StatusCount(status=ItemStatus[status], reason=None, items=number, size_bytes=0)
        for status, number in items.items()
    )


@pytest.mark.parametrize(
    ("of", "verdict"),
    [
        (counts(), CanaryVerdict.WAITING),
        (counts(INDEXED=1, MIGRATED=5), CanaryVerdict.WAITING),
        (counts(MIGRATED=5), CanaryVerdict.CLEAN),
        (counts(MIGRATED=5, DRIFTED=1), CanaryVerdict.CHANGED),
        (counts(MIGRATED=5, ROLLED_BACK=1), CanaryVerdict.CHANGED),
        (counts(DRIFTED=2), CanaryVerdict.CHANGED),
        (counts(MIGRATED=5, ERRORED=1), CanaryVerdict.FAILED),
        (counts(INDEXED=5, ERRORED=1), CanaryVerdict.FAILED),
    ],
)
def test_only_a_canary_that_is_migrated_whole_is_clean(of: tuple[StatusCount, ...], verdict: CanaryVerdict):
    assert verdict == CanaryResult(counts=of).verdict


def test_failures_count_with_their_reasons_once_each():
    failed = StatusCount(status=ItemStatus.ERRORED, reason=ReasonCode.BYTES_DIFFER, items=2, size_bytes=7)
    result = CanaryResult(counts=(*counts(MIGRATED=3), failed))
    assert (5, 7) == (result.items, result.size_bytes)


@pytest.mark.parametrize("items", [0, -1, MOST_ITEMS + 1])
def test_a_number_that_makes_no_sense_is_refused(items: int):
    with pytest.raises(UsageError, match="from 1 to 10000"):
        parse_canary(items)
    assert (0, 20) == (parse_canary(None), parse_canary(20))
