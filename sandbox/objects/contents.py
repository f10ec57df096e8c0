"""What an object holds: real bytes, bytes that are only declared, or pieces of both joined together.

A digest is promised for every range, and equal ranges of equal content always have equal digests. That promise is
all that a server-side copy needs, so thirty declared gigabytes behave like thirty real ones and cost nothing.
"""

import hashlib
import weakref
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import final

READ_SIZE = 256 * 1024
BLOCK_SIZE = 64 * 1024
EMPTY_MD5 = hashlib.md5(b"", usedforsecurity=False).hexdigest()


class Content(ABC):
    """The bytes of one object. Immutable; ranges are inclusive at both ends, as in HTTP."""

    __slots__ = ()

    @property
    @abstractmethod
    def size(self) -> int:
        """Length in bytes."""

    @abstractmethod
    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes from *first* to *last*, in pieces of bounded size."""

    @abstractmethod
    def digest(self, first: int, last: int) -> str:
        """32 hex digits for this range: its MD5 where the bytes are real."""

    @abstractmethod
    def pieces(self, first: int, last: int) -> "Iterator[Piece]":
        """The range as ranges of contents that are not themselves composed."""

    @property
    def is_real(self) -> bool:
        """Do digests and checksums describe bytes that exist?"""
        return True

    def whole_digest(self) -> str:
        """The digest of everything."""
        return self.digest(0, self.size - 1)

    def bytes(self) -> bytes:
        """Everything at once; for small contents."""
        return b"".join(self.read(0, self.size - 1))


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A range of a content, both ends included."""

    content: Content
    first: int
    last: int

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.last - self.first + 1

    def digest(self) -> str:
        """The digest of this range."""
        return self.content.digest(self.first, self.last)


@final
@dataclass(frozen=True, slots=True, eq=False)
class MemoryContent(Content):
    """Real bytes, held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.data)

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes themselves."""
        for start in range(first, last + 1, READ_SIZE):
            yield self.data[start : min(start + READ_SIZE, last + 1)]

    def digest(self, first: int, last: int) -> str:
        """The MD5 of the range."""
        return hashlib.md5(memoryview(self.data)[first : last + 1], usedforsecurity=False).hexdigest()

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """Itself."""
        yield Piece(self, first, last)


@final
@dataclass(slots=True, eq=False, weakref_slot=True)
class FileContent(Content):
    """Real bytes in a file of their own, which disappears with the content."""

    path: Path
    length: int
    md5: str

    def __post_init__(self) -> None:
        weakref.finalize(self, self.path.unlink, missing_ok=True)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.length

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes, read as they are asked for."""
        with self.path.open("rb") as file:
            file.seek(first)
            left = last - first + 1
            while left > 0 and (chunk := file.read(min(READ_SIZE, left))):
                left -= len(chunk)
                yield chunk

    def digest(self, first: int, last: int) -> str:
        """The MD5 of the range; known beforehand for the whole."""
        if first == 0 and last == self.length - 1:
            return self.md5
        return _md5_of(self.read(first, last))

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """Itself."""
        yield Piece(self, first, last)


@final
@dataclass(frozen=True, slots=True)
class VirtualContent(Content):
    """Bytes that are only declared: any size, any MD5, no memory.

    Reading yields a pattern that depends on the seed and the position. Its real MD5 is not the declared one, so a
    virtual content is for copies inside the store; whoever downloads and hashes it finds a difference.
    """

    length: int
    md5: str
    seed: int = 0

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.length

    @property
    def is_real(self) -> bool:
        """Never."""
        return False

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The pattern at this position."""
        position = first
        while position <= last:
            block, offset = divmod(position, BLOCK_SIZE)
            take = min(BLOCK_SIZE - offset, last - position + 1)
            yield _pattern(self.seed, block)[offset : offset + take]
            position += take

    def digest(self, first: int, last: int) -> str:
        """The declared MD5 for the whole, otherwise a stand-in derived from it and the range."""
        if first == 0 and last == self.length - 1:
            return self.md5
        return _md5_text(f"{self.md5}:{self.seed}:{first}:{last}")

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """Itself."""
        yield Piece(self, first, last)


@final
@dataclass(frozen=True, slots=True, eq=False)
class ComposedContent(Content):
    """Pieces joined together; made by `compose` only, so neighbours never belong together and nothing nests."""

    parts: tuple[Piece, ...]
    starts: tuple[int, ...] = field(init=False)
    length: int = field(init=False)

    def __post_init__(self) -> None:
        ends = tuple(accumulate(piece.size for piece in self.parts))
        object.__setattr__(self, "starts", (0, *ends[:-1]))
        object.__setattr__(self, "length", ends[-1])

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.length

    @property
    def is_real(self) -> bool:
        """Only when every piece is."""
        return all(piece.content.is_real for piece in self.parts)

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes of one piece after the other."""
        for piece in self.pieces(first, last):
            yield from piece.content.read(piece.first, piece.last)

    def digest(self, first: int, last: int) -> str:
        """That of the only piece touched; the MD5 when all bytes are real; otherwise a digest of the digests."""
        touched = list(self.pieces(first, last))
        if len(touched) == 1:
            return touched[0].digest()
        if all(piece.content.is_real for piece in touched):
            return _md5_of(self.read(first, last))
        return _md5_text("+".join(f"{piece.digest()}:{piece.size}" for piece in touched))

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """The pieces that the range touches, cut to it."""
        for index in range(bisect_right(self.starts, first) - 1, bisect_right(self.starts, last)):
            start, piece = self.starts[index], self.parts[index]
            low, high = max(first, start), min(last, start + piece.size - 1)
            yield Piece(piece.content, piece.first + low - start, piece.first + high - start)


def compose(ranges: list[Piece]) -> Content:
    """Join *ranges*. Neighbouring ranges of one content grow together; a content covered whole is that content."""
    joined: list[Piece] = []
    for piece in (part for part in ranges for part in part.content.pieces(part.first, part.last)):
        before = joined[-1] if joined else None
        if before is not None and before.last + 1 == piece.first and before.content == piece.content:
            joined[-1] = Piece(before.content, before.first, piece.last)
        elif piece.size > 0:
            joined.append(piece)
    if not joined:
        return MemoryContent(b"")
    only = joined[0]
    if len(joined) == 1 and only.size == only.content.size:
        return only.content
    return ComposedContent(tuple(joined))


def slice_of(content: Content, first: int, last: int) -> Content:
    """A part of *content*, as a content."""
    return compose([Piece(content, first, last)])


def _md5_text(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _md5_of(chunks: Iterator[bytes]) -> str:
    running = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        running.update(chunk)
    return running.hexdigest()


@lru_cache(maxsize=64)
def _filler(seed: int) -> bytes:
    return hashlib.shake_128(f"filler {seed}".encode()).digest(BLOCK_SIZE)


def _pattern(seed: int, block: int) -> bytes:
    """One block of the pattern: its own number first, so that a misplaced block differs."""
    return hashlib.blake2b(f"{seed}:{block}".encode()).digest() + _filler(seed)[64:]
