"""A Synapse in memory whose every change is watched: by whom, expecting what, and whether it was allowed to happen."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.entities import ChildrenPage, FileSnapshot, RootSnapshot
from storage_core.model.handles import Association, AssociationKind, HandleAnswer
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.testing.fake_catalog import FakeCatalog
from storage_core.testing.fake_clock import FakeClock
from storage_core.testing.fake_multipart import FakeStorage
from tests.model.watched_tables import WatchedTables

T = TypeVar("T")

ROOT = EntityId("syn1")
DESTINATION = StorageLocationId(7)
PART_BYTES = 5 * 1024**2


class Killed(BaseException):
    """The process dies here: nothing of it happens any more."""


Boundary = tuple[str, int]
"""What a boundary lies before or after, such as "after complete", and which one of that name since the life began."""


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What somebody does while the process lives, as it passes a certain boundary."""

    at: Boundary
    act: Callable[[], None]


class Life:
    """One life of the migrating process: it ends at a boundary, and others act at one, both chosen beforehand.

    Where nobody may act, they act at the next boundary after it. Boundaries go by names and not by one number for all:
    in a life there are many times more of some kinds than of others, and each kind is to be met as often as the others.

    Attributes:
        passed: how many boundaries of each name were passed.
    """

    def __init__(self, dies_at: Boundary | None = None, meanwhile: "Meanwhile | None" = None) -> None:
        self._dies_at = dies_at
        self._meanwhile = meanwhile
        self._is_due = False
        self.passed: Counter[str] = Counter()
        self.is_over = False

    def pass_boundary(self, name: str, *, is_racing: bool = False) -> None:
        """Go on, or die; whoever died passes no boundary any more."""
        if self.is_over:
            raise Killed
        self.passed[name] += 1
        here = (name, self.passed[name])
        if self._meanwhile is not None:
            self._is_due |= here == self._meanwhile.at
            if self._is_due and not is_racing:
                meanwhile, self._meanwhile = self._meanwhile, None
                meanwhile.act()
        if here == self._dies_at:
            self.is_over = True
            raise Killed


