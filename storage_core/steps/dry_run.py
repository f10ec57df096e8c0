"""Adapters that look but do not touch: an upload through them decides everything and changes nothing."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import UNKNOWN_BODY, EntityHeader, EntityKind, FileSnapshot, RootSnapshot
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION, ActivityId, EntityId, FileHandleId, StorageLocationId
from storage_core.model.transfers import (
    ContentFacts,
    FileChange,
    FileState,
    MadeHandle,
    NewFile,
    ObjectFacts,
    Readable,
    Registrable,
    StoreLimits,
    TransferWishes,
    Upload,
    UploadDestination,
)
from storage_core.model.trees import Annotation, FileDetails, Provenance, UsedEntity
from storage_core.model.upload_settings import ContainerListing
from storage_core.ports.storage import Containers
from storage_core.ports.transfers import ByteStore, Files, Moved, StoreChoice, untold

NOT_MADE = EntityId("new")
"""Stands for the id of what would be made."""
_NO_HANDLE = FileHandleId("")
_BLANK = FileSnapshot(
    entity_id=NOT_MADE,
    name="",
    parent_id=None,
    kind=EntityKind.FILE,
    version=1,
    is_latest=True,
    etag="none",
    handle_id=_NO_HANDLE,
    handle=None,
    body=UNKNOWN_BODY,
)


@dataclass(frozen=True, slots=True)
class DryFiles:
    """Reads through *inner*; writes nowhere, and says what writing would have come to."""

    inner: Files

    async def destination(self, entity_id: EntityId, location_id: StorageLocationId | None) -> UploadDestination:
        """As it is."""
        return await self.inner.destination(entity_id, location_id)

    async def child_named(self, name: str, parent_id: EntityId) -> EntityId | None:
        """As it is."""
        return await self.inner.child_named(name, parent_id)

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        """As it is; of what would be made, as good as nothing."""
        return _BLANK if entity_id == NOT_MADE else await self.inner.file(entity_id, version=version)

    async def details(self, entity_id: EntityId) -> FileDetails:
        """As it is; of what would be made, as good as nothing."""
        return FileDetails(snapshot=_BLANK) if entity_id == NOT_MADE else await self.inner.details(entity_id)

    async def seen(self, references: Sequence[UsedEntity]) -> tuple[EntityHeader, ...]:
        """As it is."""
        return await self.inner.seen(references)

    async def create_file(self, new: NewFile) -> FileState:
        """Nothing."""
        return FileState(entity_id=NOT_MADE, version=1, handle_id=new.handle_id, etag="none")

    async def change_file(self, change: FileChange) -> FileState:
        """Nothing; one call, to see which version it would be."""
        present = await self.inner.file(change.entity_id)
        version = present.version + 1 if change.is_new_version else present.version
        return FileState(entity_id=change.entity_id, version=version, handle_id=change.handle_id, etag="none")

    async def annotate(self, entity_id: EntityId, etag: str, annotations: Sequence[Annotation]) -> None:
        """Nothing."""

    async def create_activity(self, provenance: Provenance) -> ActivityId:
        """Nothing."""
        del provenance
        return ActivityId("")

    async def attach_activity(self, entity_id: EntityId, activity_id: ActivityId) -> None:
        """Nothing."""

    async def register(self, registrable: Registrable, facts: ContentFacts) -> FileHandle:
        """Nothing."""
        location_id = registrable.location_id
        return FileHandle(
            id=_NO_HANDLE,
            kind=HandleKind.UNKNOWN,
            concrete_type="",
            storage_location_id=DEFAULT_STORAGE_LOCATION if location_id is None else location_id,
            size_bytes=facts.size_bytes,
            md5=facts.md5,
        )


@dataclass(frozen=True, slots=True)
class DryContainers:
    """Makes no folders: a missing one goes by the id of the container it would be in, whose rules would be its own."""

    inner: Containers

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """As it is."""
        return await self.inner.root(entity_id)

    async def container(self, container_id: EntityId) -> ContainerListing:
        """As it is."""
        return await self.inner.container(container_id)

    async def folder_named(self, name: str, parent_id: EntityId) -> EntityHeader:
        """Nothing."""
        return EntityHeader(id=parent_id, name=name, kind=EntityKind.FOLDER)


@dataclass(frozen=True, slots=True)
class DryStores:
    """Stores that know their limits and take nothing."""

    inner: StoreChoice

    def for_upload(self, destination: UploadDestination, wishes: TransferWishes) -> ByteStore:
        """One that only looks as if."""
        return _DryStore(self.inner.for_upload(destination, wishes))

    def for_download(self, handle: FileHandle, facts: LocationFacts | None, wishes: TransferWishes) -> ByteStore:
        """As it is."""
        return self.inner.for_download(handle, facts, wishes)


@dataclass(frozen=True, slots=True)
class _DryStore:
    inner: ByteStore

    @property
    def limits(self) -> StoreLimits:
        """The real ones; nothing has to be remembered of what is not begun."""
        return replace(self.inner.limits, needs_tickets=False, part_size_of=None)

    async def put(self, upload: Upload, moved: Moved = untold) -> MadeHandle:
        """Nothing."""
        moved(upload.file.size_bytes)
        return MadeHandle(handle_id=_NO_HANDLE)

    def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """As it is."""
        return self.inner.read(readable, first_byte=first_byte, last_byte=last_byte)

    async def stat(self, readable: Readable) -> ObjectFacts:
        """As it is."""
        return await self.inner.stat(readable)

    async def aclose(self) -> None:
        """The real one is closed by whoever opened it."""
