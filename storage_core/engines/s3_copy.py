"""The engine `s3`: S3 copies the bytes under the user's own keys, and Synapse is told of the finished object.

One Synapse call for a copy of any size. The key is the same for the same copy, so whoever repeats it, after a crash or
on purpose, meets the object that is there, or the parts of it: there is no second object.
"""

from collections.abc import Callable
from dataclasses import replace

from storage_core.aws.objects import Look, ObjectFacts, ObjectName
from storage_core.aws.refusals import ObjectRefused, ObjectTrouble
from storage_core.engines.object_calls import ObjectCalls, Registrar
from storage_core.engines.patient_objects import PatientObjects
from storage_core.engines.s3_parts import ObjectCopier, ObjectCopy, ObjectMade
from storage_core.errors import AnswerLost, BadRequest, Forbidden, ServerFault
from storage_core.model.copies import Copied, CopyEvidence, CopyFailed, CopyRequest, EngineName, PartPlan
from storage_core.model.destinations import LocationKind
from storage_core.model.engines import EngineCapabilities, KeyCheck, ObjectPlace
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.ids import FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.plan.object_keys import disposition_of, object_key, probe_key
from storage_core.plan.parts import SERVICE_LIMITS, PartLimits, plan_parts
from storage_core.ports.clock import Clock

S3_CAPABILITIES = EngineCapabilities(
    name=EngineName.S3,
    reads=frozenset({HandleKind.S3}),
    # Synapse takes no registration of objects in its own storage (contract 7.6)
    writes=frozenset({LocationKind.EXTERNAL_S3}),
    needs_keys=True,
    calls_per_copy=1,
    calls_per_part=0,
)

_DEFAULT_CONTENT_TYPE = "application/octet-stream"
_REASONS = {
    ObjectTrouble.DENIED: ReasonCode.NO_KEY_ACCESS,
    ObjectTrouble.CHANGED: ReasonCode.SOURCE_CHANGED,
    ObjectTrouble.GONE: ReasonCode.SOURCE_UNREADABLE,
    ObjectTrouble.NO_UPLOAD: ReasonCode.COPY_INCOMPLETE,
    ObjectTrouble.BUSY: ReasonCode.S3_FAULT,
    ObjectTrouble.REFUSED: ReasonCode.REFUSED,
}


