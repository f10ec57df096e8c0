"""Puts a local file into Synapse: bytes first, then the entity that refers to them. Safe to repeat at any point."""

import asyncio
from dataclasses import dataclass, field

from storage_core.errors import BadRequest, UsageError
from storage_core.model.destinations import LocationKind
from storage_core.model.entities import FileSnapshot
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.transfers import (
    LocalFile,
    StoreLimits,
    TransferWishes,
    Upload,
    UploadDestination,
    Uploaded,
    UploadOrder,
    UploadPurpose,
)
from storage_core.model.trees import FileDetails, Provenance
from storage_core.plan.metadata import MetadataChanges, changes_of
from storage_core.plan.uploading import blame_name, check_size, content_type_of, file_name_of, is_equal, parts_to_hash
from storage_core.ports.transfers import ByteStore, Files, LocalFiles, StoreChoice
from storage_core.steps.annotating import activity_for, annotate_placed, apply_metadata
from storage_core.steps.placing import Place, place_handle, read_details, read_file
from storage_core.steps.storing import Storing

# the service tells the same of these at every answer; of the others it makes up a new path each time
_STEADY = frozenset({LocationKind.SYNAPSE_S3, LocationKind.EXTERNAL_S3, LocationKind.EXTERNAL_GOOGLE_CLOUD})
_Wanted = tuple[EntityId, StorageLocationId | None]


