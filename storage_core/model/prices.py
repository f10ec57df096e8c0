"""What things cost, as somebody knew it on some day, and what a plan comes to at those prices."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of object storage on one day. None where nobody said; such a cost is named, and never guessed.

    Attributes:
        as_of: the day on which they were valid; every plan prints it.
        source: where they were read.
        writes_per_thousand: PUT, COPY, POST and LIST requests.
        reads_per_thousand: GET and all other requests.
        storage_per_gb_month: of 2**30 bytes.
        between_regions_per_gb: of 2**30 bytes that leave a region for another.
    """

    currency: str
    as_of: date
    source: str
    writes_per_thousand: Decimal | None = None
    reads_per_thousand: Decimal | None = None
    storage_per_gb_month: Decimal | None = None
    between_regions_per_gb: Decimal | None = None


DEFAULT_PRICES = Prices(
    currency="USD",
    as_of=date(2025, 1, 1),
    source="Amazon's published prices, S3 Standard, US East (N. Virginia), first tier",
    writes_per_thousand=Decimal("0.005"),
    reads_per_thousand=Decimal("0.0004"),
    storage_per_gb_month=Decimal("0.023"),
    between_regions_per_gb=Decimal("0.02"),
)
"""Used when the configuration says nothing; larger customers pay less, other regions more."""


class CostKind(StrEnum):
    """What is paid for."""

    REQUESTS = "requests"
    BETWEEN_REGIONS = "between regions"
    KEPT_TWICE = "kept twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One kind of cost. `amount` is None when it is not known; `note` says why, or what it is for."""

    kind: CostKind
    amount: Decimal | None
    is_monthly: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a plan costs, by kind, at prices with a date."""

    prices: Prices
    lines: tuple[Cost, ...]
