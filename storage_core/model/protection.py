"""Access lists, and the protection of containers while their files are migrated (contract 10)."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.ids import EntityId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """What one user or team may do, in the service's own words (READ, DOWNLOAD, CHANGE_PERMISSIONS …)."""

    principal: int
    rights: frozenset[str]


AccessEntries = tuple[AccessEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessList:
    """The own access list of an entity."""

    entity_id: EntityId
    etag: str
    entries: AccessEntries

    def grants(self, entries: AccessEntries) -> bool:
        """Whether it gives everybody exactly these rights, in whatever order."""
        return granted(self.entries) == granted(entries)


def granted(entries: AccessEntries) -> frozenset[AccessEntry]:
    """Who may do what; an entry without rights says nothing."""
    return frozenset(entry for entry in entries if entry.rights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What is, or may have been, done to one container; in the index before it is done.

    Attributes:
        inherits: it had no list of its own, so one was to be started that grants what it inherited, which is then
            `before`, and only then to be taken down.
        during: what its list says while it is protected.
    """

    entity_id: EntityId
    inherits: bool
    before: AccessEntries
    during: AccessEntries


class LiftStep(StrEnum):
    """How a protection ends, given what the container's list says now."""

    DONE = "done"
    """It is as it was, or was never changed, and no earlier write can change it any more."""
    RENEW = "renew"
    """It is as it was; writing it once more makes a write void that is still on its way."""
    PUT_BACK = "put back"
    INHERIT = "inherit"
    LEAVE = "leave"
    """Somebody changed the list meanwhile; theirs stays."""
