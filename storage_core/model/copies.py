"""Copies: one per distinct source handle, however many items use it."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.handles import Association, FileHandle
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ReasonCode


class CopyStatus(StrEnum):
    """Where a copy stands. Only PROVEN copies are ever attached to a place."""

    PENDING = "PENDING"
    COPIED = "COPIED"
    PROVEN = "PROVEN"
    FAILED = "FAILED"


class EngineName(StrEnum):
    """The copy engines of the design; a plan names one per copy."""

    SYNAPSE = "synapse"
    S3 = "s3"
    RELAY = "relay"


class ProofRung(StrEnum):
    """How a copy was shown to hold the source's bytes, strongest first (docs/proof.md)."""

    PART_ETAG = "part-etag"
    ALIGNED_ETAG = "aligned-etag"
    CHECKSUM = "checksum"
    HASHED = "hashed"
    REREAD = "reread"
    STRUCTURAL = "structural"

    def __lt__(self, other: str) -> bool:
        """Order by strength: a weaker rung is less than a stronger one."""
        order = list(ProofRung)
        return order.index(self) > order.index(ProofRung(other))


class ProofLevel(StrEnum):
    """What the caller asks for: `standard` accepts every rung, `strict` none below `reread`."""

    STANDARD = "standard"
    STRICT = "strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRange:
    """One part: number from 1, byte positions inclusive on both ends."""

    number: int
    first_byte: int
    last_byte: int

    @property
    def size_bytes(self) -> int:
        """How many bytes the part covers."""
        return self.last_byte - self.first_byte + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """How an object is cut; `size_bytes` > 0. Made by `plan.parts.plan_parts`, which excludes the hazards."""

    size_bytes: int
    part_size_bytes: int

    @property
    def count(self) -> int:
        """Number of parts, at least 1."""
        return -(-self.size_bytes // self.part_size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRequest:
    """Copy *source* to *destination*; `copy_id` is the index's number for it.

    The same request gives the same copy when repeated, unless `discard_previous`.

    Attributes:
        engine: who makes it; None when nobody has been chosen yet.
        part_size_bytes: chosen together with the engine; None leaves it to `plan.parts`.
        begun_before: an earlier try may have left something behind. False only when that is certain.
    """

    copy_id: int
    source: FileHandle
    association: Association
    destination: StorageLocationId
    discard_previous: bool = False
    engine: EngineName | None = None
    part_size_bytes: int | None = None
    begun_before: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyEvidence:
    """What the copy itself showed; `part_etags` is empty when a finished copy of an earlier run was met.

    Attributes:
        part_count: parts of which the new object was made.
        part_size_bytes: planned size of each but the last.
        part_etags: unquoted ETag S3 gave for each copied part, in order.
        source_etag: the source object's ETag that every part was conditional on, unquoted, when seen.
        object_etag: the ETag of the whole new object, unquoted, looked up because `part_etags` is empty.
        hashed_md5: MD5 of the bytes, when they streamed through us.
        source_checksum, new_checksum: S3's own checksum over the whole of each object, with its algorithm, when the
            two can be compared.
        may_be_twice: Synapse may hold a second record of the same object: an earlier request to register it was
            sent, and nobody saw its answer.
    """

    part_count: int
    part_size_bytes: int
    part_etags: tuple[str, ...] = ()
    source_etag: str | None = None
    object_etag: str | None = None
    hashed_md5: str | None = None
    source_checksum: str | None = None
    new_checksum: str | None = None
    may_be_twice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The bytes are at the destination, says the engine. Nobody has proven it yet."""

    copy_id: int
    source: FileHandleId
    new: FileHandleId
    engine: EngineName
    evidence: CopyEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFailed:
    """The copy is not to be used."""

    copy_id: int
    source: FileHandleId
    reason: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWithdrawn:
    """Nothing was copied: the entity in whose name the source was to be read does not refer to it any more.

    Attributes:
        entity: all its places that referred to the source were changed, or went with it. Other entities may still
            refer to the source, and it is then read in the name of one of them.
        reason: HANDLE_CHANGED, or GONE when the entity was deleted.
    """

    copy_id: int
    source: FileHandleId
    entity: EntityId
    reason: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenCopy:
    """A copy whose bytes were checked. Built in plan/proving.py and nowhere else (a test looks)."""

    copy_id: int
    source: FileHandleId
    new: FileHandleId
    rung: ProofRung


class EtagMeaning(StrEnum):
    """What is known about the ETags of one storage location (design section 6)."""

    UNKNOWN = "unknown"
    MD5 = "md5"
    OPAQUE = "opaque"