@dataclass(slots=True, kw_only=True)
class Uploader:
    """Uploads files; one for all files of a run. Lives on the network loop."""

    files: Files
    stores: StoreChoice
    local: LocalFiles
    storing: Storing
    wishes: TransferWishes = field(default_factory=TransferWishes)
    _destinations: dict[_Wanted, UploadDestination] = field(default_factory=dict)
    _asking: dict[_Wanted, asyncio.Lock] = field(default_factory=dict)

    async def upload(self, order: UploadOrder) -> Uploaded:
        """Make Synapse hold the file as it is: a new entity, a new version, or nothing when it is there already.

        A new version keeps name, annotations and rights of the entity. For a file of one part: five calls when it is
        new, one more to look for its name, one more again when there is one of that name. Provenance costs one call,
        annotations another, where they are not what the order wants.

        Raises:
            UsageError: no such file, a name Synapse refuses, a folder of that name, a place that takes no such file.
            TransferFailed: the bytes could not be stored. Nothing refers to what may have arrived.
            RestError, AccessError, ServiceUnavailable: see `ports`.
        """
        found = await self._compared(order)
        if found.is_there and found.present is not None:
            return await self._annotated(order, found, found.present)
        changes = changes_of(found.present, order.metadata)
        purpose = UploadPurpose(
            container_id=found.destination.entity_id,
            location_id=found.destination.location_id,
            file_name=found.name,
            size_bytes=found.local.size_bytes,
            md5=found.local.md5,
        )
        upload = Upload(
            file=found.local,
            file_name=found.name,
            content_type=order.content_type or content_type_of(found.name),
            destination=found.destination,
            ticket="",
        )
        try:
            handle_id = await self.storing.store(upload, found.store, purpose)
        except BadRequest as error:
            blame_name(found.name, error)
            raise
        place = Place(
            container_id=found.destination.entity_id,
            name=found.name,
            description=order.description,
            version_comment=order.version_comment,
            activity_id=await activity_for(_provenance_of(order, found, changes), self.files),
        )
        present = None if found.present is None else found.present.snapshot
        placed = await place_handle(handle_id, place, present, self.files)
        self.storing.settled(found.store, purpose)
        await annotate_placed(placed.state, changes, order.metadata, self.files)
        return Uploaded(
            path=found.local.path,
            entity_id=placed.state.entity_id,
            name=found.name,
            version=placed.state.version,
            handle_id=handle_id,
            location_id=found.destination.location_id,
            size_bytes=found.local.size_bytes,
            md5=found.local.md5,
            result=placed.result,
        )

    async def limits_at(
        self, parent_id: EntityId, location_id: StorageLocationId | None
    ) -> tuple[UploadDestination, StoreLimits]:
        """Where files of the container go, and what it takes there. One call, none when it was asked for before.

        Raises:
            UsageError: it takes no uploads.
        """
        destination = await self._destination(parent_id, location_id)
        return destination, self.stores.for_upload(destination, self.wishes).limits

    async def _compared(self, order: UploadOrder) -> "_Compared":
        present = await self._present(order)
        snapshot = None if present is None else present.snapshot
        name = file_name_of(order, snapshot)
        destination = await self._destination(_container_of(order, snapshot), order.location_id)
        store = self.stores.for_upload(destination, self.wishes)
        entry = await self.local.entry(order.path)
        if entry.size_bytes is not None:
            # before it is read: what nobody can store may be terabytes
            check_size(order.path, entry.size_bytes, store.limits, destination)
        local = await self.local.measure(order.path, parts_to_hash(store.limits, order, snapshot, destination))
        check_size(local.path, local.size_bytes, store.limits, destination)
        is_there = (
            snapshot is not None and not order.even_if_equal and is_equal(local, snapshot, destination.location_id)
        )
        return _Compared(
            present=present, name=name, destination=destination, store=store, local=local, is_there=is_there
        )

    async def _annotated(self, order: UploadOrder, found: "_Compared", present: FileDetails) -> Uploaded:
        """The content is there; what the file says about itself may not be."""
        newest, result = await apply_metadata(present, order, self.files)
        snapshot = newest.snapshot
        return Uploaded(
            path=found.local.path,
            entity_id=snapshot.entity_id,
            name=snapshot.name,
            version=snapshot.version,
            handle_id=FileHandleId(snapshot.handle_id or ""),
            location_id=found.destination.location_id,
            size_bytes=found.local.size_bytes,
            md5=found.local.md5,
            result=result,
        )

    async def _present(self, order: UploadOrder) -> FileDetails | None:
        entity_id = order.entity_id
        if entity_id is None:
            if order.parent_id is None:
                raise UsageError("It is not said where the file goes.", fix="Give a project, a folder or a file.")
            name = file_name_of(order, None)
            entity_id = None if order.is_name_free else await self.files.child_named(name, order.parent_id)
        if entity_id is None:
            return None
        if order.metadata.is_empty:
            present = FileDetails(snapshot=await read_file(entity_id, self.files))
        else:
            present = await read_details(entity_id, self.files)
        _require_in_place(order, present.snapshot)
        return present

    async def _destination(self, container_id: EntityId, location_id: StorageLocationId | None) -> UploadDestination:
        key = (container_id, location_id)
        # one asks, the others of the same container wait for the answer
        async with self._asking.setdefault(key, asyncio.Lock()):
            known = self._destinations.get(key)
            if known is None:
                known = await self._asked_for(container_id, location_id)
                if known.kind in _STEADY:
                    self._destinations[key] = known
            return known

    async def _asked_for(self, container_id: EntityId, location_id: StorageLocationId | None) -> UploadDestination:
        try:
            return await self.files.destination(container_id, location_id)
        except BadRequest as error:
            raise UsageError(
                f"Synapse takes no uploads for {container_id} there: {error.reason}.",
                fix="Files behind a proxy are put there by its owner and then made known with"
                " `synapse-storage register`; `synapse-storage setting resolve` shows the location.",
            ) from error


def _require_in_place(order: UploadOrder, present: FileSnapshot) -> None:
    if order.parent_id is not None and present.parent_id not in {None, order.parent_id}:
        raise UsageError(
            f"{present.entity_id} ({present.name}) lies in {present.parent_id}, not in {order.parent_id}.",
            fix="Uploads move no files from folder to folder: correct the parent, or leave out the id.",
        )


def _container_of(order: UploadOrder, present: FileSnapshot | None) -> EntityId:
    container_id = order.parent_id if present is None else present.parent_id
    if container_id is None:
        raise UsageError("The file is in no container that can be seen.", fix="Give the project or folder.")
    return container_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """A local file beside what Synapse has in its place; `is_there`: nothing has to travel."""

    present: FileDetails | None
    name: str
    destination: UploadDestination
    store: ByteStore
    local: LocalFile
    is_there: bool


def _provenance_of(order: UploadOrder, found: _Compared, changes: MetadataChanges) -> Provenance | None:
    """What a new version says about how it came about: what is wanted, though the one before said it, too."""
    if changes.provenance is not None or order.metadata.provenance is None or found.present is None:
        return changes.provenance
    return found.present.provenance
