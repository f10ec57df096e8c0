"""Prices as the section ``[prices]`` of the configuration file states them. Pure."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation

from storage_core.errors import UsageError
from storage_core.model.prices import DEFAULT_PRICES, Prices

SECTION = "prices"
_CURRENCY = re.compile(r"[A-Z]{3}")


def prices_from(option: Callable[[str], str | None], place: Callable[[str], str], *, is_there: bool) -> Prices:
    """The section's prices, or the default ones when there is no such section; never a mixture of both.

    Args:
        option: the section's value of a name, None when absent.
        place: how to name that value in a message.

    Raises:
        UsageError: a value makes no sense, or prices come without the day they are of.
    """
    if not is_there:
        return DEFAULT_PRICES

    def amount(name: str) -> Decimal | None:
        return _amount(option(name), place(name))

    return Prices(
        currency=_currency(option("currency") or DEFAULT_PRICES.currency, place("currency")),
        as_of=_day(option("date"), place("date")),
        source=option("source") or place("source").removeprefix("source under "),
        writes_per_thousand=amount("writes_per_thousand"),
        reads_per_thousand=amount("reads_per_thousand"),
        storage_per_gb_month=amount("storage_per_gb_month"),
        between_regions_per_gb=amount("between_regions_per_gb"),
    )


def _amount(text: str | None, where: str) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"{where} is {text!r}, which is no price.", fix="Write it like 0.023.")
    return amount


def _currency(text: str, where: str) -> str:
    if _CURRENCY.fullmatch(text) is None:
        raise UsageError(f"{where} is {text!r}, which is no currency.", fix="Write it like USD or EUR.")
    return text


def _day(text: str | None, where: str) -> date:
    if text is None:
        raise UsageError(f"There is no {where}.", fix="Write the day of the prices there, like 2026-03-31.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{where} is {text!r}, which is no day.", fix="Write it like 2026-03-31.") from None
