"""Pages that the caller cuts by offset and limit."""

from typing import TypeVar

from sandbox.synapse.http import Call, Refused

_DEFAULT_LIMIT = 10
_T = TypeVar("_T")


def page_of(items: list[_T], call: Call) -> tuple[list[_T], int]:
    """The items from the caller's offset, at most the caller's limit of them; and the total as the service tells it.

    The total is an estimate: a full page announces one more item, whether there is one or not (contract 6.3).
    """
    offset = _whole_number(call, "offset", 0)
    limit = _whole_number(call, "limit", _DEFAULT_LIMIT)
    page = items[offset : offset + limit]
    return page, offset + len(page) + (1 if len(page) == limit else 0)


def _whole_number(call: Call, name: str, default: int) -> int:
    raw = call.query.get(name, str(default))
    if not raw.isdecimal():
        raise Refused(400, f"{name} must be a whole number, zero or more")
    return int(raw)
