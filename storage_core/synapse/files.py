"""Implements `transfer_ports.Files` and `transfer_ports.Registrar` over the endpoints."""

from storage_core.errors import NotFound
from storage_core.model.entities import FileSnapshot
from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import ContentFacts, FileChange, FileState, NewFile, Registrable, UploadDestination
from storage_core.model.trees import FileDetails
from storage_core.ports import Catalog
from storage_core.synapse.endpoints.containers import Containers
from storage_core.synapse.endpoints.file_entities import FileEntities
from storage_core.synapse.endpoints.upload_destinations import UploadDestinations
from storage_core.synapse.transport import Transport


class SynapseFiles:
    """File entities as a transfer sees them. One call per method."""

    def __init__(self, transport: Transport, catalog: Catalog) -> None:
        self._catalog = catalog
        self._destinations = UploadDestinations(transport)
        self._containers = Containers(transport)
        self._files = FileEntities(transport)

    async def destination(self, entity_id: EntityId, location_id: StorageLocationId | None) -> UploadDestination:
        """Where an upload goes: the container's default location, or the given one."""
        return await self._destinations.for_upload(entity_id=entity_id, location_id=location_id)

    async def child_named(self, name: str, parent_id: EntityId) -> EntityId | None:
        """The child of that name, of whatever kind."""
        try:
            return await self._containers.child_named(name=name, parent_id=parent_id)
        except NotFound:
            return None

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        """One version of a file with its handle."""
        return await self._catalog.file(entity_id, version=version)

    async def details(self, entity_id: EntityId) -> FileDetails:
        """The newest version with its handle, annotations and provenance."""
        return await self._files.details(entity_id=entity_id)

    async def create_file(self, new: NewFile) -> FileState:
        """Make a file entity."""
        return await self._files.create(new=new)

    async def change_file(self, change: FileChange) -> FileState:
        """Add a version with other content, or change the newest."""
        return await self._files.change(change=change)

    async def register(self, registrable: Registrable, facts: ContentFacts) -> FileHandle:
        """Make a handle for bytes that are in their place."""
        return await self._files.register(registrable=registrable, facts=facts)
