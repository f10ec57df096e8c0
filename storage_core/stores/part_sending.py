"""Sends the parts of one upload to presigned addresses: sign, send, add; several side by side (contract 8.5, 8.6)."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

from storage_core.engines.part_troubles import (
    GivenUp,
    PartTries,
    Restart,
    RestartCause,
    SendAgain,
    SignAgain,
    judge_part,
)
from storage_core.errors import NotFound, TransferBroken, TransferFailed
from storage_core.model.copies import PartPlan
from storage_core.model.ids import UploadId
from storage_core.model.items import ReasonCode
from storage_core.model.transfers import LocalFile
from storage_core.ports.clock import Clock
from storage_core.ports.transfers import Content, Moved, Reading
from storage_core.synapse.endpoints.multipart import Multipart
from storage_core.synapse.presigned import PresignedSender, S3Refused
from storage_core.synapse.wire_multipart import PartAdded, PresignedPart

PARTS_AT_ONCE = 8
"""Parts of one file on their way at once; a single connection seldom fills a line."""
_SIGNED_AT_ONCE = 2 * PARTS_AT_ONCE
_MOST_ADDS = 3


class UploadGoneError(Exception):
    """The service or S3 has forgotten this upload; another one may be begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWork:
    """One upload as far as its parts are concerned."""

    upload_id: UploadId
    file: LocalFile
    content: Content
    plan: PartPlan

    def size_of(self, number: int) -> int:
        """Bytes of part *number*, counted from 1."""
        begin = (number - 1) * self.plan.part_size_bytes
        return min(self.plan.part_size_bytes, self.file.size_bytes - begin)

    def reading(self, number: int, moved: Moved) -> Reading:
        """The bytes of part *number*."""
        return self.content.reading((number - 1) * self.plan.part_size_bytes, self.size_of(number), moved)


@dataclass(slots=True)
class PartSending:
    """Sends parts; one for all uploads of a run. *slots* limits how many connections carry bytes."""

    calls: Multipart
    sender: PresignedSender
    clock: Clock
    slots: AbstractAsyncContextManager[object]
    chance: random.Random = field(default_factory=random.Random)

    async def send(self, work: PartWork, numbers: Sequence[int], moved: Moved, *, at_once: int = PARTS_AT_ONCE) -> None:
        """Bring the parts *numbers* home, so many at once; one at a time they go in that order.

        Raises:
            UploadGoneError: begin anew.
            TransferBroken, TransferFailed, SourceChanged: see `ports.transfers`.
        """
        signed = _Signed(self.calls, work.upload_id, iter(numbers))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(at_once, len(numbers))):
                    group.create_task(self._send_in_turn(work, signed, moved))
        except BaseExceptionGroup as together:
            # callers tell errors apart by their type, so they get the error and not the group
            first = together.exceptions[0]
            if isinstance(first, NotFound):
                raise UploadGoneError(first.what) from together
            raise first from together

    async def _send_in_turn(self, work: PartWork, signed: "_Signed", moved: Moved) -> None:
        while (part := await signed.next()) is not None:
            await self._send_one(work, part, moved)

    async def _send_one(self, work: PartWork, part: PresignedPart, moved: Moved) -> None:
        refusal = ""
        for _ in range(_MOST_ADDS):
            reading = await self._deliver(work, part, moved)
            # the service compares this with what S3 received, so a part damaged on its way is found here
            answer = await self.calls.add_part(upload_id=work.upload_id, number=part.number, md5=reading.md5)
            if isinstance(answer, PartAdded):
                return
            reading.take_back()
            refusal = answer.detail
        raise TransferFailed(
            f"Part {part.number} of {work.file.path} arrived damaged {_MOST_ADDS} times: {refusal}.",
            fix="Run the same command again; it goes on with this part.",
        )

    async def _deliver(self, work: PartWork, part: PresignedPart, moved: Moved) -> Reading:
        """Send one part until S3 has it. Bounded: `judge_part` gives up on the numbers in `tries`."""
        tries = PartTries()
        while True:
            reading = work.reading(part.number, moved)
            answer = await self._stream(part, reading)
            if answer is None:
                return reading
            step = judge_part(answer, tries, jitter=self.chance.random())
            match step:
                case SendAgain(wait_seconds=seconds):
                    await self.clock.sleep(seconds)
                    tries = replace(tries, busy=tries.busy + 1)
                case SignAgain():
                    (part,) = await self.calls.presign(upload_id=work.upload_id, numbers=(part.number,))
                    tries = replace(tries, signatures=tries.signatures + 1)
                case Restart() | GivenUp():
                    raise _ended(step, work)

    async def _stream(self, part: PresignedPart, reading: Reading) -> S3Refused | None:
        async with self.slots:
            answer = await self.sender.stream_part(
                part.url, part.headers, reading.chunks(), size_bytes=reading.size_bytes
            )
        if not isinstance(answer, S3Refused):
            return None
        reading.take_back()
        return answer


class _Signed:
    """Hands out signed parts; signs some more when they run out. Addresses live 15 minutes, so never all at once."""

    def __init__(self, calls: Multipart, upload_id: UploadId, numbers: Iterator[int]) -> None:
        self._calls = calls
        self._upload_id = upload_id
        self._numbers = numbers
        self._ready: list[PresignedPart] = []
        self._guard = asyncio.Lock()

    async def next(self) -> PresignedPart | None:
        async with self._guard:
            if not self._ready:
                wanted = [number for _, number in zip(range(_SIGNED_AT_ONCE), self._numbers, strict=False)]
                if not wanted:
                    return None
                self._ready = list(await self._calls.presign(upload_id=self._upload_id, numbers=wanted))
            return self._ready.pop(0)


def _ended(step: Restart | GivenUp, work: PartWork) -> Exception:
    match step:
        case Restart(cause=RestartCause.UPLOAD_GONE, detail=detail):
            return UploadGoneError(detail)
        case GivenUp(reason=ReasonCode.S3_FAULT, detail=detail):
            return TransferBroken(
                f"{work.file.path} could not be sent to S3: {detail}.", fix="Run the same command again; it goes on."
            )
        case _:
            return TransferFailed(
                f"S3 does not take {work.file.path}: {step.detail}.",
                fix="May Synapse write to the bucket of this storage location? Ask the location's owner.",
            )