class S3CopyEngine:
    """Implements `ports.copying.CopyEngine` and `ports.copying.OwnKeys`."""

    def __init__(
        self,
        objects: ObjectCalls,
        registrar: Registrar,
        *,
        clock: Clock,
        place: Callable[[], ObjectPlace],
        limits: PartLimits = SERVICE_LIMITS,
    ) -> None:
        """Borrow everything; *place* says where the copies of this migration go, and is asked when one is made."""
        self._objects = objects
        self._registrar = registrar
        self._patient = PatientObjects(clock)
        self._copier = ObjectCopier(objects, self._patient)
        self._place = place
        self._limits = limits

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        """Copy once and register the object; expected trouble comes back as a value.

        Cancelling it anywhere loses nothing. Between the registration and its commit it may cost a second record
        of the same object in Synapse, which `CopyEvidence.may_be_twice` tells of. A lost answer to the registration is
        asked for once more and not again: each request may leave a record, and nobody can look those up.

        Raises:
            Forbidden, NotFound: the destination is not the caller's, or does not exist; nothing can be copied there.
            AccessError, ServiceUnavailable: the run has to stop.
        """
        hindrance = _hindrance(request.source, self._limits)
        if hindrance is not None:
            return _failed(request, *hindrance)
        try:
            source = await self._source(request)
            if source.size_bytes != request.source.size_bytes:
                detail = f"Synapse recorded {request.source.size_bytes} bytes, the object has {source.size_bytes}."
                return _failed(request, ReasonCode.SOURCE_SUSPECT, detail)
            target = self._target(request.source, source)
            made, met = await self._make(request, source, target)
            new = await self._looked_at(target, request.source, made, met)
        except ObjectRefused as refused:
            return _failed(request, _REASONS[refused.trouble], refused.detail)
        if isinstance(new, str):
            return _failed(request, ReasonCode.SIZE_DIFFERS, new)
        return await self._registered(request, target, _evidence(made, source, new, is_met=met is not None))

    async def disown(self, request: CopyRequest) -> None:
        """Delete the object that was made for this request. Nobody else's: its key belongs to this migration alone.

        Raises:
            RestError: it is still there.
        """
        try:
            source = await self._source(request)
            await self._copier.clear(self._target(request.source, source))
        except ObjectRefused as refused:
            if refused.trouble is ObjectTrouble.GONE:
                return
            raise Forbidden(call="DELETE the copy in S3", status=403, reason=refused.detail) from refused

    async def may_write(self) -> KeyCheck:
        """Begin an upload at the destination and abort it again: nothing is left behind."""
        place = self._place()
        target = ObjectName(bucket=place.bucket, key=probe_key(place))
        look = Look(content_type="text/plain", disposition=None)
        try:
            upload = await self._patient.ask(lambda: self._objects.begin(target, look=look, algorithm=None))
            # with it goes what a run that was killed right here has left
            await self._copier.abort_all(target, upload)
        except ObjectRefused as refused:
            return KeyCheck(is_allowed=False, detail=refused.detail)
        return KeyCheck(is_allowed=True)

    async def may_read(self, sample: FileHandle) -> KeyCheck:
        """Look at one object: whether it can be seen, and is the one that Synapse means."""
        if sample.bucket is None or sample.key is None:
            return KeyCheck(is_allowed=False, detail="Synapse does not say where it is")
        name = ObjectName(bucket=sample.bucket, key=sample.key)
        try:
            found = await self._patient.ask(lambda: self._objects.head(name))
        except ObjectRefused as refused:
            return KeyCheck(is_allowed=False, detail=refused.detail)
        if found.size_bytes != sample.size_bytes:
            said = f"{sample.key} has {found.size_bytes} bytes there, and {sample.size_bytes} in Synapse's record"
            return KeyCheck(is_allowed=False, detail=said)
        return KeyCheck(is_allowed=True)

    async def _source(self, request: CopyRequest) -> ObjectFacts:
        name = _name_of(request.source)
        return await self._patient.ask(lambda: self._objects.head(name))

    def _target(self, source: FileHandle, facts: ObjectFacts) -> ObjectName:
        place = self._place()
        return ObjectName(bucket=place.bucket, key=object_key(place, source, source_etag=facts.etag))

    async def _make(
        self, request: CopyRequest, source: ObjectFacts, target: ObjectName
    ) -> tuple[ObjectMade, ObjectFacts | None]:
        """Make the object, or meet the one that an earlier try made; the latter with what is known of it."""
        parts = self._parts(request)
        if request.discard_previous:
            await self._copier.clear(target)
        elif request.begun_before:
            met = await self._copier.find(target)
            if met is not None and met.size_bytes == source.size_bytes:
                # an object made in one piece tells of its bytes by itself
                return ObjectMade(parts=parts, etags=(met.etag,) if parts.count == 1 else ()), met
        order = ObjectCopy(
            source=_name_of(request.source),
            target=target,
            facts=source,
            look=Look(
                content_type=request.source.content_type or _DEFAULT_CONTENT_TYPE,
                disposition=disposition_of(request.source),
            ),
            parts=parts,
            begun_before=request.begun_before and not request.discard_previous,
        )
        return await self._copier.copy(order), None

    def _parts(self, request: CopyRequest) -> PartPlan:
        size_bytes = request.source.size_bytes or 0
        if request.part_size_bytes is not None:
            return PartPlan(size_bytes=size_bytes, part_size_bytes=request.part_size_bytes)
        if size_bytes == 0:
            return PartPlan(size_bytes=1, part_size_bytes=1)
        return plan_parts(size_bytes, limits=self._limits)

    async def _looked_at(
        self, target: ObjectName, source: FileHandle, made: ObjectMade, met: ObjectFacts | None
    ) -> ObjectFacts | str | None:
        """The new object, if the keys may see it; a sentence when it is not as long as the source.

        Not looked at when it is in one piece and its ETag is the recorded MD5: no more could be learnt.
        """
        if met is not None or made.etags == (source.md5,):
            return met
        new = await self._copier.find(target)
        if new is None or new.size_bytes == source.size_bytes:
            return new
        # nothing refers to it yet, and a repeat must not go on with it
        await self._copier.clear(target)
        return f"The source has {source.size_bytes} bytes, the copy had {new.size_bytes}; it was deleted."

    async def _registered(
        self, request: CopyRequest, target: ObjectName, evidence: CopyEvidence
    ) -> Copied | CopyFailed:
        may_be_twice = evidence.may_be_twice
        try:
            try:
                new = await self._register(request, target, is_repeat=may_be_twice)
            except AnswerLost:
                may_be_twice = True
                new = await self._register(request, target, is_repeat=True)
        except BadRequest as error:
            return _failed(request, ReasonCode.NOT_REGISTERED, error.what)
        except ServerFault as error:
            return _failed(request, ReasonCode.SERVICE_FAULT, error.what)
        return Copied(
            copy_id=request.copy_id,
            source=request.source.id,
            new=new,
            engine=EngineName.S3,
            evidence=replace(evidence, may_be_twice=may_be_twice),
        )

    async def _register(self, request: CopyRequest, target: ObjectName, *, is_repeat: bool) -> FileHandleId:
        handle = await self._registrar.register_s3(
            location_id=request.destination,
            bucket=target.bucket,
            key=target.key,
            source=request.source,
            is_repeat=is_repeat,
        )
        return handle.id


def _hindrance(source: FileHandle, limits: PartLimits) -> tuple[ReasonCode, str] | None:
    """What needs no request to be known."""
    if source.size_bytes is None:
        return ReasonCode.NO_SIZE, "Synapse recorded no size for the source."
    if not source.md5:
        return ReasonCode.NO_MD5, "Synapse recorded no MD5 for the source."
    if source.bucket is None or source.key is None:
        return ReasonCode.REFUSED, "Synapse does not say where the source object is."
    if source.size_bytes > limits.largest_object_bytes:
        return ReasonCode.REFUSED, f"{source.size_bytes} bytes are more than one object can have."
    return None


def _name_of(source: FileHandle) -> ObjectName:
    return ObjectName(bucket=source.bucket or "", key=source.key or "")


def _evidence(made: ObjectMade, source: ObjectFacts, new: ObjectFacts | None, *, is_met: bool) -> CopyEvidence:
    is_comparable = (
        source.checksum is not None
        and new is not None
        and new.checksum is not None
        and source.checksum.algorithm == new.checksum.algorithm
    )
    return CopyEvidence(
        part_count=made.parts.count,
        part_size_bytes=made.parts.part_size_bytes,
        part_etags=made.etags,
        source_etag=source.etag,
        source_checksum=str(source.checksum) if is_comparable else None,
        new_checksum=str(new.checksum) if is_comparable and new is not None else None,
        may_be_twice=is_met,
    )


def _failed(request: CopyRequest, reason: ReasonCode, detail: str) -> CopyFailed:
    return CopyFailed(copy_id=request.copy_id, source=request.source.id, reason=reason, detail=detail)
