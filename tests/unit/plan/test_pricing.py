"""Money: counted by kind at dated prices, and never guessed."""

from dataclasses import replace
from decimal import Decimal

from storage_core.model.plans import WorkAhead
from storage_core.model.prices import DEFAULT_PRICES, CostKind
from storage_core.plan.pricing import costs_of

TB = 10**12
AHEAD = WorkAhead(
    copies=2_000_000,
    copy_bytes=50 * TB,
    parts=2_010_000,
    repoints=0,
    repoint_entities=0,
    verifications=0,
    fingerprint="",
)


def amounts(**more):
    return {line.kind: line.amount for line in costs_of(AHEAD, DEFAULT_PRICES, **more).lines}


def test_a_project_of_fifty_terabytes_at_the_built_in_prices():
    """6.01 million writes, 2.01 million reads; 46,566 GB of 2**30 bytes kept twice."""
    assert {
        CostKind.REQUESTS: Decimal("30.85"),
        CostKind.BETWEEN_REGIONS: Decimal("0.00"),
        CostKind.KEPT_TWICE: Decimal("1071.02"),
    } == amounts()


def test_what_synapse_does_not_copy_may_cross_a_border():
    assert Decimal("931.32") == amounts(outside_bytes=50 * TB)[CostKind.BETWEEN_REGIONS]


def test_a_price_nobody_gave_is_unknown_and_says_so():
    prices = replace(DEFAULT_PRICES, reads_per_thousand=None, storage_per_gb_month=None, between_regions_per_gb=None)
    lines = costs_of(AHEAD, prices, outside_bytes=1).lines
    assert [None, None, None] == [line.amount for line in lines]
    assert all("not counted" in line.note for line in lines)


def test_nothing_ahead_costs_nothing():
    nothing = replace(AHEAD, copies=0, parts=0, copy_bytes=0)
    assert {Decimal(0)} == {line.amount for line in costs_of(nothing, DEFAULT_PRICES).lines}
