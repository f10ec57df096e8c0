"""A project of any size behind the catalogue's port: every record is made when it is asked for, and none is kept.

So what an index of millions of files takes can be measured with the product's own steps from the walk on, in the memory
that these need.
"""

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

from storage_core.model.copies import Copied, CopyEvidence, CopyRequest, EngineName
from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.entities import (
    UNKNOWN_BODY,
    ChildrenPage,
    EntityHeader,
    EntityKind,
    FileSnapshot,
    RootSnapshot,
)
from storage_core.model.file_views import FilesPage
from storage_core.model.handles import Association, FileHandle, HandleAnswer, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, PrincipalId, StorageLocationId
from storage_core.model.repoints import SwapVersionHandle
from storage_core.testing.fake_catalog import EVERY_RIGHT, PAGE, FakeCatalog

ROOT, DESTINATION = EntityId("syn1"), StorageLocationId(77)
FILES_PER_FOLDER = 10_000
ROWS_PER_PAGE = 20_000
"""Of a view, as the adapter asks for them."""

MOST_BYTES = 100_000
"""Of a file; all have one part."""

_STEWARD = PrincipalId("3401")
_FIRST_FILE = 10_000_000
_HANDLES, _COPIES = 50_000_000, 500_000_000
"""What is added to a file's number for the id of its handle, and for the id of its copy's handle."""


class VirtualProject(FakeCatalog):
    """So many files of one version, in folders of 10,000; no two share a handle. Its views show all of them."""

    def __init__(self, files: int) -> None:
        super().__init__()
        self._files = range(_FIRST_FILE, _FIRST_FILE + files)
        self._folders = range(2, 2 + -(-files // FILES_PER_FOLDER))
        self.locations[DESTINATION] = LocationFacts(
            id=DESTINATION,
            kind=LocationKind.EXTERNAL_S3,
            upload_type=UploadType.S3,
            bucket="lab-archive",
            created_by=_STEWARD,
        )

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """The project, with every right."""
        header = EntityHeader(id=entity_id, name="Many files", kind=EntityKind.PROJECT)
        return RootSnapshot(header=header, parent_id=None, permissions=EVERY_RIGHT)

    async def children(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """Folders below the root, files below them."""
        start = int(page_token or 0)
        kind, name = (EntityKind.FOLDER, "folder") if container_id == ROOT else (EntityKind.FILE, "file")
        inside = self._folders if container_id == ROOT else self._inside(container_id)
        return ChildrenPage(
            children=tuple(_header(number, kind, name) for number in inside[start : start + PAGE]),
            next_page_token=str(start + PAGE) if start + PAGE < len(inside) else None,
            total_children=len(inside),
        )

    async def children_but_files(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """Folders below the root."""
        if container_id == ROOT:
            return await self.children(container_id, page_token=page_token)
        return ChildrenPage(children=(), total_children=0)

    async def count_files(self, container_id: EntityId) -> int | None:
        """Those of a folder."""
        return 0 if container_id == ROOT else len(self._inside(container_id))

    async def files_in_view(self, view_id: EntityId, *, after: int) -> FilesPage:
        """All, page by page."""
        del view_id
        first = max(after + 1, self._files.start)
        page = range(first, min(first + ROWS_PER_PAGE, self._files.stop))
        return FilesPage(
            files=tuple((self._parent(number), _header(number, EntityKind.FILE, "file")) for number in page),
            last_row=page[-1] if page and page.stop < self._files.stop else None,
        )

    async def files_shown(
        self, view_id: EntityId, wanted: Sequence[EntityId], *, with_bodies: bool
    ) -> tuple[FileSnapshot, ...]:
        """All that are wanted, without handles."""
        del view_id, with_bodies
        return tuple(self._file(_number(one)) for one in wanted)

    async def handles(
        self, associations: Sequence[Association], *, with_urls: bool = False
    ) -> tuple[HandleAnswer, ...]:
        """Sources and copies, by their ids."""
        del with_urls
        return tuple(HandleAnswer(handle_id=one.handle_id, handle=_handle(one.handle_id)) for one in associations)

    async def swap_version_handle(self, swap: SwapVersionHandle) -> None:
        """Nothing is kept of it: whoever reads the place back asks for the new handle by its id."""

    def _inside(self, folder: EntityId) -> range:
        """The files of a folder."""
        start = (_number(folder) - self._folders.start) * FILES_PER_FOLDER
        return self._files[start : start + FILES_PER_FOLDER]

    def _parent(self, file: int) -> EntityId:
        return EntityId(f"syn{self._folders.start + (file - self._files.start) // FILES_PER_FOLDER}")

    def _file(self, number: int) -> FileSnapshot:
        return FileSnapshot(
            entity_id=EntityId(f"syn{number}"),
            name=f"file {number}.bin",
            parent_id=self._parent(number),
            kind=EntityKind.FILE,
            version=1,
            is_latest=True,
            etag=etag_of(number),
            handle_id=FileHandleId(str(number + _HANDLES)),
            handle=None,
            body=UNKNOWN_BODY,
            knows_activity=False,
        )


class ImmediateEngine:
    """Implements `ports.copying.CopyEngine`: every copy is there at once, and shows that it is a good one.

    Attributes:
        copied: how many were made.
    """

    def __init__(self) -> None:
        self.copied = 0

    async def copy(self, request: CopyRequest) -> Copied:
        """In one part, whose ETag is the MD5."""
        self.copied += 1
        source = request.source
        return Copied(
            copy_id=request.copy_id,
            source=source.id,
            new=FileHandleId(str(int(source.id) - _HANDLES + _COPIES)),
            engine=EngineName.SYNAPSE,
            evidence=CopyEvidence(
                part_count=1, part_size_bytes=source.size_bytes or 1, part_etags=(source.md5 or "",), source_etag=None
            ),
        )

    async def disown(self, request: CopyRequest) -> None:
        """No copy is bad."""


def etag_of(number: int) -> str:
    """Of the entity with this number."""
    return str(UUID(int=_scattered(number, salt=1)))


def handle_of(number: int, *, is_copy: bool = False) -> FileHandle:
    """Of the file with this number, or of its copy: they differ in their id and in where they are."""
    return FileHandle(
        id=FileHandleId(str(number + (_COPIES if is_copy else _HANDLES))),
        kind=HandleKind.S3,
        concrete_type="org.sagebionetworks.repo.model.file.S3FileHandle",
        storage_location_id=DESTINATION if is_copy else StorageLocationId(1),
        size_bytes=_scattered(number, salt=2) % MOST_BYTES + 1,
        md5=f"{_scattered(number, salt=3):032x}",
        file_name=f"file {number}.bin",
        content_type="application/octet-stream",
        bucket="lab-archive" if is_copy else "proddata.sagebase.org",
        key=f"3412/{UUID(int=_scattered(number, salt=4))}/file {number}.bin",
        created_by=_STEWARD,
    )


def _handle(handle_id: FileHandleId) -> FileHandle:
    is_copy = int(handle_id) >= _COPIES
    return handle_of(int(handle_id) - (_COPIES if is_copy else _HANDLES), is_copy=is_copy)


def _scattered(number: int, *, salt: int) -> int:
    """128 bits that look like chance: what is real is hardly compressible, and the index's size must say so."""
    return int.from_bytes(blake2b(b"%d %d" % (salt, number), digest_size=16).digest())


def _header(number: int, kind: EntityKind, name: str) -> EntityHeader:
    return EntityHeader(id=EntityId(f"syn{number}"), name=f"{name} {number}", kind=kind)


def _number(entity_id: EntityId) -> int:
    return int(entity_id[3:])
