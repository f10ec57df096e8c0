"""File handles: Synapse's records of stored objects (contract section 7.1)."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.ids import EntityId, FileHandleId, PrincipalId, StorageLocationId


class HandleKind(StrEnum):
    """Which class of file handle it is; decides what can be done with the bytes."""

    S3 = "S3"
    GOOGLE_CLOUD = "GOOGLE_CLOUD"
    EXTERNAL_URL = "EXTERNAL_URL"
    OBJECT_STORE = "OBJECT_STORE"
    PROXY = "PROXY"
    UNKNOWN = "UNKNOWN"


class HandleStatus(StrEnum):
    """Whether Synapse still keeps the bytes at hand."""

    AVAILABLE = "AVAILABLE"
    UNLINKED = "UNLINKED"
    ARCHIVED = "ARCHIVED"
    UNKNOWN = "UNKNOWN"


class AssociationKind(StrEnum):
    """The kind of object through which a handle may be read."""

    FILE = "FileEntity"
    TABLE = "TableEntity"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHandle:
    """One stored object as Synapse knows it. Absent values are None; ``md5`` is lower-case hex.

    Attributes:
        key: of an object in a bucket or store; of a proxied file its path.
        endpoint_url: of an external object store.
        url: of an external file.
        preview_id: the handle of its preview; its own id when none is wanted.
    """

    id: FileHandleId
    kind: HandleKind
    concrete_type: str
    storage_location_id: StorageLocationId
    size_bytes: int | None = None
    md5: str | None = None
    file_name: str | None = None
    content_type: str | None = None
    bucket: str | None = None
    key: str | None = None
    endpoint_url: str | None = None
    url: str | None = None
    created_by: PrincipalId | None = None
    preview_id: FileHandleId | None = None
    status: HandleStatus = HandleStatus.AVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """The proof that a handle may be read: it is used by this object."""

    handle_id: FileHandleId
    object_id: EntityId
    kind: AssociationKind


class HandleRefusal(StrEnum):
    """Why a batch did not show one handle (contract section 7.3)."""

    NOT_FOUND = "NOT_FOUND"
    UNAUTHORIZED = "UNAUTHORIZED"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleAnswer:
    """One entry of a handle batch: the handle, perhaps with a presigned address, or the refusal."""

    handle_id: FileHandleId
    handle: FileHandle | None = None
    refusal: HandleRefusal | None = None
    presigned_url: str | None = None

    def __repr__(self) -> str:
        """Leave the presigned address out: it is a credential."""
        return f"HandleAnswer(handle_id={self.handle_id!r}, handle={self.handle!r}, refusal={self.refusal!r})"
