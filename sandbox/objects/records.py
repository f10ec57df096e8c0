"""The store's records: buckets, objects, unfinished uploads."""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.objects.contents import Content

MIB = 1024 * 1024
GIB = 1024 * MIB
SMALLEST_PART_BYTES = 5 * MIB
LARGEST_COPY_BYTES = 5 * GIB
LARGEST_PUT_BYTES = 5 * GIB
MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What an object carries besides its bytes. One record is shared by all objects that are alike.

    Attributes:
        checksum_algorithm: the native checksum S3 keeps for the object, such as ``CRC64NVME``; None for old objects.
        checksum_type: ``FULL_OBJECT``, or ``COMPOSITE`` for a checksum of the parts' checksums.
    """

    content_type: str = "binary/octet-stream"
    disposition: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    storage_class: str = "STANDARD"
    checksum_algorithm: str | None = None
    checksum_type: str = "FULL_OBJECT"
    acl: str | None = None

    @property
    def needs_restore(self) -> bool:
        """Are the bytes in an archive, out of reach until restored?"""
        return self.storage_class in {"GLACIER", "DEEP_ARCHIVE"}


PLAIN = Attributes()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object. `etag` is without quotes; `part_sizes` is empty unless it came from a multipart upload."""

    content: Content
    etag: str
    last_modified: datetime
    attributes: Attributes = PLAIN
    part_sizes: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.content.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an upload, as sent or copied. `etag` is without quotes."""

    number: int
    content: Content
    etag: str
    last_modified: datetime


@dataclass(slots=True, kw_only=True)
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    id: str
    bucket: str
    key: str
    started: datetime
    attributes: Attributes
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Bucket:
    """A bucket and its switches.

    Attributes:
        readable_by_synapse: may Synapse's own role read here?
        writable_by_synapse: may Synapse's own role write here?
        has_opaque_etags: ETags say nothing about the bytes, as with KMS encryption.
    """

    name: str
    region: str = "us-east-1"
    readable_by_synapse: bool = True
    writable_by_synapse: bool = True
    has_opaque_etags: bool = False
    objects: dict[str, StoredObject] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)
    _are_keys_sorted: bool = True

    def put(self, key: str, stored: StoredObject) -> None:
        """Store an object, replacing the one of the same key."""
        if key not in self.objects:
            self._are_keys_sorted = False
        self.objects[key] = stored

    def remove(self, key: str) -> None:
        """Forget the object, if there is one."""
        if self.objects.pop(key, None) is not None:
            self._are_keys_sorted = False

    def sorted_keys(self) -> list[str]:
        """All keys in S3's order. Sorted again only after a change; do not modify."""
        if not self._are_keys_sorted:
            self._keys = sorted(self.objects)
            self._are_keys_sorted = True
        return self._keys
