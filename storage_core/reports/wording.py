"""Numbers and names as people read them, alike on the terminal and on paper."""

import unicodedata
from datetime import UTC, datetime

from storage_core.model.items import REASONS, Reason, ReasonCode
from storage_core.model.prices import Cost

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000
_TEN = 10
_HOUR = 3600
_DAY = 86_400
_MINUTE = 60
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def count_text(count: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{count:,}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """``1 item``, ``2 items``."""
    return f"{count_text(count)} {singular if count == 1 else plural or singular + 's'}"


def size_text(size_bytes: int) -> str:
    """A size with a decimal unit and about three digits: ``950 bytes``, ``1.25 GB``, ``50.0 TB``."""
    size = float(size_bytes)
    unit = 0
    while size >= _THOUSAND and unit < len(_UNITS) - 1:
        size /= _THOUSAND
        unit += 1
    if unit == 0:
        return "1 byte" if size_bytes == 1 else f"{size_bytes} bytes"
    digits = 2 if size < _TEN else 1 if size < _TEN * _TEN else 0
    return f"{size:,.{digits}f} {_UNITS[unit]}"


def duration_text(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``, ``2.1 days``: as exact as an estimate deserves."""
    if seconds < 2 * _MINUTE:
        return f"{max(0, round(seconds))} s"
    if seconds < 2 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} days"


def moment_text(moment: datetime) -> str:
    """A moment in UTC, to the second. A naive one is taken for UTC, as the index stores it."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def stamp_text(moment: datetime) -> str:
    """The same for machines: ISO 8601 with a Z."""
    return moment_text(moment).replace(" UTC", "Z").replace(" ", "T")


def share_text(part: int, whole: int) -> str:
    """A percentage that says 0 % and 100 % only when it is exactly that."""
    if whole == 0:
        return "none"
    if part in {0, whole}:
        return "0 %" if part == 0 else "100 %"
    return f"{min(99.9, max(0.1, 100 * part / whole)):.1f} %"


def cost_text(cost: Cost, currency: str) -> str:
    """``1,150.00 USD a month``, or ``unknown``."""
    if cost.amount is None:
        return "unknown"
    return f"{cost.amount:,.2f} {currency}{' a month' if cost.is_monthly else ''}"


def plain_text(text: str) -> str:
    """Text without characters that could move a cursor, reverse the reading order or break an encoding.

    Names in Synapse are chosen by strangers; a terminal and a page must show them, not obey them.
    """
    return "".join("\ufffd" if _is_unsafe(character) else character for character in text)


def _is_unsafe(character: str) -> bool:
    return character in _REORDERING or unicodedata.category(character) in {"Cc", "Cs"}


def location_text(location_id: int | None) -> str:
    """A storage location by its number; Synapse's own by name."""
    if location_id is None:
        return "no storage location"
    return f"{location_id} (Synapse storage)" if location_id == 1 else str(location_id)


def reason_of(code: str | None) -> Reason | None:
    """Class and sentence of a reason code; None for none, or for one that only a newer version knows."""
    if code is None or code not in set(ReasonCode):
        return None
    return REASONS[ReasonCode(code)]
