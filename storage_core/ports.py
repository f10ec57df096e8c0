"""The seams: what the steps need from the outside world. Imports records only.

Network ports are asynchronous; they are called on the one event loop that owns all network I/O. The ledger
(the index) is synchronous; it is called on the one thread that owns DuckDB. Neither sees the other.

Errors of the network ports, unless a method says otherwise:
    RestError (one call was refused), AccessError (the token is not accepted: stop), ServiceUnavailable
    (nobody answers: stop). Retries have already happened when one of these arrives.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from storage_core.model.copies import Copied, CopyFailed, CopyRequest
from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import ChildrenPage, FileSnapshot, RootSnapshot, UserProfile
from storage_core.model.handles import Association, HandleAnswer
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.repoints import AddVersion, SwapVersionHandle


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass without blocking anybody else."""
        ...


class Catalog(Protocol):
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


class CopyEngine(Protocol):
    """Moves the bytes of one handle; expected trouble comes back as a value."""

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        """Copy once. Repeating a request after a crash gives the same new handle, not a second object."""
        ...


class ObjectReader(Protocol):
    """Reads stored bytes for the proof rung `reread`."""

    async def md5_of(self, association: Association) -> str:
        """Hash the whole object behind a handle; lower-case hex. One Synapse call, and the bytes."""
        ...