class SmallSynapse(WatchedTables, FakeCatalog):
    """The fake catalog with the fake storage behind it, and a memory of what every place must hold.

    Attributes:
        truth: the MD5 of the bytes that a version must have, as its owner uploaded it, by file and version.
        theirs: the handle that a person, not we, last put into a version.
        ours: versions that we added, with the handle they were made from.
        violations: what happened and must never happen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.storage = FakeStorage(FakeClock())
        self.handle_records = self.storage.records
        self.storage.owned.add(DESTINATION)
        self.locations[DESTINATION] = LocationFacts(
            id=DESTINATION, kind=LocationKind.EXTERNAL_S3, upload_type=UploadType.S3
        )
        self.life = Life()
        self.truth: dict[tuple[EntityId, int], str] = {}
        self.theirs: dict[tuple[EntityId, int], FileHandleId] = {}
        self.ours: dict[tuple[EntityId, int], FileHandleId] = {}
        self.violations: list[str] = []
        self.uploads_made = 0
        self.add_container(ROOT)
        self.storage.is_associated = self._is_associated
        self.is_ours = lambda handle_id: any(copy.id == handle_id for copy in self.storage.copies)
        self.storage.before = lambda _: self.life.pass_boundary(f"before {self._in_storage()}")
        self.storage.after = lambda _: self.life.pass_boundary(f"after {self._in_storage()}")

    # ------------------------------------------------------------------ what people do

    def upload(self, *, like: FileHandleId | None = None) -> FileHandleId:
        """Somebody uploads bytes: new ones, or once more those of another handle."""
        self.uploads_made += 1
        handle_id = FileHandleId(str(100 + self.uploads_made))
        size = 1000 + int(like or handle_id)
        handle = self.storage.add_source(handle_id, size_bytes=size)
        if like is not None:
            other = self.handle_records[like]
            self.storage.objects[handle.key or ""] = self.storage.objects[other.key or ""]
            self.handle_records[handle_id] = replace(handle, md5=other.md5, size_bytes=other.size_bytes)
        return handle_id

    def create(self, number: int, handles: Sequence[FileHandleId]) -> EntityId:
        """Somebody makes a file with these versions."""
        file = self.add_file(f"syn{number}", ROOT, handles)
        for version in file.versions:
            self._is_theirs(file.id, version)
        return file.id

    def upload_version(self, file_id: EntityId) -> None:
        """Somebody adds a version."""
        file = self.files[file_id]
        number = file.current + 1
        file.versions[number] = self.upload()
        file.touch()
        self._list_anew(file_id)
        self._is_theirs(file_id, number)

    def replace_handle(self, file_id: EntityId, version: int) -> None:
        """Somebody puts another handle with the same bytes into a version."""
        file = self.files[file_id]
        file.versions[version] = self.upload(like=file.versions[version])
        file.touch()
        self.theirs[file_id, version] = file.versions[version]
        self.ours.pop((file_id, version), None)

    def delete(self, file_id: EntityId) -> None:
        """Somebody throws the file away."""
        del self.files[file_id]
        self.containers[ROOT] = [child for child in self.containers[ROOT] if child.id != file_id]

    def _list_anew(self, file_id: EntityId) -> None:
        """The listing of the container shows the newest version."""
        now = self.files[file_id].current
        self.containers[ROOT] = [
            replace(child, version=now) if child.id == file_id else child for child in self.containers[ROOT]
        ]

    def _is_theirs(self, file_id: EntityId, version: int) -> None:
        handle_id = self.files[file_id].versions[version]
        self.theirs[file_id, version] = handle_id
        self.truth[file_id, version] = self.md5_behind(handle_id)

    def md5_behind(self, handle_id: FileHandleId) -> str:
        """The MD5 of the bytes that are really there."""
        return self.storage.objects[self.handle_records[handle_id].key or ""].md5

    # ------------------------------------------------------------------ what we do, between two boundaries each

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """See ports.Catalog."""
        return await self.between(super().root(entity_id))

    async def children(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """See ports.Catalog."""
        return await self.between(super().children(container_id, page_token=page_token))

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        """See ports.Catalog."""
        return await self.between(super().file(entity_id, version=version))

    async def versions(self, entity_id: EntityId) -> tuple[int, ...]:
        """See ports.Catalog."""
        return await self.between(super().versions(entity_id))

    async def handles(
        self, associations: Sequence[Association], *, with_urls: bool = False
    ) -> tuple[HandleAnswer, ...]:
        """See ports.Catalog."""
        return await self.between(super().handles(associations, with_urls=with_urls))

    async def swap_version_handle(self, swap: SwapVersionHandle) -> None:
        """See ports.Catalog."""
        await self.between(self._swap_version_handle(swap))

    async def _swap_version_handle(self, swap: SwapVersionHandle) -> None:
        """A swap that is carried out is held against what the version must hold."""
        place = (swap.place.entity_id, swap.place.version)
        before = self._handle_at(*place)
        try:
            await super().swap_version_handle(swap)
        finally:
            if self._handle_at(*place) != before:
                self._check_written(f"{place[0]}.{place[1]}", before, swap.new)

    async def add_version(self, change: AddVersion) -> int:
        """See ports.Catalog."""
        return await self.between(self._add_version(change))

    async def _add_version(self, change: AddVersion) -> int:
        """A version that is added is held against the one it follows, when nobody acts any more before it."""
        file_id = change.place.entity_id
        file = self.files.get(file_id)
        newest, etag = (file.current, file.etag) if file else (0, "")
        before = self._handle_at(file_id, newest)
        try:
            return await super().add_version(change)
        finally:
            if file is not None and file.current != newest:
                self._note_added(file_id, newest, before, change)
                if json.loads(change.body.json_text)["etag"] != etag:
                    self.violations.append(f"{file_id}: somebody's edit was overwritten by a body from before it")

    def _note_added(self, file_id: EntityId, newest: int, before: FileHandleId | None, change: AddVersion) -> None:
        number = newest + 1
        if (file_id, newest) in self.ours:
            self.violations.append(f"{file_id}: version {number} was added on top of one that we had added ourselves")
        if before != change.expect:
            self.violations.append(f"{file_id}: a version made from {change.expect} was put on top of {before}")
        self.truth[file_id, number] = self.truth[file_id, newest]
        self.ours[file_id, number] = change.new
        self._list_anew(file_id)
        self._check_written(f"{file_id}.{number}", before, change.new)

    def _check_written(self, place: str, before: FileHandleId | None, new: FileHandleId) -> None:
        if before is None or self.md5_behind(new) != self.md5_behind(before):
            self.violations.append(f"{place} was given {new}, whose bytes are not those of {before}")

    def _handle_at(self, file_id: EntityId, version: int) -> FileHandleId | None:
        file = self.files.get(file_id)
        return file.versions.get(version) if file else None

    def _is_associated(self, association: Association) -> bool:
        """Any version of a file counts; a table keeps the right to what was in it (contract 7.3)."""
        if association.kind is AssociationKind.TABLE:
            return association.object_id in self.tables
        file = self.files.get(association.object_id)
        return file is not None and association.handle_id in file.versions.values()

    def _in_storage(self) -> str:
        """The call to the storage that is under way; a start is one whether it is forced or not."""
        return self.storage.journal[-1].rstrip("!")

    async def between(self, call: Coroutine[Any, Any, T], *, is_racing: str = "") -> T:
        """See WatchedTables."""
        name = call.__name__.removeprefix("_")
        try:
            self.life.pass_boundary(f"before {name}", is_racing=is_racing == "before")
        except Killed:
            call.close()
            raise
        result = await call
        self.life.pass_boundary(f"after {name}", is_racing=is_racing == "after")
        return result

    # ------------------------------------------------------------------ what must be true at any time

    def broken_promises(self) -> list[str]:
        """Everything that must never be, whatever happened before."""
        wrong = list(self.violations)
        for (file_id, version), md5 in self.truth.items():
            if file_id not in self.files:
                continue
            handle_id = self._handle_at(file_id, version)
            if handle_id is None:
                wrong.append(f"{file_id}.{version} is gone")
            elif self.md5_behind(handle_id) != md5:
                wrong.append(f"{file_id}.{version} has other bytes than were uploaded")
        known = set(self.truth)
        wrong += [
            f"{file.id}.{version} came from nowhere"
            for file in self.files.values()
            for version in file.versions
            if (file.id, version) not in known
        ]
        return wrong + self.broken_cells()

    def copies_in_use(self) -> Counter[str]:
        """How many different copies of each content are referred to."""
        used = {handle for file in self.files.values() for handle in file.versions.values()} | self.in_cells()
        return Counter(
            self.md5_behind(handle) for handle in used if self.handle_records[handle].storage_location_id == DESTINATION
        )

    def copies_made(self) -> Counter[str]:
        """How many copies of each content there are, in use or not."""
        return Counter(self.md5_behind(handle.id) for handle in self.storage.copies)

    def sources(self) -> Counter[str]:
        """How many handles people have uploaded of each content."""
        records = self.handle_records.values()
        return Counter(self.md5_behind(one.id) for one in records if one.storage_location_id != DESTINATION)
