"""What the work ahead will cost in money. Pure; the rules and their sources are in docs/planning.md."""

from decimal import ROUND_HALF_UP, Decimal

from storage_core.model.plans import WorkAhead
from storage_core.model.prices import Cost, CostKind, Costs, Prices

_GB = 2**30
_CENT = Decimal("0.01")
_NO_PRICE = "not counted: the configured prices do not say what it costs"


def costs_of(ahead: WorkAhead, prices: Prices, *, outside_bytes: int = 0) -> Costs:
    """The costs of copying what is ahead, rounded to cents.

    Args:
        outside_bytes: those of the bytes that Synapse itself does not copy. Synapse copies within one region
            (contract 8.4); others may have to cross a border, which is what their line shows at most.
    """
    return Costs(
        prices=prices, lines=(_requests(ahead, prices), _crossing(outside_bytes, prices), _kept(ahead, prices))
    )


def _requests(ahead: WorkAhead, prices: Prices) -> Cost:
    """Begin, one per part, complete; and S3 reads each part at the source."""
    writes, reads = 2 * ahead.copies + ahead.parts, ahead.parts
    amount = None
    if prices.writes_per_thousand is not None and prices.reads_per_thousand is not None:
        amount = (writes * prices.writes_per_thousand + reads * prices.reads_per_thousand) / 1000
    return _cost(CostKind.REQUESTS, amount, f"{writes:,} writing and {reads:,} reading S3 requests")


def _crossing(outside_bytes: int, prices: Prices) -> Cost:
    if outside_bytes == 0:
        note = "Synapse copies within one region, so no bytes cross a border"
        return _cost(CostKind.BETWEEN_REGIONS, Decimal(0), note)
    price = prices.between_regions_per_gb
    amount = None if price is None else price * outside_bytes / _GB
    return _cost(CostKind.BETWEEN_REGIONS, amount, "at most; nothing where source and destination share a region")


def _kept(ahead: WorkAhead, prices: Prices) -> Cost:
    price = prices.storage_per_gb_month
    amount = None if price is None else price * ahead.copy_bytes / _GB
    note = "the copies, beside the originals, until those are deleted"
    return _cost(CostKind.KEPT_TWICE, amount, note, is_monthly=True)


def _cost(kind: CostKind, amount: Decimal | None, note: str, *, is_monthly: bool = False) -> Cost:
    rounded = None if amount is None else amount.quantize(_CENT, rounding=ROUND_HALF_UP)
    return Cost(kind=kind, amount=rounded, is_monthly=is_monthly, note=_NO_PRICE if amount is None else note)
