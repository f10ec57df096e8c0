"""Files on their way between this machine and where Synapse knows bytes: what goes, where to, what it became."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.entities import EntityBody
from storage_core.model.handles import Association, FileHandle
from storage_core.model.ids import ActivityId, EntityId, FileHandleId, StorageLocationId
from storage_core.model.trees import WantedMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDestination:
    """Where one container's uploads go, as the service answers an uploader (contract 4).

    For a proxy the service answers nobody; its location's creator gets the facts of the location itself instead.

    Attributes:
        entity_id: the container on whose behalf it was asked for; temporary credentials are asked for through it.
        endpoint_url: of an object store.
        url: of an SFTP or HTTPS location, extended by the service with folders and a fresh name; or of a proxy.
    """

    entity_id: EntityId
    location_id: StorageLocationId
    kind: LocationKind
    upload_type: UploadType
    bucket: str | None = None
    base_key: str | None = None
    sts_enabled: bool = False
    endpoint_url: str | None = None
    url: str | None = None
    banner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDigests:
    """MD5s (lower-case hex) of the consecutive parts of a file, the last of which may be shorter."""

    part_size_bytes: int
    md5s: tuple[str, ...]

    def md5_of(self, first_byte: int, size_bytes: int, *, file_size_bytes: int) -> str | None:
        """Of one stretch of a file of that size; None when it is none of the parts."""
        number, offset = divmod(first_byte, self.part_size_bytes)
        if offset or size_bytes != min(self.part_size_bytes, file_size_bytes - first_byte):
            return None
        return self.md5s[number]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file of this machine that was read once to the end: `md5` is lower-case hex, of exactly `size_bytes` bytes.

    Attributes:
        parts: from the same reading, where they were asked for.
    """

    path: str
    size_bytes: int
    md5: str
    modified_ns: int
    parts: PartDigests | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEntry:
    """What is under a name on this machine; `size_bytes` of an ordinary file only."""

    exists: bool
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file that is to be stored.

    Attributes:
        file_name: what the file handle will call it; Synapse accepts it.
        ticket: 32 hex digits that no other upload has. A repeat of an interrupted upload carries the same ticket
            and an equal destination, so that an adapter that builds keys or paths from both finds its own traces.
    """

    file: LocalFile
    file_name: str
    content_type: str
    destination: UploadDestination
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPurpose:
    """What makes two tries the same upload: this content, under this name, for this place."""

    container_id: EntityId
    location_id: StorageLocationId
    file_name: str
    size_bytes: int
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An upload's name, and the destination it was begun with: the service makes up new paths at each answer."""

    text: str
    destination: UploadDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeHandle:
    """The bytes went through Synapse, and it has made the file handle already."""

    handle_id: FileHandleId


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Object:
    """An object in the bucket of an external S3 location (contract 7.6)."""

    location_id: StorageLocationId
    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleCloudObject:
    """An object in the bucket of a Google Cloud location (contract 7.6)."""

    location_id: StorageLocationId
    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreObject:
    """An object in an external object store; bucket and endpoint are the location's (contract 7.7)."""

    location_id: StorageLocationId
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedFile:
    """Something at an address, SFTP included; the location is optional (contract 7.7)."""

    url: str
    location_id: StorageLocationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedFile:
    """A path behind a proxy, percent-encoded where it has to be (contract 7.7)."""

    location_id: StorageLocationId
    path: str


Registrable = S3Object | GoogleCloudObject | ObjectStoreObject | AddressedFile | ProxiedFile
"""Bytes that are in their place and still need a file handle."""

