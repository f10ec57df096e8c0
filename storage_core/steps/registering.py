"""Makes bytes that are in their place known to Synapse: a file handle and, if asked for, a file entity."""

from dataclasses import dataclass, replace

from storage_core.errors import Forbidden, UsageError
from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import EntityKind, FileSnapshot
from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId
from storage_core.model.transfers import (
    AddressedFile,
    ContentFacts,
    Registered,
    RegisterOrder,
    Registrable,
    UploadResult,
)
from storage_core.plan.registering import facts_of, registrable_of
from storage_core.ports.catalog import Catalog
from storage_core.ports.transfers import Files, LocalFiles, Registrar
from storage_core.steps.placing import Place, find_file, place_handle, read_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Registering:
    """Registers objects; one for all of a run. Lives on the network loop."""

    files: Files
    registrar: Registrar
    local: LocalFiles
    catalog: Catalog

    async def register(self, order: RegisterOrder) -> Registered:
        """Make the handle, and have the entity refer to it; nothing when the entity refers to these bytes already.

        Synapse looks whether an object in S3 or Google Cloud is there, and nowhere else; the MD5 is believed.

        Raises:
            UsageError: the words mean nothing at that location, or a fact is missing.
            Forbidden: the location is somebody else's.
            BadRequest: the service finds no such object, or refuses the handle.
        """
        if order.local_path is not None:
            measured = await self.local.measure(order.local_path)
            order = replace(order, size_bytes=measured.size_bytes, md5=measured.md5)
        registrable = registrable_of(order, await self._location(order))
        facts = facts_of(order, registrable)
        if order.entity_id is None:
            return Registered(handle=await self.registrar.register(registrable, facts))
        container_id, present = await self._place(order.entity_id, facts.file_name)
        if present is not None and present.handle is not None and _is_same(present.handle, registrable, facts):
            return Registered(
                handle=present.handle,
                entity_id=present.entity_id,
                version=present.version,
                result=UploadResult.UNCHANGED,
            )
        handle = await self.registrar.register(registrable, facts)
        place = Place(container_id=container_id, name=facts.file_name)
        placed = await place_handle(handle.id, place, present, self.files)
        return Registered(
            handle=handle, entity_id=placed.state.entity_id, version=placed.state.version, result=placed.result
        )

    async def _location(self, order: RegisterOrder) -> LocationFacts | None:
        if order.location_id is None:
            return None
        try:
            return await self.catalog.location(order.location_id)
        except Forbidden:
            # an object store may be used by anybody (contract 7.7); the service says what it makes of the rest
            if order.entity_id is None:
                raise
            return await self.catalog.location_seen_from(order.entity_id, order.location_id)

    async def _place(self, entity_id: EntityId, name: str) -> tuple[EntityId, FileSnapshot | None]:
        header = (await self.catalog.root(entity_id)).header
        if header.kind.is_container:
            return entity_id, await find_file(name, entity_id, self.files)
        if header.kind is not EntityKind.FILE:
            raise UsageError(f"{entity_id} is a {header.kind}.", fix="Give a project, a folder or a file.")
        present = await read_file(entity_id, self.files)
        return present.parent_id or entity_id, present


def _is_same(handle: FileHandle, registrable: Registrable, facts: ContentFacts) -> bool:
    if handle.md5 != facts.md5 or facts.size_bytes not in {None, handle.size_bytes}:
        return False
    if isinstance(registrable, AddressedFile):
        return handle.url == registrable.url
    key = getattr(registrable, "key", None) or getattr(registrable, "path", None)
    return handle.storage_location_id == registrable.location_id and handle.key == key
