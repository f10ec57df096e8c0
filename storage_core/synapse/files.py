"""Implements `ports.transfers.Files` and `ports.transfers.Registrar` over the endpoints."""

from collections.abc import Sequence

from storage_core.errors import NotFound
from storage_core.model.entities import EntityHeader, FileSnapshot
from storage_core.model.handles import FileHandle
from storage_core.model.ids import ActivityId, EntityId, StorageLocationId
from storage_core.model.transfers import ContentFacts, FileChange, FileState, NewFile, Registrable, UploadDestination
from storage_core.model.trees import Annotation, FileDetails, Provenance, UsedEntity
from storage_core.ports.catalog import Catalog
from storage_core.synapse.endpoints.containers import Containers
from storage_core.synapse.endpoints.file_entities import FileEntities
from storage_core.synapse.endpoints.upload_destinations import UploadDestinations
from storage_core.synapse.transport import Transport

_HEADERS_PER_CALL = 1000


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

    async def annotate(self, entity_id: EntityId, etag: str, annotations: Sequence[Annotation]) -> None:
        """Give the newest version these annotations and no others."""
        await self._files.annotate(entity_id=entity_id, etag=etag, annotations=annotations)

    async def create_activity(self, provenance: Provenance) -> ActivityId:
        """Describe how something came about."""
        return await self._files.create_activity(provenance=provenance)

    async def attach_activity(self, entity_id: EntityId, activity_id: ActivityId) -> None:
        """Say that the newest version came about that way."""
        await self._files.attach_activity(entity_id=entity_id, activity_id=activity_id)

    async def seen(self, references: Sequence[UsedEntity]) -> tuple[EntityHeader, ...]:
        """Those of them that are there and may be seen. One call per 1,000."""
        found: list[EntityHeader] = []
        for begin in range(0, len(references), _HEADERS_PER_CALL):
            found += await self._files.headers(references=references[begin : begin + _HEADERS_PER_CALL])
        return tuple(found)

    async def register(self, registrable: Registrable, facts: ContentFacts) -> FileHandle:
        """Make a handle for bytes that are in their place."""
        return await self._files.register(registrable=registrable, facts=facts)
