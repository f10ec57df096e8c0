"""Moves the parts of one multipart copy: sign, have S3 copy, add. Each step may be repeated (contract 13.6)."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from storage_core.engines.multipart_calls import MultipartCalls, PartSender
from storage_core.engines.part_troubles import (
    S3_PATIENCE,
    GivenUp,
    PartTries,
    Restart,
    RestartCause,
    SendAgain,
    SignAgain,
    judge_part,
)
from storage_core.errors import NotFound
from storage_core.model.ids import UploadId
from storage_core.model.items import ReasonCode
from storage_core.plan.parts import LONG_COPY_BYTES
from storage_core.plan.retrying import Patience
from storage_core.ports.clock import Clock
from storage_core.synapse.presigned import PartCopied
from storage_core.synapse.wire_multipart import PartAdded, PresignedPart

SIGNED_AT_ONCE = 100
"""Parts per signing call. Each part costs a call to add anyway, so this adds 1 %; and URLs live 15 minutes only."""

MOST_ADDS = 3
"""Times a part is sent and added before the service's refusal is believed."""

Slots = AbstractAsyncContextManager[object]

IF_MATCH_HEADER = "x-amz-copy-source-if-match"


@dataclass(frozen=True, slots=True, kw_only=True)
class LongParts:
    """What is different about parts that S3 takes long for.

    Attributes:
        slots: entered around each, in place of the others' slots.
        learn_speed: told the bytes and the seconds of each.
    """

    slots: Slots
    learn_speed: Callable[[int, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Where the parts of an upload wait for their turn; *long_bytes*: their size, where they take long."""

    slots: Slots
    long_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedPart:
    """One part that S3 copied and the service took note of; ETags without quotes."""

    number: int
    etag: str
    source_etag: str | None


class PartMover:
    """Moves parts; one for all copies of a run, because they share S3's budget."""

    def __init__(
        self,
        calls: MultipartCalls,
        sender: PartSender,
        *,
        clock: Clock,
        slots: Slots,
        long_parts: LongParts | None = None,
        chance: random.Random | None = None,
        patience: Patience = S3_PATIENCE,
    ) -> None:
        """Borrow everything.

        Args:
            slots: entered around each copy inside S3; limits how many there are at once.
            long_parts: for those that take long; by default they are like all others.
        """
        self._calls = calls
        self._sender = sender
        self._clock = clock
        self._slots = slots
        self._long = long_parts or LongParts(slots=slots, learn_speed=_ignore)
        self._chance = chance or random.Random()  # noqa: S311 - spreads waits
        self._patience = patience

    async def move(
        self, upload_id: UploadId, numbers: Sequence[int], *, part_bytes: int
    ) -> tuple[ArrivedPart, ...] | Restart | GivenUp:
        """Bring the parts *numbers*, of *part_bytes* each, home side by side.

        The first part that cannot come ends it: parts under way are finished, no further one is begun.
        Raises RestError when signing or adding is refused, except for an upload that no longer exists: Restart.
        """
        arrived: list[ArrivedPart] = []
        is_long = part_bytes > LONG_COPY_BYTES
        lane = Lane(slots=self._long.slots, long_bytes=part_bytes) if is_long else Lane(slots=self._slots)
        try:
            for begin in range(0, len(numbers), SIGNED_AT_ONCE):
                signed = await self._calls.presign(upload_id=upload_id, numbers=numbers[begin : begin + SIGNED_AT_ONCE])
                outcomes = await self._move_signed(upload_id, signed, lane)
                for outcome in outcomes:
                    if not isinstance(outcome, ArrivedPart):
                        return outcome
                    arrived.append(outcome)
        except NotFound as error:
            return Restart(cause=RestartCause.UPLOAD_GONE, detail=error.what)
        return tuple(arrived)

    async def _move_signed(
        self, upload_id: UploadId, signed: Sequence[PresignedPart], lane: Lane
    ) -> list[ArrivedPart | Restart | GivenUp]:
        troubles: list[Restart | GivenUp] = []

        async def one(part: PresignedPart) -> ArrivedPart | Restart | GivenUp:
            outcome = await self._move_one(upload_id, part, troubles, lane)
            if not isinstance(outcome, ArrivedPart):
                troubles.append(outcome)
            return outcome

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(part)) for part in signed]
        except BaseExceptionGroup as together:
            # callers tell errors apart by their type, so they get the error and not the group
            raise together.exceptions[0] from together
        return [task.result() for task in tasks]

    async def _move_one(
        self, upload_id: UploadId, part: PresignedPart, troubles: Sequence[Restart | GivenUp], lane: Lane
    ) -> ArrivedPart | Restart | GivenUp:
        refusal = ""
        for _ in range(MOST_ADDS):
            etag = await self._send(upload_id, part, troubles, lane)
            if not isinstance(etag, str):
                return etag
            # for a copy nothing is verified here: a wrong value would only surface at completion (contract 8.6)
            answer = await self._calls.add_part(upload_id=upload_id, number=part.number, md5=etag)
            if isinstance(answer, PartAdded):
                return ArrivedPart(number=part.number, etag=etag, source_etag=source_etag_of(part))
            refusal = answer.detail
        return GivenUp(reason=ReasonCode.COPY_INCOMPLETE, detail=f"Part {part.number} was not taken: {refusal}")

    async def _send(
        self, upload_id: UploadId, part: PresignedPart, troubles: Sequence[Restart | GivenUp], lane: Lane
    ) -> str | Restart | GivenUp:
        """Have S3 copy one part; its ETag. Bounded, because `judge_part` gives up on the numbers in `tries`.

        Not begun when its turn comes after *troubles* with other parts of the upload.
        """
        tries = PartTries()
        while True:
            async with lane.slots:
                if troubles:
                    return troubles[0]
                began = time.monotonic()
                answer = await self._sender.copy_part(part.url, part.headers)
            if isinstance(answer, PartCopied):
                self._tell_speed(lane, time.monotonic() - began)
                return answer.etag
            step = judge_part(answer, tries, jitter=self._chance.random(), patience=self._patience)
            match step:
                case SendAgain(wait_seconds=seconds):
                    await self._clock.sleep(seconds)
                    tries = replace(tries, busy=tries.busy + 1)
                case SignAgain():
                    (part,) = await self._calls.presign(upload_id=upload_id, numbers=(part.number,))
                    tries = replace(tries, signatures=tries.signatures + 1)
                case Restart() | GivenUp():
                    return step

    def _tell_speed(self, lane: Lane, seconds: float) -> None:
        if lane.long_bytes is not None:
            self._long.learn_speed(lane.long_bytes, seconds)


def _ignore(part_bytes: int, seconds: float) -> None:
    """Learn nothing."""
    del part_bytes, seconds


def source_etag_of(part: PresignedPart) -> str | None:
    """The source object's ETag that the copy of *part* is conditional on, if the service signed one; no quotes."""
    for name, value in part.headers:
        if name.lower() == IF_MATCH_HEADER:
            return value.strip().strip('"')
    return None
