"""Stored objects that have a size and an MD5, but no bytes: 5 GiB of them fit into any test."""

import hashlib
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Bytes *first* to *last* of the content named *content*; other names are other bytes."""

    content: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeObject:
    """What lies under one key. Two objects have the same MD5 exactly when they have the same stretches."""

    stretches: tuple[Stretch, ...]
    etag: str

    @property
    def size_bytes(self) -> int:
        """Sum over the stretches."""
        return sum(stretch.last - stretch.first + 1 for stretch in self.stretches)

    @property
    def md5(self) -> str:
        """Of the whole."""
        return md5_of(self.stretches)


def whole(content: str, size_bytes: int) -> tuple[Stretch, ...]:
    """All of a content."""
    return (Stretch(content=content, first=0, last=size_bytes - 1),)


def cut(stretches: tuple[Stretch, ...], first: int, last: int) -> tuple[Stretch, ...]:
    """Bytes *first* to *last*, both inclusive, of what *stretches* make together."""
    found: list[Stretch] = []
    begin = 0
    for stretch in stretches:
        end = begin + stretch.last - stretch.first
        if begin <= last and end >= first:
            found.append(
                replace(
                    stretch,
                    first=stretch.first + max(0, first - begin),
                    last=stretch.first + min(last, end) - begin,
                )
            )
        begin = end + 1
    return tuple(found)


def joined(parts: list[tuple[Stretch, ...]]) -> tuple[Stretch, ...]:
    """The parts one after the other; neighbours that belong together become one stretch."""
    result: list[Stretch] = []
    for stretch in (stretch for part in parts for stretch in part):
        before = result[-1] if result else None
        if before is not None and before.content == stretch.content and before.last + 1 == stretch.first:
            result[-1] = replace(before, last=stretch.last)
        else:
            result.append(stretch)
    return tuple(result)


def md5_of(stretches: tuple[Stretch, ...]) -> str:
    """A stand-in for the MD5 of the bytes, with its one property that matters here: other bytes, other MD5."""
    text = "+".join(f"{stretch.content}:{stretch.first}-{stretch.last}" for stretch in joined([stretches]))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def composite_etag(part_md5s: list[str]) -> str:
    """The ETag S3 gives an object of several parts."""
    whole_md5 = hashlib.md5(b"".join(bytes.fromhex(part) for part in part_md5s), usedforsecurity=False)
    return f"{whole_md5.hexdigest()}-{len(part_md5s)}"
