"""Copies one object into another inside S3 with the user's own keys, in one piece or in parts side by side."""

import asyncio
import re
from dataclasses import dataclass

from storage_core.aws.objects import Look, ObjectFacts, ObjectName, StoredPart, Upload
from storage_core.aws.refusals import ObjectRefused, ObjectTrouble
from storage_core.engines.object_calls import ObjectCalls
from storage_core.engines.patient_objects import PatientObjects
from storage_core.model.copies import PartPlan, PartRange
from storage_core.plan.parts import aligned_with, ranges

_COMPOSITE = re.compile(r"[0-9a-f]{32}-(\d{1,5})", re.IGNORECASE)
_LEAST_FOR_PARTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCopy:
    """One object to be made of another.

    Attributes:
        facts: of the source; every piece is copied on the condition that it still has this ETag.
        begun_before: an upload of an earlier try may be under way.
    """

    source: ObjectName
    target: ObjectName
    facts: ObjectFacts
    look: Look
    parts: PartPlan
    begun_before: bool

    @property
    def algorithm(self) -> str | None:
        """The checksum to ask for, so that it can be compared with the source's."""
        return self.facts.checksum.algorithm if self.facts.checksum else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMade:
    """The object is there; the ETags of its pieces in order, none when an earlier try had made it."""

    parts: PartPlan
    etags: tuple[str, ...] = ()


class ObjectCopier:
    """Makes objects. Every method raises ObjectRefused when patience was no help."""

    def __init__(self, objects: ObjectCalls, patient: PatientObjects) -> None:
        self._objects = objects
        self._patient = patient

    async def copy(self, order: ObjectCopy) -> ObjectMade:
        """Make the object; goes on with the parts that an earlier try brought home."""
        if order.parts.count < _LEAST_FOR_PARTS:
            etag = await self._patient.ask(
                lambda: self._objects.copy(
                    order.source, order.target, etag=order.facts.etag, look=order.look, algorithm=order.algorithm
                )
            )
            return ObjectMade(parts=order.parts, etags=(etag,))
        plan = await self._aligned(order)
        try:
            return await self._in_parts(order, plan)
        except ObjectRefused as refused:
            if refused.trouble is not ObjectTrouble.NO_UPLOAD:
                raise
        # the upload is gone: a late request of ours has completed it, or somebody has cleared it away
        if await self.is_whole(order.target, size_bytes=order.facts.size_bytes):
            return ObjectMade(parts=plan)
        return await self._in_parts(order, plan)

    async def is_whole(self, target: ObjectName, *, size_bytes: int) -> bool:
        """Whether an object of this size is there."""
        found = await self.find(target)
        return found is not None and found.size_bytes == size_bytes

    async def find(self, target: ObjectName) -> ObjectFacts | None:
        """The object, if it is there and may be seen: without the right to list, S3 denies what is not there."""
        try:
            return await self._patient.ask(lambda: self._objects.head(target))
        except ObjectRefused as refused:
            if refused.trouble in {ObjectTrouble.GONE, ObjectTrouble.DENIED}:
                return None
            raise

    async def clear(self, target: ObjectName) -> None:
        """Leave nothing at this key: no object, and no upload under way."""
        await self.abort_all(target)
        await self._patient.ask(lambda: self._objects.delete(target))

    async def abort_all(self, target: ObjectName, *known: Upload) -> None:
        """Abort the uploads to this key: those that are known, and those that are found."""
        for upload in {*known, *await self._uploads(target)}:
            await self._abort(upload)

    async def _aligned(self, order: ObjectCopy) -> PartPlan:
        """The plan, or the source's own parts where only their ETags can tell that the bytes are the same."""
        composite = _COMPOSITE.fullmatch(order.facts.etag)
        if composite is None or order.facts.checksum is not None:
            return order.parts
        try:
            cut = await self._patient.ask(lambda: self._objects.cut(order.source))
        except ObjectRefused:
            return order.parts  # a store that knows no part numbers
        if cut is None or cut.parts != int(composite.group(1)):
            return order.parts
        return aligned_with(order.parts, parts=cut.parts, first_part_bytes=cut.first_part_bytes)

    async def _in_parts(self, order: ObjectCopy, plan: PartPlan) -> ObjectMade:
        upload, there = await self._upload(order)
        etags = await self._move(order, plan, upload, {part.number: part for part in there})
        await self._patient.ask(lambda: self._objects.complete(upload, etags))
        return ObjectMade(parts=plan, etags=etags)

    async def _upload(self, order: ObjectCopy) -> tuple[Upload, tuple[StoredPart, ...]]:
        """The latest upload of an earlier try with what it has, or a new one; older ones are aborted."""
        found = await self._uploads(order.target) if order.begun_before else ()
        for upload in found[:-1]:
            await self._abort(upload)
        if found:
            return found[-1], await self._patient.ask(lambda: self._objects.parts(found[-1]))
        begun = await self._patient.ask(
            lambda: self._objects.begin(order.target, look=order.look, algorithm=order.algorithm)
        )
        return begun, ()

    async def _uploads(self, target: ObjectName) -> tuple[Upload, ...]:
        try:
            return await self._patient.ask(lambda: self._objects.uploads(target))
        except ObjectRefused as refused:
            if refused.trouble is ObjectTrouble.DENIED:
                return ()  # listing uploads is a right of its own; without it every try begins anew
            raise

    async def _abort(self, upload: Upload) -> None:
        try:
            await self._patient.ask(lambda: self._objects.abort(upload))
        except ObjectRefused as refused:
            if refused.trouble is not ObjectTrouble.NO_UPLOAD:
                raise

    async def _move(
        self, order: ObjectCopy, plan: PartPlan, upload: Upload, there: dict[int, StoredPart]
    ) -> tuple[str, ...]:
        async def one(part: PartRange) -> str:
            stored = there.get(part.number)
            if stored is not None and stored.size_bytes == part.size_bytes:
                return stored.etag
            return await self._patient.ask(
                lambda: self._objects.copy_part(upload, order.source, part, etag=order.facts.etag)
            )

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(part)) for part in ranges(plan)]
        except BaseExceptionGroup as together:
            # callers tell refusals apart, so they get the refusal and not the group
            raise together.exceptions[0] from together
        return tuple(task.result() for task in tasks)
