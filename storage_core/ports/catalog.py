"""What Synapse says of entities, tables, views and file handles, and the changes a migration makes."""

from collections.abc import Sequence
from typing import Protocol

from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import ChildrenPage, FileSnapshot, RootSnapshot, UserProfile
from storage_core.model.handles import Association, HandleAnswer
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.ports.tables import TableCatalog, ViewCatalog


class Catalog(TableCatalog, ViewCatalog, Protocol):
    """Synapse's records: entities, file handles, storage locations. Each method states its calls."""

    async def me(self) -> UserProfile:
        """Who is signed in. One call. AccessError when nobody is."""
        ...

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """The entity with the caller's permissions and its path. One call."""
        ...

    async def children(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """One page of children of every kind, oldest first. One call."""
        ...

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        """A file entity's current (None) or given version with its handle and provenance. One call."""
        ...

    async def versions(self, entity_id: EntityId) -> tuple[int, ...]:
        """The version numbers that exist, newest first. One call per 1,000."""
        ...

    async def handles(
        self, associations: Sequence[Association], *, with_urls: bool = False
    ) -> tuple[HandleAnswer, ...]:
        """Handles in request order; splits into batches of 100. One call per 100."""
        ...

    async def copy_handle_records(self, associations: Sequence[Association]) -> tuple[HandleAnswer, ...]:
        """Make records of the caller's own for the same objects, in request order; no bytes are copied.

        One call per 100. Each answer names the old handle and holds the new record, or the refusal. A repeat makes
        more records (contract 7.5).
        """
        ...

    async def location(self, location_id: StorageLocationId) -> LocationFacts:
        """A storage location of the caller's own. One call. Forbidden when it is somebody else's."""
        ...

    async def location_seen_from(self, entity_id: EntityId, location_id: StorageLocationId) -> LocationFacts:
        """Any storage location, as an uploader sees it (owner unknown). One call."""
        ...

    async def default_location(self, entity_id: EntityId) -> StorageLocationId:
        """Where the entity's next upload goes. One call."""
        ...

    async def swap_version_handle(self, swap: SwapVersionHandle) -> None:
        """Change a version's handle in place. One call.

        PreconditionFailed when the version's handle is not `expect` (also after a repeat of a swap that had
        succeeded) or the MD5s differ: read again, then decide.
        """
        ...

    async def add_version(self, change: AddVersion) -> int:
        """Add a version carrying the new handle; return its number. One call.

        Keeps body and provenance, sends label and comment as null. PreconditionFailed when the entity's etag
        is not the one indexed (also after a repeat that had succeeded): read again, then decide.
        """
        ...
