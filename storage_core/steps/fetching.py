"""Brings the bytes behind a file handle to this machine: in parallel where it helps, going on after a break."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from storage_core.errors import TransferBroken, VerificationMismatch
from storage_core.model.transfers import Readable, Stretch
from storage_core.plan.retrying import backoff_seconds
from storage_core.ports.clock import Clock
from storage_core.ports.transfers import ByteStore, LocalFiles, Moved, Receiving
from storage_core.steps.storing import MOST_TRIES, PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """Fetches files; one for all of a run."""

    local: LocalFiles
    clock: Clock

    async def fetch(
        self, readable: Readable, store: ByteStore, folder: str, size_bytes: int, moved: Moved
    ) -> "Fetched":
        """Receive the whole into *folder*, under a name of its own, and hash it.

        Goes on with what an earlier process left where Synapse knows the MD5. Else nobody could say that both pieces
        are of the same content, so everything is received anew.

        Raises:
            VerificationMismatch: the bytes have not the MD5 that Synapse knows. They are not kept.
            TransferFailed, UsageError, RestError, AccessError: see `ports.transfers`. What came stays for going on.
        """
        mark = f"{readable.handle.id} {readable.handle.md5}"
        receiving = await self.local.receive(folder, mark, size_bytes)
        try:
            had = size_bytes - sum(one.size_bytes for one in receiving.missing)
            if had and readable.handle.md5 is None:
                receiving = await self._anew(receiving, folder, mark, size_bytes)
                had = 0
            moved(had)
            md5 = await self._received(readable, store, receiving, moved)
            if had and not _is_right(md5, readable):
                # what an earlier process left may have been lost in a power failure: once more, all of it
                moved(-size_bytes)
                receiving = await self._anew(receiving, folder, mark, size_bytes)
                md5 = await self._received(readable, store, receiving, moved)
            await _require_right(md5, readable, receiving)
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            await receiving.close()
            raise
        return Fetched(receiving=receiving, md5=md5)

    async def _anew(self, receiving: Receiving, folder: str, mark: str, size_bytes: int) -> Receiving:
        await receiving.discard()
        await receiving.close()
        return await self.local.receive(folder, mark, size_bytes)

    async def _received(self, readable: Readable, store: ByteStore, receiving: Receiving, moved: Moved) -> str:
        try:
            async with asyncio.TaskGroup() as group:
                hashing = group.create_task(receiving.md5())
                for share in _shares(receiving.missing, store):
                    group.create_task(self._bring(readable, store, receiving, share, moved))
        except BaseExceptionGroup as together:
            # callers tell errors apart by their type, so they get the error and not the group
            raise together.exceptions[0] from together
        return hashing.result()

    async def _bring(
        self, readable: Readable, store: ByteStore, receiving: Receiving, share: "_Share", moved: Moved
    ) -> None:
        """Read the stretches of one share. Tries that bring nothing new are counted; any progress starts afresh."""
        tried = 0
        while (stretch := share.next(receiving)) is not None:
            before = _missing_in(stretch, receiving)
            told = _Told(moved)
            try:
                reading = store.read(readable, first_byte=stretch.first_byte, last_byte=share.last_byte(stretch))
                async with aclosing(reading) as chunks:
                    await receiving.take(stretch.first_byte, chunks, told)
                _require_all(stretch, receiving)
            except TransferBroken:
                arrived = before - _missing_in(stretch, receiving)
                moved(arrived - told.count)
                share.put_back(stretch)
                tried = 1 if arrived else tried + 1
                if tried == MOST_TRIES:
                    raise
                await self.clock.sleep(backoff_seconds(tried - 1, jitter=0.5, patience=PATIENCE))
            else:
                tried = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that is here, whole, and has no name yet."""

    receiving: Receiving
    md5: str


@dataclass(slots=True)
class _Share:
    """Stretches still to be read; workers of one file take from the same one."""

    stretches: list[Stretch]
    is_whole: bool = False
    """The place gives whole files only: every try begins at the beginning, and asks for no range."""

    def next(self, receiving: Receiving) -> Stretch | None:
        """The next stretch, begun where it is not here yet."""
        while self.stretches:
            found = self.stretches.pop(0)
            left = [one for one in receiving.missing if found.first_byte <= one.first_byte <= found.last_byte]
            if left:
                first = 0 if self.is_whole else left[0].first_byte
                return Stretch(first_byte=first, last_byte=found.last_byte)
        return None

    def last_byte(self, stretch: Stretch) -> int | None:
        """What to ask for."""
        return None if self.is_whole else stretch.last_byte

    def put_back(self, stretch: Stretch) -> None:
        """It has to be read again."""
        self.stretches.insert(0, stretch)


@dataclass(slots=True)
class _Told:
    """Counts what it passes on."""

    moved: Moved
    count: int = 0

    def __call__(self, count: int) -> None:
        self.count += count
        self.moved(count)


def _shares(missing: Sequence[Stretch], store: ByteStore) -> list[_Share]:
    """One per reading side by side; all take from one list of blocks.

    A place that is read by one reader at a time, or as a whole only, gets everything as one stretch.
    """
    if not missing:
        return []
    limits = store.limits
    last = missing[-1].last_byte
    if not limits.reads_ranges:
        return [_Share([Stretch(first_byte=0, last_byte=last)], is_whole=True)]
    if limits.ranges_at_once == 1:
        return [_Share([Stretch(first_byte=missing[0].first_byte, last_byte=last)])]
    return [_Share(list(missing))] * min(limits.ranges_at_once, len(missing))


def _missing_in(stretch: Stretch, receiving: Receiving) -> int:
    return sum(one.size_bytes for one in receiving.missing if stretch.first_byte <= one.first_byte <= stretch.last_byte)


def _require_all(stretch: Stretch, receiving: Receiving) -> None:
    if _missing_in(stretch, receiving):
        raise TransferBroken("The bytes ended early.", fix="Run the same command again; it goes on.")


def _is_right(md5: str, readable: Readable) -> bool:
    return readable.handle.md5 in {None, md5}


async def _require_right(md5: str, readable: Readable, receiving: Receiving) -> None:
    if _is_right(md5, readable):
        return
    await receiving.discard()
    handle = readable.handle
    raise VerificationMismatch(
        f"The bytes of file handle {handle.id} have the MD5 {md5}, Synapse knows {handle.md5}.",
        fix="The file was not kept. Ask its owner whether the stored object was replaced.",
    )
