"""The engine `synapse`: the service has S3 copy the bytes; nothing passes through us (contract 8).

One copy is one deterministic start request. Whoever repeats it, after a crash or on purpose, meets the same upload
and goes on with the parts it lacks, or meets the finished handle: there is no second object.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from storage_core.engines.multipart_calls import MultipartCalls, PartSender
from storage_core.engines.part_moving import ArrivedPart, LongParts, PartMover
from storage_core.engines.part_troubles import REASON_OF_CAUSE, GivenUp, Restart, RestartCause
from storage_core.errors import BadRequest, Forbidden, NotFound, RestError, ServerFault
from storage_core.model.copies import Copied, CopyEvidence, CopyFailed, CopyRequest, EngineName, PartPlan
from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.engines import EngineCapabilities
from storage_core.model.handles import HandleKind
from storage_core.model.ids import FileHandleId, StorageLocationId, UploadId
from storage_core.model.items import ReasonCode
from storage_core.plan.file_names import clean_file_name, is_valid_file_name, may_be_valid_file_name
from storage_core.plan.parts import SERVICE_LIMITS, PartLimits, plan_parts
from storage_core.ports.clock import Clock
from storage_core.synapse.wire_multipart import MultipartStart

SYNAPSE_CAPABILITIES = EngineCapabilities(
    name=EngineName.SYNAPSE,
    reads=frozenset({HandleKind.S3}),
    writes=frozenset({LocationKind.SYNAPSE_S3, LocationKind.EXTERNAL_S3}),
    needs_keys=False,
    calls_per_copy=3,
    calls_per_part=1,
)

_BAD_GATEWAY = 502
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finished:
    """The new handle, and the parts that were moved to make it; none when an earlier run had made it."""

    new: FileHandleId
    arrived: tuple[ArrivedPart, ...] = ()


class OwnLocations(Protocol):
    """The one question the engine has about storage locations; `ports.catalog.Catalog` answers it."""

    async def location(self, location_id: StorageLocationId) -> LocationFacts:
        """A storage location of the caller's own. One call. Forbidden when it is somebody else's."""
        ...


class SynapseCopyEngine:
    """Implements `ports.copying.CopyEngine` with the service's multipart copy.

    Calls for a copy of P parts: 3 + P; 1 when an earlier run had finished it.
    """

    def __init__(
        self,
        calls: MultipartCalls,
        sender: PartSender,
        locations: OwnLocations,
        *,
        clock: Clock,
        s3_slots: AbstractAsyncContextManager[object],
        long_parts: LongParts | None = None,
        limits: PartLimits = SERVICE_LIMITS,
    ) -> None:
        """Borrow everything.

        Args:
            calls: the multipart calls, such as `synapse.endpoints.multipart.Multipart`.
            sender: to S3, such as `synapse.presigned.PresignedSender`.
            locations: such as the catalog.
            s3_slots: entered around each copy inside S3; shared by all copies, it limits how many there are.
            long_parts: for copies of parts that take long; by default they are like all others.
            limits: other than the service's only in tests.
        """
        self._calls = calls
        self._parts = PartMover(calls, sender, clock=clock, slots=s3_slots, long_parts=long_parts)
        self._locations = locations
        self._clock = clock
        self._limits = limits
        self._owned: set[StorageLocationId] = set()

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        """Copy once; expected trouble comes back as a value.

        Cancelling it between any two calls loses nothing: the same request goes on where it ended.

        Raises:
            Forbidden, NotFound: the destination is not the caller's, or does not exist; nothing can be copied there.
            AccessError, ServiceUnavailable: the run has to stop.
        """
        hindrance = self._hindrance(request)
        if hindrance is not None:
            return _failed(request, *hindrance)
        plan = self._plan(request)
        force_restart = request.discard_previous
        met: set[RestartCause] = set()
        while True:  # each cause may restart once, so this ends
            state = await self._start(request, plan, force_restart=force_restart)
            if isinstance(state, CopyFailed):
                return state
            outcome = await self._bring_home(request, plan, state)
            if not isinstance(outcome, Restart):
                return outcome
            if outcome.cause in met:
                return _failed(request, REASON_OF_CAUSE[outcome.cause], outcome.detail)
            met.add(outcome.cause)
            if outcome.cause is RestartCause.UPLOAD_GONE:
                finished = await self._finished_by_another(request, plan)
                if finished is not None:
                    return finished
            force_restart = True

    async def disown(self, request: CopyRequest) -> None:
        """Have the service forget the copy, which it would give to any identical request for 30 days (contract 8.3).

        One call. What it begins instead holds no bytes; the next copy goes on with it.

        Raises:
            RestError: the service did not do it.
        """
        if self._hindrance(request) is None:
            await self._start_twice(request, self._plan(request), force_restart=True)

    def _plan(self, request: CopyRequest) -> PartPlan:
        """As they were chosen before the copy was begun, or as the size alone says.

        A chosen size that the service could miscount is not used, whoever wrote it into the index.
        """
        fewest = plan_parts(request.source.size_bytes or 0, limits=self._limits)
        chosen = request.part_size_bytes
        if chosen is None or fewest.count == 1 or not self._limits.smallest_part_bytes <= chosen:
            return fewest
        return PartPlan(size_bytes=fewest.size_bytes, part_size_bytes=min(chosen, fewest.part_size_bytes))

    def _hindrance(self, request: CopyRequest) -> tuple[ReasonCode, str] | None:
        """What needs no call to be known."""
        size_bytes = request.source.size_bytes
        if size_bytes is None:
            return ReasonCode.NO_SIZE, "Synapse recorded no size for the source."
        if size_bytes == 0:
            return ReasonCode.EMPTY_FILE, "The service refuses to copy 0 bytes (contract 8.1)."
        if not request.source.md5:
            return ReasonCode.NO_MD5, "Synapse recorded no MD5 for the source."
        if size_bytes > self._limits.largest_object_bytes:
            return ReasonCode.REFUSED, f"{size_bytes} bytes are more than one object can have."
        return None

    async def _start(self, request: CopyRequest, plan: PartPlan, *, force_restart: bool) -> MultipartStart | CopyFailed:
        """Start or continue; the service's refusals as values."""
        try:
            return await self._start_twice(request, plan, force_restart=force_restart)
        except (Forbidden, NotFound) as error:
            return _failed(request, *await self._explain(error, request.destination))
        except ServerFault as error:
            # a missing or closed source object is answered 502, for ever (contract 8.4)
            is_source = error.status == _BAD_GATEWAY
            return _failed(request, ReasonCode.SOURCE_UNREADABLE if is_source else ReasonCode.SERVICE_FAULT, error.what)
        except RestError as error:
            return _failed(request, ReasonCode.REFUSED, error.what)

    async def _finished_by_another(self, request: CopyRequest, plan: PartPlan) -> Copied | CopyFailed | None:
        """An upload is also gone once it is complete: another process of ours, or a late call of a killed one, did it.

        Forcing a restart then would make a second object.
        """
        state = await self._start(request, plan, force_restart=False)
        if isinstance(state, CopyFailed):
            return state
        return None if state.result is None else _copied(request, plan, _Finished(new=state.result))

    async def _start_twice(self, request: CopyRequest, plan: PartPlan, *, force_restart: bool) -> MultipartStart:
        """Start; once more after a 400, which is also how two identical starts at a time collide (contract 8.3)."""
        first_name, second_name = _names_to_send(request.source.file_name)
        try:
            return await self._calls.start_copy(
                request=request, parts=plan, file_name=first_name, force_restart=force_restart
            )
        except BadRequest:
            await self._clock.sleep(_PAUSE_SECONDS)
            return await self._calls.start_copy(
                request=request, parts=plan, file_name=second_name, force_restart=force_restart
            )

    async def _explain(self, error: Forbidden | NotFound, destination: StorageLocationId) -> tuple[ReasonCode, str]:
        """Say which end was refused: only its creator is shown a storage location. One call per run.

        Raises when it is the destination: then no file can be copied there.
        """
        if destination not in self._owned:
            try:
                await self._locations.location(destination)
            except ServerFault as fault:
                return ReasonCode.SERVICE_FAULT, fault.what
            self._owned.add(destination)
        return ReasonCode.NO_DOWNLOAD_ACCESS if isinstance(error, Forbidden) else ReasonCode.GONE, error.what

    async def _bring_home(
        self, request: CopyRequest, plan: PartPlan, state: MultipartStart
    ) -> Copied | CopyFailed | Restart:
        """Move what is missing and complete."""
        if len(state.parts_added) != plan.count:
            # before a byte is sent: the service would complete without the part it did not count (contract 8.1)
            detail = f"The service counts {len(state.parts_added)} parts where {plan.count} make the whole."
            return _failed(request, ReasonCode.REFUSED, detail)
        if state.result is not None:
            return _copied(request, plan, _Finished(new=state.result))
        try:
            outcome = await self._move_and_complete(state, plan)
        except RestError as error:
            return _failed(request, ReasonCode.SERVICE_FAULT, error.what)
        match outcome:
            case GivenUp(reason=reason, detail=detail):
                return _failed(request, reason, detail)
            case Restart():
                return outcome
            case _Finished():
                return _copied(request, plan, outcome)

    async def _move_and_complete(self, state: MultipartStart, plan: PartPlan) -> _Finished | Restart | GivenUp:
        """Move the missing parts; when the whole is refused, move all of them once more."""
        refusal = ""
        for numbers in (state.missing_parts, tuple(range(1, plan.count + 1))):
            try:
                arrived = await self._parts.move(state.upload_id, numbers, part_bytes=plan.part_size_bytes)
            except BadRequest as error:
                # a complete upload takes no part any more (contract 8.6)
                return Restart(cause=RestartCause.UPLOAD_GONE, detail=error.what)
            if isinstance(arrived, Restart | GivenUp):
                return arrived
            try:
                return _Finished(new=await self._complete_twice(state.upload_id), arrived=arrived)
            except NotFound as error:
                return Restart(cause=RestartCause.UPLOAD_GONE, detail=error.what)
            except BadRequest as error:
                refusal = error.what
        return Restart(cause=RestartCause.NOT_COMPLETED, detail=refusal)

    async def _complete_twice(self, upload_id: UploadId) -> FileHandleId:
        """Complete; once more after a 400, under which passing trouble in S3 is hidden too (contract 8.7)."""
        try:
            return await self._complete(upload_id)
        except BadRequest:
            await self._clock.sleep(_PAUSE_SECONDS)
            return await self._complete(upload_id)

    async def _complete(self, upload_id: UploadId) -> FileHandleId:
        state = await self._calls.complete(upload_id=upload_id)
        if state.result is None:
            raise BadRequest(
                call=f"PUT /file/multipart/{upload_id}/complete", status=201, reason=f"the upload is {state.state}"
            )
        return state.result


