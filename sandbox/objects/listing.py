"""One page of a bucket's keys, with folders rolled up, at a cost that does not depend on the bucket's size."""

import base64
import binascii
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from sandbox.objects import refusals
from sandbox.objects.records import Bucket

MOST_KEYS = 1000
_AFTER_KEY, _AFTER_FOLDER = "k", "p"


@dataclass(slots=True, kw_only=True)
class Page:
    """Keys and rolled-up prefixes in order. `token` leads to the next page; None on the last."""

    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    token: str | None = None

    @property
    def count(self) -> int:
        """Keys and prefixes together."""
        return len(self.keys) + len(self.prefixes)


def list_page(bucket: Bucket, *, prefix: str, delimiter: str, limit: int, after: str = "", token: str = "") -> Page:
    """The page that begins behind *token*, or behind the key *after*."""
    keys = bucket.sorted_keys()
    index = _start(keys, prefix, after, token)
    page, last = Page(), ""
    while index < len(keys) and keys[index].startswith(prefix):
        if page.count >= limit:
            page.token = _encoded(last)
            break
        key = keys[index]
        folder = _folder(key, prefix, delimiter)
        if folder is None:
            page.keys.append(key)
            last, index = _AFTER_KEY + key, index + 1
        else:
            page.prefixes.append(folder)
            last, index = _AFTER_FOLDER + folder, bisect_left(keys, _behind(folder))
    return page


def _start(keys: list[str], prefix: str, after: str, token: str) -> int:
    index = bisect_left(keys, prefix)
    if token:
        mark = _decoded(token)
        kind, place = mark[0], mark[1:]
        behind = bisect_left(keys, _behind(place)) if kind == _AFTER_FOLDER else bisect_right(keys, place)
        return max(index, behind)
    return max(index, bisect_right(keys, after)) if after else index


def _folder(key: str, prefix: str, delimiter: str) -> str | None:
    found = key.find(delimiter, len(prefix)) if delimiter else -1
    return None if found < 0 else key[: found + len(delimiter)]


def _behind(prefix: str) -> str:
    """The smallest text greater than everything that starts with *prefix*."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _encoded(mark: str) -> str:
    return base64.urlsafe_b64encode(mark.encode()).decode()


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise refusals.invalid_argument("The continuation token provided is incorrect") from error
