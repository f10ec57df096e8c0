"""Puts a local file into Synapse: bytes first, then the entity that refers to them. Safe to repeat at any point."""

import asyncio
from dataclasses import dataclass, field

from storage_core.errors import BadRequest, UsageError
from storage_core.model.destinations import LocationKind
from storage_core.model.entities import FileSnapshot
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.transfers import (
    LocalFile,
    TransferWishes,
    Upload,
    UploadDestination,
    Uploaded,
    UploadOrder,
    UploadPurpose,
    UploadResult,
)
from storage_core.plan.uploading import check_size, content_type_of, file_name_of, is_equal
from storage_core.steps.placing import Place, find_file, place_handle, read_file
from storage_core.steps.storing import Storing
from storage_core.transfer_ports import Files, LocalFiles, StoreChoice

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
        new, one more to look for its name, one more again when there is one of that name.

        Raises:
            UsageError: no such file, a name Synapse refuses, a folder of that name, a place that takes no such file.
            TransferFailed: the bytes could not be stored. Nothing refers to what may have arrived.
            RestError, AccessError, ServiceUnavailable: see `ports`.
        """
        present = await self._present(order)
        name = file_name_of(order, present)
        destination = await self._destination(_container_of(order, present), order.location_id)
        store = self.stores.for_upload(destination, self.wishes)
        local = await self.local.measure(order.path)
        check_size(local, store.limits, destination)
        if present is not None and not order.even_if_equal and is_equal(local, present, destination.location_id):
            return _unchanged(local, present, destination)
        purpose = UploadPurpose(
            container_id=destination.entity_id,
            location_id=destination.location_id,
            file_name=name,
            size_bytes=local.size_bytes,
            md5=local.md5,
        )
        upload = Upload(
            file=local,
            file_name=name,
            content_type=order.content_type or content_type_of(name),
            destination=destination,
            ticket="",
        )
        handle_id = await self.storing.store(upload, store, purpose)
        place = Place(
            container_id=destination.entity_id,
            name=name,
            description=order.description,
            version_comment=order.version_comment,
        )
        placed = await place_handle(handle_id, place, present, self.files)
        self.storing.settled(store, purpose)
        return Uploaded(
            path=local.path,
            entity_id=placed.state.entity_id,
            name=name,
            version=placed.state.version,
            handle_id=handle_id,
            location_id=destination.location_id,
            size_bytes=local.size_bytes,
            md5=local.md5,
            result=placed.result,
        )

    async def _present(self, order: UploadOrder) -> FileSnapshot | None:
        if order.entity_id is not None:
            return await read_file(order.entity_id, self.files)
        if order.parent_id is None:
            raise UsageError("It is not said where the file goes.", fix="Give a project, a folder or a file.")
        if order.is_name_free:
            return None
        return await find_file(file_name_of(order, None), order.parent_id, self.files)

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


def _container_of(order: UploadOrder, present: FileSnapshot | None) -> EntityId:
    container_id = order.parent_id if present is None else present.parent_id
    if container_id is None:
        raise UsageError("The file is in no container that can be seen.", fix="Give the project or folder.")
    return container_id


def _unchanged(local: LocalFile, present: FileSnapshot, destination: UploadDestination) -> Uploaded:
    return Uploaded(
        path=local.path,
        entity_id=present.entity_id,
        name=present.name,
        version=present.version,
        handle_id=FileHandleId(present.handle_id or ""),
        location_id=destination.location_id,
        size_bytes=local.size_bytes,
        md5=local.md5,
        result=UploadResult.UNCHANGED,
    )
