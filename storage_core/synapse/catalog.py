"""Implements `ports.catalog.Catalog` over the endpoints: what Synapse knows, and the two changes a migration makes."""

from collections.abc import Sequence
from dataclasses import replace

from storage_core.errors import (
    AccessError,
    BadRequest,
    NotFound,
    ServiceUnavailable,
)
from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import ChildrenPage, EntityKind, FileSnapshot, RootSnapshot, UserProfile
from storage_core.model.handles import Association, HandleAnswer, HandleRefusal
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.ports.clock import Clock
from storage_core.synapse.endpoints.entities import Entities
from storage_core.synapse.endpoints.file_handles import MOST_PER_BATCH, FileHandles
from storage_core.synapse.endpoints.storage_locations import StorageLocations
from storage_core.synapse.endpoints.upload_destinations import UploadDestinations
from storage_core.synapse.endpoints.users import Users
from storage_core.synapse.table_catalog import SynapseTableCatalog
from storage_core.synapse.transport import Transport
from storage_core.synapse.view_catalog import SynapseViewCatalog

_ANONYMOUS = "273950"
_VERSIONS_PER_PAGE = 1000
_ADD_VERSION_TRIES = 5
_ALL_KINDS = tuple(kind for kind in EntityKind if kind is not EntityKind.UNKNOWN)
_KINDS_BEFORE_2025 = tuple(kind for kind in _ALL_KINDS if kind is not EntityKind.RECORD_SET)


class SynapseCatalog(SynapseTableCatalog, SynapseViewCatalog):
    """Synapse's records. One call per method unless it says otherwise."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        SynapseTableCatalog.__init__(self, transport, clock)
        SynapseViewCatalog.__init__(self, transport, clock)
        self._entities = Entities(transport)
        self._handles = FileHandles(transport)
        self._locations = StorageLocations(transport)
        self._destinations = UploadDestinations(transport)
        self._users = Users(transport)
        self._kinds = _ALL_KINDS
        self._scopes = transport.token_scopes

    async def me(self) -> UserProfile:
        """Who is signed in. AccessError when nobody is, ServiceUnavailable when there is no Synapse at the address."""
        try:
            profile = await self._users.me()
        except NotFound as error:
            # everybody has a profile: somebody answers at that address, but for other paths
            raise ServiceUnavailable(
                f"The REPO endpoint does not answer like Synapse: {error.what}.",
                fix="Is SYNAPSE_REPO_ENDPOINT a full base such as https://…/repo/v1?",
            ) from error
        if profile.id == _ANONYMOUS:
            raise AccessError("Synapse takes you for an anonymous visitor.", fix="Check your access token.")
        return replace(profile, scopes=self._scopes)

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """The entity with the caller's permissions and its path."""
        return await self._entities.root_bundle(entity_id=entity_id)

    async def children(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """One page of children of every kind, oldest first.

        A service that does not know record sets refuses their word (contract 6.1): then one more call, once.
        """
        try:
            return await self._children(container_id, page_token, self._kinds)
        except BadRequest:
            if EntityKind.RECORD_SET not in self._kinds:
                raise
            page = await self._children(container_id, page_token, _KINDS_BEFORE_2025)
            self._kinds = _KINDS_BEFORE_2025
            return page

    async def children_but_files(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """One page of children of every kind but files; after a page of all kinds, so that the kinds are known."""
        kinds = tuple(kind for kind in self._kinds if kind is not EntityKind.FILE)
        return await self._children(container_id, page_token, kinds)

    async def count_files(self, container_id: EntityId) -> int | None:
        """How many files the caller can see in the container."""
        return (await self._children(container_id, None, (EntityKind.FILE,))).total_children

    async def _children(
        self, container_id: EntityId, page_token: str | None, kinds: tuple[EntityKind, ...]
    ) -> ChildrenPage:
        return await self._entities.children(container_id=container_id, kinds=kinds, page_token=page_token, count=True)

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        """A file entity's current (None) or given version with its handle and provenance."""
        return await self._entities.file_bundle(entity_id=entity_id, version=version)

    async def versions(self, entity_id: EntityId) -> tuple[int, ...]:
        """The version numbers that exist, newest first. One call per 1,000."""
        found: dict[int, None] = {}
        offset = 0
        while True:
            page = await self._entities.versions_page(entity_id=entity_id, offset=offset, limit=_VERSIONS_PER_PAGE)
            found |= dict.fromkeys(page)
            offset += len(page)
            # the total in the answer is an estimate (contract 6.3): a short page is the end
            if len(page) < _VERSIONS_PER_PAGE:
                return tuple(found)

    async def handles(
        self, associations: Sequence[Association], *, with_urls: bool = False
    ) -> tuple[HandleAnswer, ...]:
        """Handles in request order. One call per 100, and some more when an entry is malformed (contract 7.3)."""
        answers: list[HandleAnswer] = []
        for start in range(0, len(associations), MOST_PER_BATCH):
            answers.extend(await self._batch(associations[start : start + MOST_PER_BATCH], with_urls=with_urls))
        return tuple(answers)

    async def _batch(self, associations: Sequence[Association], *, with_urls: bool) -> tuple[HandleAnswer, ...]:
        try:
            return await self._handles.batch(associations=associations, with_urls=with_urls)
        except (BadRequest, NotFound):
            # one bad entry spoils the whole batch: halve it until the culprit stands alone
            if len(associations) == 1:
                return (HandleAnswer(handle_id=associations[0].handle_id, refusal=HandleRefusal.NOT_FOUND),)
        half = len(associations) // 2
        first = await self._batch(associations[:half], with_urls=with_urls)
        return first + await self._batch(associations[half:], with_urls=with_urls)

    async def copy_handle_records(self, associations: Sequence[Association]) -> tuple[HandleAnswer, ...]:
        """Records of the caller's own for the same objects, in request order. One call per 100 (contract 7.5)."""
        made: list[HandleAnswer] = []
        for start in range(0, len(associations), MOST_PER_BATCH):
            made.extend(await self._handles.copy_records(associations=associations[start : start + MOST_PER_BATCH]))
        return tuple(made)

    async def location(self, location_id: StorageLocationId) -> LocationFacts:
        """A storage location of the caller's own. Forbidden when it is somebody else's."""
        return await self._locations.get(location_id=location_id)

    async def location_seen_from(self, entity_id: EntityId, location_id: StorageLocationId) -> LocationFacts:
        """Any storage location, as an uploader sees it (owner unknown)."""
        return await self._destinations.seen_from(entity_id=entity_id, location_id=location_id)

    async def default_location(self, entity_id: EntityId) -> StorageLocationId:
        """Where the entity's next upload goes."""
        return (await self._destinations.default(entity_id=entity_id)).id

    async def swap_version_handle(self, swap: SwapVersionHandle) -> None:
        """Change a version's handle in place. PreconditionFailed: read again, then decide (contract 6.6)."""
        await self._entities.swap_version_handle(swap=swap)

    async def add_version(self, change: AddVersion) -> int:
        """Add a version carrying the new handle; return its number.

        PreconditionFailed when the etag is not the one indexed, AnswerLost when nobody knows what became of it:
        read again, then decide.
        """
        return (await self._entities.add_version(change=change)).version
