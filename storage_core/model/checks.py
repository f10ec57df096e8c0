"""Deep verification: places that are read again themselves, and objects whose bytes are read again."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.copies import ProofRung, ProvenCopy
from storage_core.model.handles import Association
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, TableCell
from storage_core.model.repoints import Drifted
from storage_core.model.works import Verified, VerifyFailed, VerifyWork


class ByteScope(StrEnum):
    """Which copies are read to their end: those proven by less than reading them, all of them, or none."""

    WEAK = "weak"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCheck:
    """A place that should refer to its new handle, and what that must look like."""

    work: VerifyWork
    place: FileVersion | TableCell

    @property
    def item_id(self) -> int:
        """The item's number."""
        return self.work.item_id

    @property
    def handle(self) -> FileHandleId:
        """What the place should refer to."""
        return self.work.association.handle_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsCheck:
    """Cells of one table that are read together."""

    last_item_id: int
    table_id: EntityId
    checks: tuple[PlaceCheck, ...]


PlaceOutcome = Verified | VerifyFailed | Drifted
"""`Drifted`: it refers to something else, or is gone. `VerifyFailed`: see its reason; READ_BACK_DIFFERS is damage, any
other says that it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesCheck:
    """A proven copy whose object is to be read; `md5` is lower-case hex, as Synapse recorded it for the source."""

    copy_id: int
    source: FileHandleId
    association: Association
    md5: str
    rung: ProofRung

    @property
    def handle(self) -> FileHandleId:
        """The copy's own handle."""
        return self.association.handle_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesDiffer:
    """The object is not what was proven once, or is not there any more. Its places keep referring to it."""

    copy_id: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesUnread:
    """The object could not be read, so nothing new is known."""

    copy_id: int
    reason: ReasonCode
    detail: str


BytesOutcome = ProvenCopy | BytesDiffer | BytesUnread


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksAhead:
    """What a deep verification has still to do.

    Attributes:
        files: file versions, one call each; `cells` in `tables` cost few calls per table.
        objects: copies to be read to their end, of `size_bytes` together; one call each, and the bytes.
    """

    files: int
    cells: int
    tables: int
    objects: int
    size_bytes: int


class CheckResult(StrEnum):
    """What one check came to."""

    GOOD = "good"
    DRIFTED = "drifted"
    DIFFERS = "differs"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinding:
    """A place or an object that is not as it was left, or could not be read.

    Attributes:
        entity_id: the place's; of an object, one of the entities that refer to it.
        place: in words, for people.
    """

    result: CheckResult
    entity_id: EntityId
    place: str
    handle: FileHandleId
    reason: ReasonCode | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What a deep verification came to: numbers of places and of objects by result, and everything that is not good."""

    places: dict[CheckResult, int]
    objects: dict[CheckResult, int]
    findings: tuple[CheckFinding, ...]

    def has(self, result: CheckResult) -> bool:
        """Whether any place or object came to this."""
        return bool(self.places.get(result) or self.objects.get(result))
