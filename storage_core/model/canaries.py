"""The canary: a few items that go through everything before the others are touched."""

from dataclasses import dataclass, field
from enum import StrEnum

from storage_core.model.copies import ProofRung
from storage_core.model.items import ItemStatus
from storage_core.model.plans import StatusCount


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryCandidate:
    """A copy that may be part of a canary, with all the places that wait for it.

    Attributes:
        used_by: the kind of entity whose place was indexed first ("file", "table").
        origin: where the bytes are: storage location and kind of handle, in one word.
        size_band: the number of decimal digits of its size in bytes; copies of one band are of like size.
        items: places that wait for it.
        alike: how many copies wait that agree in kind, origin and size band.
    """

    copy_id: int
    used_by: str
    origin: str
    size_band: int
    size_bytes: int
    items: int
    alike: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RungCount:
    """How many migrated items share a rung of proof."""

    rung: ProofRung
    items: int


class CanaryVerdict(StrEnum):
    """What a canary came to.

    WAITING: not all of it was tried yet. CLEAN: every item is migrated, proven and read back. CHANGED: nothing failed,
    but items are left as they are, because somebody changed them meanwhile. FAILED: an item failed.
    """

    WAITING = "waiting"
    CLEAN = "clean"
    CHANGED = "changed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryResult:
    """The canary of an index as it stands.

    Attributes:
        counts: its items by status and reason.
        rungs: its migrated items by proof.
        seconds, calls: what its runs took so far, and Synapse calls spent; a killed run's share is not in them.
        is_agreed: somebody has agreed to go on after it.
    """

    counts: tuple[StatusCount, ...] = ()
    rungs: tuple[RungCount, ...] = field(default=())
    seconds: float = 0.0
    calls: int = 0
    is_agreed: bool = False

    @property
    def items(self) -> int:
        """All of them."""
        return sum(count.items for count in self.counts)

    @property
    def size_bytes(self) -> int:
        """Bytes of the handles its items had."""
        return sum(count.size_bytes for count in self.counts)

    @property
    def verdict(self) -> CanaryVerdict:
        """What it came to; an empty one was not tried."""
        found = {count.status for count in self.counts if count.items}
        if ItemStatus.ERRORED in found:
            return CanaryVerdict.FAILED
        if not found or ItemStatus.INDEXED in found:
            return CanaryVerdict.WAITING
        return CanaryVerdict.CLEAN if found == {ItemStatus.MIGRATED} else CanaryVerdict.CHANGED
