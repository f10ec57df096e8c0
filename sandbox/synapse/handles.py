"""File handles: records that say which content is where, each owned by its creator (contract 7)."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict, Unpack

from sandbox.synapse.http import Json, Refused

if TYPE_CHECKING:
    from sandbox.synapse.world import World

_FILE_PACKAGE = "org.sagebionetworks.repo.model.file."


class HandleKind(StrEnum):
    """The classes of contract 7.1, by their full wire names."""

    S3 = _FILE_PACKAGE + "S3FileHandle"
    GOOGLE_CLOUD = _FILE_PACKAGE + "GoogleCloudFileHandle"
    EXTERNAL = _FILE_PACKAGE + "ExternalFileHandle"
    OBJECT_STORE = _FILE_PACKAGE + "ExternalObjectStoreFileHandle"
    PROXY = _FILE_PACKAGE + "ProxyFileHandle"


class HandleContent(TypedDict, total=False):
    """What the maker of a handle may say about it; absent means null."""

    file_name: str | None
    content_type: str | None
    content_md5: str | None
    content_size: int | None
    storage_location_id: int | None
    status: str
    bucket: str | None
    key: str | None
    preview_id: str | None
    is_preview: bool | None
    external_url: str | None
    endpoint_url: str | None
    file_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """One file handle.

    Attributes:
        created_by: principal id of its owner.
        storage_location_id: None means the default location 1 (old handles).
        bucket: where the object is: `bucketName` on the wire for S3 and Google, `bucket` for an object store.
        key: the object's key: `key` on the wire for S3 and Google, `fileKey` for an object store.
        preview_id: its own id marks "no preview wanted" (contract 8.7).
    """

    id: str
    kind: HandleKind
    created_by: str
    created_on: str
    modified_on: str
    etag: str
    file_name: str | None = None
    content_type: str | None = None
    content_md5: str | None = None
    content_size: int | None = None
    storage_location_id: int | None = None
    status: str = "AVAILABLE"
    bucket: str | None = None
    key: str | None = None
    preview_id: str | None = None
    is_preview: bool | None = None
    external_url: str | None = None
    endpoint_url: str | None = None
    file_path: str | None = None

    def as_json(self) -> Json:
        """The handle as the service sends it; members may be null."""
        answer: Json = {
            "concreteType": self.kind.value,
            "id": self.id,
            "etag": self.etag,
            "createdBy": self.created_by,
            "createdOn": self.created_on,
            "modifiedOn": self.modified_on,
            "fileName": self.file_name,
            "contentType": self.content_type,
            "contentMd5": self.content_md5,
            "contentSize": self.content_size,
            "storageLocationId": self.storage_location_id,
            "status": self.status,
        }
        match self.kind:
            case HandleKind.S3 | HandleKind.GOOGLE_CLOUD:
                answer["bucketName"] = self.bucket
                answer["key"] = self.key
                answer["previewId"] = self.preview_id
                answer["isPreview"] = self.is_preview
            case HandleKind.EXTERNAL:
                answer["externalURL"] = self.external_url
            case HandleKind.OBJECT_STORE:
                answer["endpointUrl"] = self.endpoint_url
                answer["bucket"] = self.bucket
                answer["fileKey"] = self.key
            case HandleKind.PROXY:
                answer["filePath"] = self.file_path
        return answer

    def holds_same_md5_as(self, other: "Handle") -> bool:
        """Both have an MD5 and they are equal, letter case ignored (contract 7.9)."""
        if self.content_md5 is None or other.content_md5 is None:
            return False
        return self.content_md5.lower() == other.content_md5.lower()


class Handles:
    """Every handle by id, with the look-ups that deletion and MD5 search need."""

    def __init__(self) -> None:
        self._by_id: dict[str, Handle] = {}
        self._by_md5: dict[str, tuple[str, ...]] = {}
        self._object_uses: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, world: "World", *, kind: HandleKind, created_by: str, **content: Unpack[HandleContent]) -> Handle:
        """A new handle with a fresh id. Nothing about it is checked here: that is its maker's work."""
        now = world.clock.stamp()
        handle = Handle(
            id=str(world.ids.number("handle")),
            kind=kind,
            created_by=created_by,
            created_on=now,
            modified_on=now,
            etag=world.ids.uuid(),
            **content,
        )
        self._by_id[handle.id] = handle
        self._remember(handle)
        return handle

    def change(self, handle_id: str, **content: Unpack[HandleContent]) -> Handle:
        """Alter a stored handle (status, preview id, ...), and answer the new record."""
        old = self.require(handle_id)
        self._forget(old)
        new = replace(old, **content)
        self._by_id[handle_id] = new
        self._remember(new)
        return new

    def get(self, handle_id: str) -> Handle | None:
        """The handle, or None."""
        return self._by_id.get(handle_id)

    def require(self, handle_id: str) -> Handle:
        """The handle; refuses with 404."""
        handle = self._by_id.get(handle_id)
        if handle is None:
            raise Refused(404, f"The file handle could not be found for id: {handle_id}")
        return handle

    def require_created_by(self, handle_id: str, user_id: str) -> Handle:
        """The handle when *user_id* made it; refuses with 404 or 403."""
        handle = self.require(handle_id)
        if handle.created_by != user_id:
            raise Refused(
                403, f"Only the creator of a FileHandle can access it directly by its ID. FileHandleId: {handle_id}"
            )
        return handle

    def remove(self, handle_id: str) -> None:
        """Forget the record. The object's bytes are the caller's concern."""
        handle = self._by_id.pop(handle_id, None)
        if handle is not None:
            self._forget(handle)

    def all(self) -> list[Handle]:
        """Every handle, oldest first."""
        return list(self._by_id.values())

    def with_md5(self, content_md5: str) -> tuple[str, ...]:
        """Ids of the handles that claim this MD5."""
        return self._by_md5.get(content_md5.lower(), ())

    def uses_of_object(self, bucket: str, key: str) -> int:
        """How many handle records point at this object."""
        return self._object_uses.get((bucket, key), 0)

    def _remember(self, handle: Handle) -> None:
        if handle.content_md5 is not None:
            md5 = handle.content_md5.lower()
            self._by_md5[md5] = (*self._by_md5.get(md5, ()), handle.id)
        if handle.bucket is not None and handle.key is not None:
            place = (handle.bucket, handle.key)
            self._object_uses[place] = self._object_uses.get(place, 0) + 1

    def _forget(self, handle: Handle) -> None:
        if handle.content_md5 is not None:
            md5 = handle.content_md5.lower()
            self._by_md5[md5] = tuple(known for known in self._by_md5[md5] if known != handle.id)
        if handle.bucket is not None and handle.key is not None:
            self._object_uses[(handle.bucket, handle.key)] -= 1