def _names_to_send(stored: str | None) -> tuple[str | None, str | None]:
    """The file name of the first start and of the one after a 400. None takes the source's own (contract 8.4).

    Whether "letters" means those of all scripts is not established: such a name is kept if the service takes it.
    """
    if stored is None or is_valid_file_name(stored):
        return None, None
    cleaned = clean_file_name(stored)
    return (None if may_be_valid_file_name(stored) else cleaned), cleaned


def _copied(request: CopyRequest, plan: PartPlan, finished: _Finished) -> Copied:
    """The outcome with its evidence: the ETags only when every part was seen to arrive."""
    arrived = sorted(finished.arrived, key=lambda part: part.number)
    is_complete = len(arrived) == plan.count
    source_etags = {part.source_etag for part in arrived}
    return Copied(
        copy_id=request.copy_id,
        source=request.source.id,
        new=finished.new,
        engine=EngineName.SYNAPSE,
        evidence=CopyEvidence(
            part_count=plan.count,
            part_size_bytes=plan.part_size_bytes,
            part_etags=tuple(part.etag for part in arrived) if is_complete else (),
            source_etag=source_etags.pop() if len(source_etags) == 1 else None,
        ),
    )


def _failed(request: CopyRequest, reason: ReasonCode, detail: str) -> CopyFailed:
    return CopyFailed(copy_id=request.copy_id, source=request.source.id, reason=reason, detail=detail)
