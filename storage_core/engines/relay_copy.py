"""The engine `relay`: the bytes flow through this machine, from any place that gives them to any that takes them.

They are hashed on their way, and become visible at the destination only when the hash is the recorded MD5. The object's
key or path is the same whenever the same copy is asked for, so whoever repeats it, after a crash or on purpose, meets
what is there, reads it back, and makes no second object.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from storage_core.engines.relay_reading import PATIENCE, RelayedContent, SourceFailedError, md5_through
from storage_core.errors import (
    AccessError,
    BadRequest,
    Forbidden,
    NotFound,
    ServerFault,
    SourceChanged,
    SynapseStorageError,
    TransferBroken,
    TransferFailed,
    UsageError,
)
from storage_core.model.copies import Copied, CopyEvidence, CopyFailed, CopyRequest, EngineName
from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.engines import EngineCapabilities
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.transfers import (
    ContentFacts,
    LocalFile,
    MadeHandle,
    Readable,
    Stored,
    TransferWishes,
    Upload,
    UploadDestination,
)
from storage_core.plan.file_names import clean_file_name, may_be_valid_file_name
from storage_core.plan.retrying import backoff_seconds
from storage_core.ports.catalog import Catalog
from storage_core.ports.clock import Clock
from storage_core.ports.transfers import Registrar, StoreChoice, StreamStore, StreamStoreChoice

RELAY_CAPABILITIES = EngineCapabilities(
    name=EngineName.RELAY,
    reads=frozenset(
        {HandleKind.S3, HandleKind.GOOGLE_CLOUD, HandleKind.EXTERNAL_URL, HandleKind.OBJECT_STORE, HandleKind.PROXY}
    ),
    writes=frozenset(
        {
            LocationKind.SYNAPSE_S3,
            LocationKind.EXTERNAL_S3,
            LocationKind.EXTERNAL_GOOGLE_CLOUD,
            LocationKind.EXTERNAL_OBJECT_STORE,
            LocationKind.EXTERNAL_SFTP,
        }
    ),
    needs_keys=False,
    calls_per_copy=3,
    calls_per_part=1,
    through_here=True,
)

_MOST_TRIES = 4
_DEFAULT_CONTENT_TYPE = "application/octet-stream"
_NO_TICKET = "0" * 32
_OWN_LOGINS = frozenset({LocationKind.EXTERNAL_OBJECT_STORE, LocationKind.EXTERNAL_SFTP})
"""Kinds of location where a refused login says nothing about Synapse, so that the run need not stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPlaces:
    """Where bytes come from, where they go, and who tells Synapse of them."""

    sources: StoreChoice
    targets: StreamStoreChoice
    registrar: Registrar
    catalog: Catalog
    wishes: TransferWishes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One copy under way."""

    request: CopyRequest
    upload: Upload
    target: StreamStore
    content: RelayedContent


class RelayCopyEngine:
    """Implements `ports.copying.CopyEngine` with streams of bytes.

    Calls for a copy of P parts: 3 + P into a bucket that Synapse opens, else 1; and 1 for the address of a source that
    Synapse signs (per part that takes longer than such an address lives).
    """

    def __init__(
        self,
        places: RelayPlaces,
        *,
        clock: Clock,
        destination: Callable[[], LocationFacts],
        migration_id: str,
        streams: int,
    ) -> None:
        """Borrow everything.

        Args:
            destination: the location that copies go to; asked when one is made.
            migration_id: copies of another migration are never met.
            streams: copies whose bytes flow at the same time; the others wait.
        """
        self._places = places
        self._clock = clock
        self._destination = destination
        self._migration_id = migration_id
        self._streams = asyncio.Semaphore(streams)

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        """Stream once and register; expected trouble comes back as a value.

        Cancelling it anywhere loses nothing. Between the registration and its commit it may cost a second record
        of the same object in Synapse, which `CopyEvidence.may_be_twice` tells of.

        Raises:
            Forbidden, NotFound: the destination is not the caller's, or does not exist.
            AccessError, ServiceUnavailable: the run has to stop.
        """
        hindrance = _hindrance(request.source)
        if hindrance is not None:
            return _failed(request, *hindrance)
        async with self._streams:
            try:
                job = self._job(request)
                return await self._copied(job)
            except SourceFailedError as error:
                return _failed(request, _reason_of_source(error.trouble), error.trouble.what)
            except UsageError as error:
                return _failed(request, ReasonCode.NO_ENGINE, error.what)

    async def sign_in(self) -> None:
        """Look at the destination with the user's own login, where one is needed; changes nothing there.

        Raises:
            AccessError: there is no login, or it is refused, or the place is not who it should be.
            TransferFailed: the place is not there, or does not answer.
        """
        facts = self._destination()
        if facts.kind not in _OWN_LOGINS:
            return
        nobody = Association(handle_id=FileHandleId("0"), object_id=EntityId("syn0"), kind=AssociationKind.FILE)
        upload = Upload(
            file=LocalFile(path="nothing", size_bytes=0, md5="", modified_ns=0),
            file_name="nothing",
            content_type=_DEFAULT_CONTENT_TYPE,
            destination=_destination_of(facts, nobody, _NO_TICKET),
            ticket=_NO_TICKET,
        )
        await self._places.targets.for_stream(upload.destination).discard(upload)

    async def disown(self, request: CopyRequest) -> None:
        """Remove what was made for this request. Nobody else's: its key belongs to this migration alone.

        Raises:
            RestError: it is still there.
        """
        job = self._job(request)
        try:
            await job.target.discard(job.upload)
        except (TransferFailed, AccessError) as error:
            raise Forbidden(call="DELETE the relayed copy", status=403, reason=error.what) from error

    def _job(self, request: CopyRequest) -> _Job:
        source = request.source
        ticket = ticket_of(self._migration_id, source)
        upload = Upload(
            file=LocalFile(
                path=f"file handle {source.id}",
                size_bytes=source.size_bytes or 0,
                md5=(source.md5 or "").lower(),
                modified_ns=0,
            ),
            file_name=_name_for(source),
            content_type=source.content_type or _DEFAULT_CONTENT_TYPE,
            destination=_destination_of(self._destination(), request.association, ticket),
            ticket=ticket,
        )
        readable = Readable(handle=source, association=request.association)
        return _Job(
            request=request,
            upload=upload,
            target=self._places.targets.for_stream(upload.destination),
            content=self._content(readable, upload.file),
        )

    def _content(self, readable: Readable, expected: LocalFile) -> RelayedContent:
        store = self._places.sources.for_download(readable.handle, None, self._places.wishes)
        return RelayedContent(store, readable, expected, self._clock)

    async def _copied(self, job: _Job) -> Copied | CopyFailed:
        """Pour, register, and read back what was met instead of made; something else there is replaced once."""
        found: str | None = None
        for discard in (job.request.discard_previous, True):
            if discard:
                await job.target.discard(job.upload)
            stored = await self._stored(job)
            if isinstance(stored, CopyFailed):
                return stored
            new = await self._registered(job, stored)
            if isinstance(new, CopyFailed):
                return new
            found = job.content.md5 or await md5_through(
                self._content(
                    Readable(handle=new, association=replace(job.request.association, handle_id=new.id)),
                    job.upload.file,
                )
            )
            if found == job.upload.file.md5:
                return _made(job, new, found, is_registered=not isinstance(stored, MadeHandle))
        return _failed(job.request, ReasonCode.BYTES_DIFFER, f"What lies at the destination has MD5 {found}.")

    async def _stored(self, job: _Job) -> Stored | CopyFailed:
        """Have the target take the bytes, patiently; its refusals as values."""
        what = ""
        for tried in range(_MOST_TRIES):
            if tried:
                await self._clock.sleep(backoff_seconds(tried - 1, jitter=0.5, patience=PATIENCE))
            try:
                return await self._poured(job)
            except SourceChanged:
                return await self._suspect(job)
            except TransferBroken as error:
                what = error.what
            except (TransferFailed, AccessError, BadRequest, ServerFault) as error:
                return _failed(job.request, _reason_of_target(error, job.upload.destination.kind), error.what)
        return _failed(job.request, ReasonCode.S3_FAULT, what)

    async def _poured(self, job: _Job) -> Stored:
        """Pour; once more under a plain name when the service refuses the one it is recorded with."""
        plain = clean_file_name(job.upload.file_name)
        if plain != job.upload.file_name:
            with suppress(BadRequest):
                return await job.target.pour(job.upload, job.content)
        return await job.target.pour(replace(job.upload, file_name=plain), job.content)

    async def _suspect(self, job: _Job) -> CopyFailed:
        """The bytes do not have the recorded MD5: read once more, to tell a wrong record from a bad line."""
        again = await md5_through(self._content(job.content.source, job.upload.file))
        first, recorded = job.content.md5, job.upload.file.md5
        if again == recorded:
            return _failed(
                job.request, ReasonCode.S3_FAULT, f"It was read as {first}, then as {again}, which is right."
            )
        found = f"Recorded MD5 {recorded}; the source was read as {first}, then as {again}."
        is_lasting = again == first or first is None
        return _failed(job.request, ReasonCode.SOURCE_SUSPECT if is_lasting else ReasonCode.SOURCE_CHANGED, found)

    async def _registered(self, job: _Job, stored: Stored) -> FileHandle | CopyFailed:
        """The new handle: what Synapse made of it, or is told of now."""
        request, source = job.request, job.request.source
        try:
            if isinstance(stored, MadeHandle):
                (answer,) = (
                    await self._places.catalog.handles([replace(request.association, handle_id=stored.handle_id)])
                    if job.content.md5 is None
                    else (None,)
                )
                if answer is None:
                    return replace(source, id=stored.handle_id)
                if answer.handle is None:
                    return _failed(request, ReasonCode.COPY_INCOMPLETE, f"New handle {stored.handle_id} is not shown.")
                return answer.handle
            facts = ContentFacts(
                file_name=source.file_name or job.upload.file_name,
                content_type=job.upload.content_type,
                size_bytes=job.upload.file.size_bytes,
                md5=job.upload.file.md5,
            )
            return await self._places.registrar.register(stored, facts)
        except (BadRequest, Forbidden) as error:
            return _failed(request, ReasonCode.NOT_REGISTERED, error.what)
        except ServerFault as error:
            return _failed(request, ReasonCode.SERVICE_FAULT, error.what)


def ticket_of(migration_id: str, source: FileHandle) -> str:
    """32 hex digits that are the same for the same copy, and for no other: part of its key or path."""
    told = f"{migration_id} {source.id} {source.size_bytes} {source.md5}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _name_for(source: FileHandle) -> str:
    stored = source.file_name or "unnamed"
    return stored if may_be_valid_file_name(stored) else clean_file_name(stored)


def _destination_of(facts: LocationFacts, association: Association, ticket: str) -> UploadDestination:
    return UploadDestination(
        entity_id=association.object_id,
        location_id=facts.id,
        kind=facts.kind,
        upload_type=facts.upload_type,
        bucket=facts.bucket,
        base_key=facts.base_key,
        endpoint_url=facts.endpoint_url,
        url=f"{facts.url.rstrip('/')}/{ticket}" if facts.url else None,
    )


def _hindrance(source: FileHandle) -> tuple[ReasonCode, str] | None:
    """What needs no request to be known."""
    if source.size_bytes is None:
        return ReasonCode.NO_SIZE, "Synapse recorded no size for the source."
    if source.size_bytes == 0:
        return ReasonCode.EMPTY_FILE, "An empty file is not copied."
    if not source.md5:
        return ReasonCode.NO_MD5, "Synapse recorded no MD5 for the source."
    if source.kind not in RELAY_CAPABILITIES.reads:
        return ReasonCode.NO_ENGINE, f"Nothing reads files of kind {source.kind}."
    return None


def _reason_of_source(trouble: SynapseStorageError) -> ReasonCode:
    match trouble:
        case TransferBroken():
            return ReasonCode.S3_FAULT
        case AccessError() | Forbidden():
            return ReasonCode.NO_DOWNLOAD_ACCESS
        case NotFound():
            return ReasonCode.GONE
        case _:
            return ReasonCode.SOURCE_UNREADABLE


def _reason_of_target(trouble: SynapseStorageError, kind: LocationKind) -> ReasonCode:
    """Raises what stops the run: Synapse itself lets nobody in."""
    match trouble:
        case BadRequest():
            return ReasonCode.REFUSED
        case ServerFault():
            return ReasonCode.SERVICE_FAULT
        case AccessError():
            if kind not in _OWN_LOGINS:
                raise trouble
            return ReasonCode.NO_KEY_ACCESS
        case _:
            return ReasonCode.S3_FAULT


def _made(job: _Job, new: FileHandle, md5: str, *, is_registered: bool) -> Copied:
    """The outcome; of one piece, since the hash is of the whole."""
    request = job.request
    return Copied(
        copy_id=request.copy_id,
        source=request.source.id,
        new=new.id,
        engine=EngineName.RELAY,
        evidence=CopyEvidence(
            part_count=1,
            part_size_bytes=job.upload.file.size_bytes,
            hashed_md5=md5,
            may_be_twice=is_registered and request.begun_before,
        ),
    )


def _failed(request: CopyRequest, reason: ReasonCode, detail: str) -> CopyFailed:
    return CopyFailed(copy_id=request.copy_id, source=request.source.id, reason=reason, detail=detail)
