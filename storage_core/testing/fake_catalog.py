"""A whole little Synapse behind `ports.catalog.Catalog`: files, versions, etags, refusals, lost answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from storage_core.errors import AnswerLost, Forbidden, NotFound, PreconditionFailed, RestError
from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.entities import (
    ChildrenPage,
    EntityBody,
    EntityHeader,
    EntityKind,
    FileSnapshot,
    Permissions,
    RootSnapshot,
    UserProfile,
)
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleAnswer, HandleKind, HandleRefusal
from storage_core.model.ids import ActivityId, EntityId, FileHandleId, PrincipalId, StorageLocationId
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.testing.fake_tables import FakeTables
from storage_core.testing.fake_views import FakeViews

PAGE = 50
EVERY_RIGHT = Permissions(can_view=True, can_download=True, can_edit=True, is_certified=True)


@dataclass(slots=True)
class FakeFile:
    """One file entity: handle ids by version number."""

    id: EntityId
    parent_id: EntityId
    name: str
    versions: dict[int, FileHandleId]
    etag: str = "etag-1"
    activity_id: ActivityId | None = None
    edits: int = 1

    @property
    def current(self) -> int:
        """The newest version's number."""
        return max(self.versions)

    def touch(self) -> None:
        """Change the etag, as every write does."""
        self.edits += 1
        self.etag = f"etag-{self.edits}"


@dataclass(slots=True)
class Trouble:
    """What the next write calls do instead of working, in order: 'lost before', 'lost after', 'forbidden'."""

    planned: list[str] = field(default_factory=list)

    def take(self) -> str:
        """The next trouble, or an empty text."""
        return self.planned.pop(0) if self.planned else ""


