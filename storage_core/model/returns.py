"""Rolling back: places that refer to their old file handles again."""

from dataclasses import dataclass
from datetime import datetime

from storage_core.model.handles import Association
from storage_core.model.ids import FileHandleId, PrincipalId
from storage_core.model.items import ReasonCode
from storage_core.model.plans import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class OldHandle:
    """The source of a proven copy. `association` is the likeliest way to read it still; `owner` created it."""

    copy_id: int
    association: Association
    owner: PrincipalId | None

    @property
    def id(self) -> FileHandleId:
        """The handle."""
        return self.association.handle_id


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleToReturn:
    """What places are to refer to again: the old handle itself, or a record of the caller's own of the same object."""

    copy_id: int
    handle: FileHandleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRefused:
    """The old handle cannot be referred to again, so its places stay as they are."""

    copy_id: int
    reason: ReasonCode
    detail: str


HandleOutcome = HandleToReturn | ReturnRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnsAhead:
    """What a roll-back still has to do, as the index counts it.

    Attributes:
        places: places to be changed back; `cells` of them are table cells, in `tables` tables.
        in_place: places whose old handle nothing else is known to refer to: Synapse archives it some day.
        own_handles, other_handles: distinct old handles by whether the user created them.
        unverified: places that were changed back and not read back yet.
        changed_since: places that somebody changed after the migration; they are left alone.
        first_change: when the first place was changed by the migration, UTC; None when none was.
        fingerprint: changes whenever any place or handle of the work changes.
    """

    places: int
    size_bytes: int
    cells: int
    tables: int
    in_place: int
    own_handles: int
    other_handles: int
    unverified: int
    changed_since: int
    first_change: datetime | None
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """What rolling back would do. Confirming it means confirming `hash`.

    Attributes:
        calls: Synapse calls, at most.
        deadline: after it Synapse may archive old handles that nothing refers to; None when there are none.
    """

    ahead: ReturnsAhead
    calls: int
    deadline: datetime | None
    findings: tuple[Finding, ...]
    hash: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to do."""
        return self.ahead.places == 0 and self.ahead.unverified == 0
