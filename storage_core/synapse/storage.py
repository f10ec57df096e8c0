"""Implements `ports.storage.Storage` over the endpoints."""

from storage_core.errors import AnswerLost, BadRequest, Conflict, UsageError
from storage_core.locations import location_from_json, location_to_json
from storage_core.locations.location import Location
from storage_core.model.credentials import StsPermission, StsToken
from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import ChildrenPage, EntityHeader, EntityKind, RootSnapshot, UserProfile
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.upload_settings import ContainerListing, UploadSetting
from storage_core.ports.catalog import Catalog
from storage_core.synapse.endpoints.containers import Containers
from storage_core.synapse.endpoints.credentials import Credentials
from storage_core.synapse.endpoints.project_settings import ProjectSettings
from storage_core.synapse.endpoints.storage_locations import StorageLocations
from storage_core.synapse.endpoints.upload_destinations import UploadDestinations
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_locations import StorageLocationBody

_FILES = (EntityKind.FILE, EntityKind.RECORD_SET)
_FOLDERS = (EntityKind.FOLDER,)


class SynapseStorage:
    """Locations, settings, containers and credentials. One call per method unless it says otherwise."""

    def __init__(self, transport: Transport, catalog: Catalog) -> None:
        self._catalog = catalog
        self._locations = StorageLocations(transport)
        self._destinations = UploadDestinations(transport)
        self._settings = ProjectSettings(transport)
        self._containers = Containers(transport)
        self._credentials = Credentials(transport)
        self._file_kinds: tuple[EntityKind, ...] = _FILES

    async def me(self) -> UserProfile:
        """Who is signed in."""
        return await self._catalog.me()

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """Any entity with its path."""
        return await self._catalog.root(entity_id)

    async def create_location(self, location: Location) -> Location:
        """Create it, or get the equal one that the caller has."""
        body = StorageLocationBody(json_text=location_to_json(location))
        made = await self._locations.create(body=body, gives_same_again=not location.is_made_anew_each_time)
        return location_from_json(made.json_text)

    async def location(self, location_id: StorageLocationId) -> Location:
        """One of the caller's own, whole."""
        return location_from_json((await self._locations.get_body(location_id=location_id)).json_text)

    async def my_locations(self) -> tuple[Location, ...]:
        """The caller's own, newest first, at most 100."""
        return tuple(location_from_json(body.json_text) for body in await self._locations.my_bodies())

    async def location_seen_from(self, entity_id: EntityId, location_id: StorageLocationId) -> LocationFacts:
        """Anybody's, as an uploader sees it."""
        return await self._destinations.seen_from(entity_id=entity_id, location_id=location_id)

    async def default_destination(self, entity_id: EntityId) -> LocationFacts:
        """Where the entity's next upload goes."""
        return await self._destinations.default(entity_id=entity_id)

    async def effective_ids(self, entity_id: EntityId) -> tuple[StorageLocationId, ...]:
        """All ids that apply to the entity, in no particular order."""
        return await self._destinations.effective_ids(entity_id=entity_id)

    async def setting(self, entity_id: EntityId) -> UploadSetting | None:
        """The entity's own, nothing inherited."""
        return await self._settings.get(entity_id=entity_id)

    async def create_setting(self, setting: UploadSetting) -> UploadSetting:
        """Attach locations for the first time."""
        return await self._settings.create(setting=setting)

    async def update_setting(self, setting: UploadSetting) -> None:
        """Replace the list."""
        await self._settings.update(setting=setting)

    async def delete_setting(self, setting_id: str) -> None:
        """Remove it."""
        await self._settings.delete(setting_id=setting_id)

    async def sts_token(self, entity_id: EntityId, permission: StsPermission) -> StsToken:
        """Fresh temporary credentials."""
        return await self._credentials.token(entity_id=entity_id, permission=permission)

    async def container(self, container_id: EntityId) -> ContainerListing:
        """One call for up to 50 folders and files together; else one per 50 folders and one for the files' number."""
        page = await self._children(container_id, with_folders=True)
        if page.next_page_token is None:
            folders = tuple(child for child in page.children if child.kind is EntityKind.FOLDER)
            return ContainerListing(folders=folders, file_count=len(page.children) - len(folders))
        counted = await self._children(container_id, with_folders=False)
        return ContainerListing(
            folders=await self._folders(container_id),
            file_count=len(counted.children) if counted.total_children is None else counted.total_children,
        )

    async def folder_named(self, name: str, parent_id: EntityId) -> EntityHeader:
        """The folder of that name, made when it is missing. Two or three calls when it is there, else one.

        Raises:
            UsageError: something else has that name.
        """
        try:
            return await self._containers.create(name=name, parent_id=parent_id)
        except (Conflict, AnswerLost):
            found = (
                await self._catalog.root(await self._containers.child_named(name=name, parent_id=parent_id))
            ).header
        if found.kind is EntityKind.FOLDER:
            return found
        raise UsageError(f"{name!r} in {parent_id} is a {found.kind.value}, no folder.", fix="Choose another name.")

    async def _folders(self, container_id: EntityId) -> tuple[EntityHeader, ...]:
        found: dict[EntityId, EntityHeader] = {}
        token: str | None = None
        while True:
            page = await self._containers.children(container_id=container_id, kinds=_FOLDERS, page_token=token)
            found |= {child.id: child for child in page.children}
            token = page.next_page_token
            if token is None:
                return tuple(found.values())

    async def _children(self, container_id: EntityId, *, with_folders: bool) -> ChildrenPage:
        more = _FOLDERS if with_folders else ()
        try:
            return await self._containers.children(container_id=container_id, kinds=self._file_kinds + more)
        except BadRequest:
            # a service that does not know record sets refuses their word (contract 6.1)
            if self._file_kinds != _FILES:
                raise
            page = await self._containers.children(container_id=container_id, kinds=(EntityKind.FILE, *more))
            self._file_kinds = (EntityKind.FILE,)
            return page