class FakeCatalog(FakeTables, FakeViews):
    """Implements `ports.catalog.Catalog`; also counts calls by method name. Containers hold files and containers."""

    def __init__(self) -> None:
        FakeTables.__init__(self)
        FakeViews.__init__(self, shown=self._shown, every=lambda: self.files, calls=self.calls)
        self.files: dict[EntityId, FakeFile] = {}
        self.containers: dict[EntityId, list[EntityHeader]] = {}
        self.locations: dict[StorageLocationId, LocationFacts] = {}
        self.hidden: set[EntityId] = set()
        self.is_ours: Callable[[FileHandleId], bool] = lambda _: False
        """Whether the steward has made a handle, and may read it through whatever file."""
        self.trouble = Trouble()

    def add_handle(self, handle_id: str, *, location: int = 1, size: int = 10, md5: str | None = None) -> FileHandle:
        """Make an S3 handle; its MD5 is derived from its id unless given."""
        handle = FileHandle(
            id=FileHandleId(handle_id),
            kind=HandleKind.S3,
            concrete_type="org.sagebionetworks.repo.model.file.S3FileHandle",
            storage_location_id=StorageLocationId(location),
            size_bytes=size,
            md5=md5 or f"{int(handle_id):032x}",
        )
        self.handle_records[handle.id] = handle
        return handle

    def add_file(self, entity_id: str, parent_id: str, handles: Sequence[str], *, name: str = "") -> FakeFile:
        """Make a file with one version per handle id; version numbers start at 1."""
        file = FakeFile(
            id=EntityId(entity_id),
            parent_id=EntityId(parent_id),
            name=name or entity_id,
            versions={number: FileHandleId(handle) for number, handle in enumerate(handles, start=1)},
        )
        self.files[file.id] = file
        self.containers.setdefault(file.parent_id, []).append(
            EntityHeader(id=file.id, name=file.name, kind=EntityKind.FILE, version=file.current)
        )
        return file

    def add_container(self, entity_id: str, parent_id: str | None = None) -> None:
        """Make a folder (or a project, without parent)."""
        self.containers.setdefault(EntityId(entity_id), [])
        if parent_id is not None:
            header = EntityHeader(id=EntityId(entity_id), name=entity_id, kind=EntityKind.FOLDER)
            self.containers.setdefault(EntityId(parent_id), []).append(header)

    async def me(self) -> UserProfile:
        """The steward."""
        self._count("me")
        return UserProfile(id=PrincipalId("3401"), user_name="steward")

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """A project with every right, or a file."""
        self._count("root")
        kind = EntityKind.FILE if entity_id in self.files else EntityKind.PROJECT
        if kind is EntityKind.PROJECT and entity_id not in self.containers:
            raise _error(NotFound, 404)
        header = EntityHeader(id=entity_id, name=str(entity_id), kind=kind)
        return RootSnapshot(header=header, parent_id=None, permissions=EVERY_RIGHT)

    async def children(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """Pages of 50."""
        return self._listing(container_id, page_token, self.containers.get(container_id, []))

    async def children_but_files(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """The same without files."""
        every = [child for child in self.containers.get(container_id, []) if child.kind is not EntityKind.FILE]
        return self._listing(container_id, page_token, every)

    async def count_files(self, container_id: EntityId) -> int | None:
        """One call."""
        self._count("count_files")
        return sum(child.kind is EntityKind.FILE for child in self.containers.get(container_id, []))

    def _listing(self, container_id: EntityId, page_token: str | None, every: Sequence[EntityHeader]) -> ChildrenPage:
        self._count("children")
        if container_id in self.hidden:
            raise _error(Forbidden, 403)
        start = int(page_token or 0)
        more = start + PAGE < len(every)
        return ChildrenPage(
            children=tuple(every[start : start + PAGE]),
            next_page_token=str(start + PAGE) if more else None,
            total_children=len(every),
        )

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        """One version; the etag of old ones is all zeros."""
        self._count("file")
        file = self._file(entity_id)
        if version is not None and version not in file.versions:
            raise _error(NotFound, 404)
        if entity_id in self.hidden:
            raise _error(Forbidden, 403)
        return self._snapshot(file, version or file.current)

    def _snapshot(self, file: FakeFile, number: int) -> FileSnapshot:
        handle_id = file.versions[number]
        is_latest = number == file.current
        return FileSnapshot(
            entity_id=file.id,
            name=file.name,
            parent_id=file.parent_id,
            kind=EntityKind.FILE,
            version=number,
            is_latest=is_latest,
            etag=file.etag if is_latest else "00000000-0000-0000-0000-000000000000",
            handle_id=handle_id,
            handle=self.handle_records.get(handle_id),
            body=EntityBody(json_text=json.dumps({"id": file.id, "etag": file.etag, "name": file.name})),
            activity_id=file.activity_id,
            permissions=EVERY_RIGHT,
        )

    async def versions(self, entity_id: EntityId) -> tuple[int, ...]:
        """Newest first."""
        self._count("versions")
        return tuple(sorted(self._file(entity_id).versions, reverse=True))

    async def handles(
        self, associations: Sequence[Association], *, with_urls: bool = False
    ) -> tuple[HandleAnswer, ...]:
        """Every handle that exists; others' only through a file of which a version refers to it (contract 7.3)."""
        self._count("handles", -(-len(associations) // 100))
        del with_urls
        return tuple(self._answered(one) for one in associations)

    def _answered(self, one: Association) -> HandleAnswer:
        file = self.files.get(one.object_id) if one.kind is AssociationKind.FILE else None
        if file is not None and one.handle_id not in file.versions.values() and not self.is_ours(one.handle_id):
            return HandleAnswer(handle_id=one.handle_id, handle=None, refusal=HandleRefusal.UNAUTHORIZED)
        handle = self.handle_records.get(one.handle_id)
        return HandleAnswer(handle_id=one.handle_id, handle=handle, refusal=None if handle else HandleRefusal.NOT_FOUND)

    async def copy_handle_records(self, associations: Sequence[Association]) -> tuple[HandleAnswer, ...]:
        """A record of one's own for every handle that exists."""
        self._count("copy_handle_records", -(-len(associations) // 100))
        made = []
        for one in associations:
            old = self.handle_records.get(one.handle_id)
            if old is None:
                made.append(HandleAnswer(handle_id=one.handle_id, refusal=HandleRefusal.NOT_FOUND))
                continue
            record = replace(old, id=FileHandleId(f"{one.handle_id}0"), created_by=None)
            self.handle_records[record.id] = record
            made.append(HandleAnswer(handle_id=one.handle_id, handle=record))
        return tuple(made)

    async def location(self, location_id: StorageLocationId) -> LocationFacts:
        """A location of one's own; location 1 is not."""
        self._count("location")
        if location_id not in self.locations:
            raise _error(Forbidden if location_id == 1 else NotFound, 403)
        return self.locations[location_id]

    async def location_seen_from(self, entity_id: EntityId, location_id: StorageLocationId) -> LocationFacts:
        """Any location; unknown ones look like Synapse storage."""
        self._count("location_seen_from")
        del entity_id
        plain = LocationFacts(id=location_id, kind=LocationKind.SYNAPSE_S3, upload_type=UploadType.S3)
        return self.locations.get(location_id, plain)

    async def default_location(self, entity_id: EntityId) -> StorageLocationId:
        """Always Synapse's own."""
        self._count("default_location")
        del entity_id
        return StorageLocationId(1)

    async def swap_version_handle(self, swap: SwapVersionHandle) -> None:
        """In place, guarded by the expected handle and equal MD5s (contract 6.6)."""
        after = self._before_write("swap_version_handle", swap.place.entity_id)
        file = self.files[swap.place.entity_id]
        old, new = (self.handle_records[handle] for handle in (file.versions[swap.place.version], swap.new))
        if old.id != swap.expect or old.md5 != new.md5:
            raise _error(PreconditionFailed, 412)
        file.versions[swap.place.version] = swap.new
        file.touch()
        _after_write(after)

    async def add_version(self, change: AddVersion) -> int:
        """On top, guarded by the etag (contract 6.5)."""
        after = self._before_write("add_version", change.place.entity_id)
        file = self.files[change.place.entity_id]
        if file.etag != change.etag:
            raise _error(PreconditionFailed, 412)
        file.versions[file.current + 1] = change.new
        file.activity_id = change.activity_id
        file.touch()
        _after_write(after)
        return file.current

    def _file(self, entity_id: EntityId) -> FakeFile:
        if entity_id not in self.files:
            raise _error(NotFound, 404)
        return self.files[entity_id]

    def _shown(self, entity_id: EntityId) -> FileSnapshot | None:
        file = self.files.get(entity_id)
        if file is None or entity_id in self.hidden:
            return None
        return replace(self._snapshot(file, file.current), handle=None, activity_id=None, knows_activity=False)

    def _before_write(self, method: str, entity_id: EntityId) -> str:
        self._count(method)
        if entity_id not in self.files:
            raise _error(NotFound, 404)
        trouble = self.trouble.take()
        if trouble == "lost before":
            raise _error(AnswerLost, 504)
        if trouble == "forbidden":
            raise _error(Forbidden, 403)
        return trouble


def copy_of(handle: FileHandle, *, new_id: str, location: int) -> FileHandle:
    """The handle a perfect copy would have."""
    return replace(handle, id=FileHandleId(new_id), storage_location_id=StorageLocationId(location))


def _after_write(trouble: str) -> None:
    if trouble == "lost after":
        raise _error(AnswerLost, 504)


def _error(kind: type[RestError], status: int) -> RestError:
    return kind(call="FAKE /call", status=status, reason="as planned", fix="")