Stored = MadeHandle | Registrable
"""What became of an upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFacts:
    """What a file handle says about its bytes. Synapse believes it, so it has to be true."""

    file_name: str
    content_type: str
    size_bytes: int | None = None
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """Bytes behind a file handle, with the proof that they may be read."""

    handle: FileHandle
    association: Association


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What a place says about bytes it holds; `md5` only where the place is sure of it."""

    size_bytes: int
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLimits:
    """What a kind of storage can do.

    Attributes:
        smallest_bytes: smaller files are refused before anything is sent; 0 where empty files are fine.
        largest_bytes: larger ones, too.
        reads_ranges: reading may begin anywhere, so an interrupted download goes on and a large one runs in parallel.
        ranges_at_once: readings of one file that make sense side by side.
        needs_tickets: the adapter looks at an upload's ticket; others find their own traces without.
        part_size_of: says of a file's size in which parts it will travel, where their MD5s are better taken together
            with that of the whole; None where that is of no use.
    """

    smallest_bytes: int = 0
    largest_bytes: int = field(default=5 * 1024**4)
    reads_ranges: bool = True
    ranges_at_once: int = 1
    needs_tickets: bool = True
    part_size_of: Callable[[int], int | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferWishes:
    """How the caller wants bytes to travel where there is a choice.

    Attributes:
        use_boto_sts: with temporary AWS credentials straight to the bucket, where the location gives them.
        use_google_credentials: with the user's own Google credentials straight to the bucket, where it is Google's.
    """

    use_boto_sts: bool = False
    use_google_credentials: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file entity to be made; `activity_id` says how it came about."""

    parent_id: EntityId
    name: str
    handle_id: FileHandleId
    description: str | None = None
    version_comment: str | None = None
    activity_id: ActivityId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A change of a file entity, if it still has this `etag`; `body` is the entity as it was read.

    Attributes:
        is_new_version: add a version; otherwise the newest one is changed.
    """

    entity_id: EntityId
    etag: str
    body: EntityBody
    handle_id: FileHandleId
    is_new_version: bool = True
    description: str | None = None
    version_comment: str | None = None
    activity_id: ActivityId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """What a file entity is after a change."""

    entity_id: EntityId
    version: int
    handle_id: FileHandleId | None
    etag: str = ""


class Content(StrEnum):
    """What the path of an order stands for."""

    BYTES = "BYTES"
    """A file of this machine, to be stored."""
    ADDRESS = "ADDRESS"
    """An address, to which Synapse only refers."""
    KEPT = "KEPT"
    """Nothing: the entity keeps its content, and its metadata alone counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOrder:
    """What a caller wants uploaded.

    Attributes:
        path: of the local file; see `content`.
        parent_id: the project or folder it goes into; not needed with `entity_id`.
        entity_id: the file that gets a new version, whatever its name.
        name: of the entity; None takes the local file's.
        location_id: a storage location other than the container's default one.
        is_name_free: the caller has looked, and nothing in the container has that name.
        even_if_equal: also when the newest version has this very content at this very location.
        metadata: annotations and provenance it shall have.
        is_metadata_versioned: where only these differ, they make a version of their own; else the newest is changed.
    """

    path: str
    content: Content = Content.BYTES
    parent_id: EntityId | None = None
    entity_id: EntityId | None = None
    name: str | None = None
    content_type: str | None = None
    description: str | None = None
    version_comment: str | None = None
    location_id: StorageLocationId | None = None
    is_name_free: bool = False
    even_if_equal: bool = False
    metadata: WantedMetadata = field(default_factory=WantedMetadata)
    is_metadata_versioned: bool = False


class UploadResult(StrEnum):
    """What became of an order; UPDATED: the content was there, annotations or provenance were not."""

    CREATED = "CREATED"
    NEW_VERSION = "NEW_VERSION"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A file that is in Synapse as it is on this machine; `md5` is None of an address."""

    path: str
    entity_id: EntityId
    name: str
    version: int
    handle_id: FileHandleId
    location_id: StorageLocationId
    size_bytes: int
    md5: str | None
    result: UploadResult


class IfCollision(StrEnum):
    """What happens to another file that has the name already; the words are those users know."""

    KEEP_BOTH = "keep.both"
    OVERWRITE_LOCAL = "overwrite.local"
    KEEP_LOCAL = "keep.local"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadOrder:
    """What a caller wants downloaded.

    Attributes:
        version: None takes the newest.
        folder: where it goes; made when it is missing.
        name: of the local file; None takes the one the file handle knows.
    """

    entity_id: EntityId
    folder: str
    version: int | None = None
    name: str | None = None
    if_collision: IfCollision = IfCollision.KEEP_BOTH


class DownloadResult(StrEnum):
    """What became of an order."""

    DOWNLOADED = "DOWNLOADED"
    UNCHANGED = "UNCHANGED"
    KEPT_LOCAL = "KEPT_LOCAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file of Synapse that is on this machine.

    Attributes:
        md5: of the local bytes; None when another local file was kept.
        is_verified: Synapse knows an MD5, and the local bytes have it.
    """

    path: str
    entity_id: EntityId
    name: str
    version: int
    handle_id: FileHandleId
    size_bytes: int
    md5: str | None
    is_verified: bool
    result: DownloadResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Bytes of a file, both ends included."""

    first_byte: int
    last_byte: int

    @property
    def size_bytes(self) -> int:
        """How many."""
        return self.last_byte - self.first_byte + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOrder:
    """Bytes that are in their place already and that Synapse shall know.

    Attributes:
        what: a key of the location's bucket or store, ``s3://bucket/key``, ``gs://bucket/key``, an address, or the
            path behind a proxy.
        location_id: needed for all but addresses.
        entity_id: a project or folder in which a file entity appears, or a file that gets a new version; None makes
            the file handle alone.
        local_path: a local copy of the bytes, for its size and MD5.
    """

    what: str
    location_id: StorageLocationId | None = None
    entity_id: EntityId | None = None
    name: str | None = None
    content_type: str | None = None
    size_bytes: int | None = None
    md5: str | None = None
    local_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A file handle for bytes in their place; with the file entity that refers to it, if one was asked for."""

    handle: FileHandle
    entity_id: EntityId | None = None
    version: int | None = None
    result: UploadResult = UploadResult.CREATED
