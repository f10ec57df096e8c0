"""Stored bytes on their way through this machine: read from one place, hashed, and handed to another.

The bytes are read in order and only a few of them are here at a time. A line that breaks is taken up where it broke. A
stretch may be read again, because it did not arrive; the MD5 of the whole is then that of the bytes which went last.
"""

import hashlib
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from storage_core.errors import (
    AccessError,
    Forbidden,
    NotFound,
    SourceChanged,
    SynapseStorageError,
    TransferBroken,
    TransferFailed,
    UsageError,
)
from storage_core.model.handles import HandleKind
from storage_core.model.transfers import LocalFile, Readable
from storage_core.plan.retrying import Patience, backoff_seconds
from storage_core.ports.clock import Clock
from storage_core.ports.transfers import ByteStore, Moved, untold

PATIENCE = Patience(first_wait_seconds=1.0, longest_wait_seconds=30.0)
MOST_BREAKS = 6
"""Times a reading may break without a byte in between."""


class SourceFailedError(Exception):
    """The place where the bytes are does not give them; `trouble` is what it said."""

    def __init__(self, trouble: SynapseStorageError) -> None:
        super().__init__(trouble.what)
        self.trouble = trouble


@dataclass(slots=True)
class RelayedContent:
    """Implements `ports.transfers.Content` for bytes that a store gives.

    Attributes:
        expected: size and MD5 as Synapse recorded them, and what messages call it.
    """

    store: ByteStore
    source: Readable
    expected: LocalFile
    clock: Clock
    chance: random.Random = field(default_factory=random.Random)
    _before: "dict[int, hashlib._Hash]" = field(default_factory=dict)

    @property
    def md5(self) -> str | None:
        """Of the whole; None while it was not read to its end."""
        whole = self._before.get(self.expected.size_bytes)
        return None if whole is None else whole.hexdigest()

    def reading(self, first_byte: int, size_bytes: int, told: Moved = untold) -> "RelayReading":
        """A stretch that begins where one that was read to its end has ended, or at the beginning.

        Raises:
            ValueError: the bytes before it were not read. A bug, never bad input.
        """
        if first_byte == 0:
            self._before = {0: hashlib.md5(usedforsecurity=False)}
        if first_byte not in self._before:
            raise ValueError(f"nobody has read what is before byte {first_byte}")
        return RelayReading(self, first_byte, size_bytes, told, whole=self._before[first_byte].copy())

    def was_read(self, first_byte: int, end: int, whole: "hashlib._Hash") -> None:
        """Note that a stretch went through; only its own beginning may be asked for again, or what follows it."""
        self._before = {first_byte: self._before[first_byte], end: whole}

    async def require_unchanged(self) -> None:
        """SourceChanged when the bytes that went through do not have the recorded MD5."""
        if self.md5 != self.expected.md5:
            raise SourceChanged(
                f"{self.expected.path} is recorded with MD5 {self.expected.md5}, what was read has {self.md5}.",
                fix="Ask its owner whether it was changed.",
            )


@dataclass(slots=True)
class RelayReading:
    """Implements `ports.transfers.Reading`."""

    content: RelayedContent
    first_byte: int
    size_bytes: int
    told: Moved
    whole: "hashlib._Hash"
    sent: int = 0
    _own: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    @property
    def md5(self) -> str:
        """Of the stretch, as far as it was read."""
        return self._own.hexdigest()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, in order; goes on by itself after a break.

        Raises:
            SourceFailedError: the place does not give them, in spite of patience.
        """
        breaks = 0
        while self.sent < self.size_bytes:
            before = self.sent
            try:
                async with aclosing(self._rest()) as rest:
                    async for chunk in rest:
                        yield chunk
                        self.sent += len(chunk)
                        self.told(len(chunk))
                # a place that ends early without a word is one whose line broke
                broken = TransferBroken(f"{self.content.expected.path} ended early.", fix="Run the same command again.")
            except TransferBroken as error:
                broken = error
            if self.sent < self.size_bytes:
                breaks = 1 if self.sent > before else breaks + 1
                if breaks >= MOST_BREAKS:
                    raise SourceFailedError(broken) from broken
                wait = backoff_seconds(breaks - 1, jitter=self.content.chance.random(), patience=PATIENCE)
                await self.content.clock.sleep(wait)
        self.content.was_read(self.first_byte, self.first_byte + self.size_bytes, self.whole)

    def take_back(self) -> None:
        """Say that what was sent has to travel again."""
        self.told(-self.sent)

    async def _rest(self) -> AsyncGenerator[bytes, None]:
        stream = self.content.store.read(
            self.content.source,
            first_byte=self.first_byte + self.sent,
            last_byte=self.first_byte + self.size_bytes - 1,
        )
        try:
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    self._own.update(chunk)
                    self.whole.update(chunk)
                    yield chunk
        except TransferBroken:
            raise
        except (TransferFailed, UsageError, Forbidden, NotFound) as error:
            raise SourceFailedError(error) from error
        except AccessError as error:
            if self.content.source.handle.kind is HandleKind.S3:
                raise  # Synapse's own storage asks for no login but Synapse's, without which the run has to stop
            raise SourceFailedError(error) from error


async def md5_through(content: RelayedContent) -> str:
    """Read the whole and hash it; nothing goes anywhere.

    Raises:
        SourceFailedError: the place does not give it.
    """
    reading = content.reading(0, content.expected.size_bytes)
    async with aclosing(reading.chunks()) as chunks:
        async for _ in chunks:
            pass
    return reading.md5
