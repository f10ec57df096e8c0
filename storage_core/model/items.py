"""Items: one place each, with one status and one reason (contract: every place is reported exactly once)."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.entities import EntityBody
from storage_core.model.handles import FileHandle
from storage_core.model.ids import ActivityId, EntityId, FileHandleId
from storage_core.model.places import Place


class ItemStatus(StrEnum):
    """Where an item stands. The words are those users know."""

    INDEXED = "INDEXED"
    ALREADY_MIGRATED = "ALREADY_MIGRATED"
    MIGRATED = "MIGRATED"
    SKIPPED = "SKIPPED"
    DRIFTED = "DRIFTED"
    ERRORED = "ERRORED"
    ROLLED_BACK = "ROLLED_BACK"


class ReasonClass(StrEnum):
    """Who can cure a failure."""

    RETRYABLE = "retryable"
    NEEDS_A_PERSON = "needs a person"
    NEVER_WORKS = "never works"


class ReasonCode(StrEnum):
    """Why an item is not (or not yet) migrated. `REASONS` holds class and sentence of each."""

    # in the tree, and rightly left alone
    EXTERNAL_URL = "EXTERNAL_URL"
    NOT_IN_SOURCE_LOCATIONS = "NOT_IN_SOURCE_LOCATIONS"
    NO_MD5 = "NO_MD5"
    NO_SIZE = "NO_SIZE"
    EMPTY_FILE = "EMPTY_FILE"
    ARCHIVED = "ARCHIVED"
    STS_FOLDER = "STS_FOLDER"
    NO_ENGINE = "NO_ENGINE"
    INVALID_NAME = "INVALID_NAME"
    FILES_SKIPPED = "FILES_SKIPPED"
    TABLES_NOT_INCLUDED = "TABLES_NOT_INCLUDED"
    NO_FILE_HANDLE = "NO_FILE_HANDLE"
    GONE = "GONE"
    # drift
    HANDLE_CHANGED = "HANDLE_CHANGED"
    ENTITY_CHANGED = "ENTITY_CHANGED"
    # failures a later run may cure
    SERVICE_FAULT = "SERVICE_FAULT"
    S3_FAULT = "S3_FAULT"
    COPY_INCOMPLETE = "COPY_INCOMPLETE"
    # failures a person can cure
    NO_READ_ACCESS = "NO_READ_ACCESS"
    NO_DOWNLOAD_ACCESS = "NO_DOWNLOAD_ACCESS"
    NO_WRITE_ACCESS = "NO_WRITE_ACCESS"
    NOT_OWN_HANDLE = "NOT_OWN_HANDLE"
    SOURCE_UNREADABLE = "SOURCE_UNREADABLE"
    SOURCE_CHANGED = "SOURCE_CHANGED"
    SOURCE_SUSPECT = "SOURCE_SUSPECT"
    PROOF_TOO_WEAK = "PROOF_TOO_WEAK"
    NO_KEY_ACCESS = "NO_KEY_ACCESS"
    NOT_REGISTERED = "NOT_REGISTERED"
    # failures that no repeat and no person cures here
    REFUSED = "REFUSED"
    SIZE_DIFFERS = "SIZE_DIFFERS"
    BYTES_DIFFER = "BYTES_DIFFER"
    READ_BACK_DIFFERS = "READ_BACK_DIFFERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What a reason code means to a data steward."""

    kind: ReasonClass
    sentence: str


def _never(sentence: str) -> Reason:
    return Reason(kind=ReasonClass.NEVER_WORKS, sentence=sentence)


def _person(sentence: str) -> Reason:
    return Reason(kind=ReasonClass.NEEDS_A_PERSON, sentence=sentence)


def _retry(sentence: str) -> Reason:
    return Reason(kind=ReasonClass.RETRYABLE, sentence=sentence)


REASONS: dict[ReasonCode, Reason] = {
    ReasonCode.EXTERNAL_URL: _never(
        "A link to an address outside; engine relay moves its bytes only if its storage location is named as a source."
    ),
    ReasonCode.NOT_IN_SOURCE_LOCATIONS: _never("Its bytes are in none of the source storage locations asked for."),
    ReasonCode.NO_MD5: _never("Synapse recorded no MD5 for it, and a copy could not be proven."),
    ReasonCode.NO_SIZE: _never("Synapse recorded no size for it, and a copy could not be planned."),
    ReasonCode.EMPTY_FILE: _never("It has 0 bytes, and Synapse refuses to copy an empty object."),
    ReasonCode.ARCHIVED: _person("Its bytes are archived; have Synapse restore them, then index again."),
    ReasonCode.STS_FOLDER: _never("It is in an STS storage location; Synapse lets such files not point elsewhere."),
    ReasonCode.NO_ENGINE: _never(
        "Only engine relay reads this kind of storage, and only when its location is named with"
        " --source-storage-location-ids; of a class that is not known here it reads nothing."
    ),
    ReasonCode.INVALID_NAME: _person(
        "Its name breaks today's rules, so Synapse refuses a new version; rename it, or use strategy latest."
    ),
    ReasonCode.FILES_SKIPPED: _never("A file entity; the chosen file version strategy leaves those alone."),
    ReasonCode.TABLES_NOT_INCLUDED: _never("A table; run with --include-table-files to look into it."),
    ReasonCode.NO_FILE_HANDLE: _never("An entity of a kind that holds no file."),
    ReasonCode.GONE: _never("It was deleted after the listing."),
    ReasonCode.HANDLE_CHANGED: _person("Somebody put another file there after indexing; index again to include it."),
    ReasonCode.ENTITY_CHANGED: _person("Somebody changed the entity after indexing; index again to include it."),
    ReasonCode.SERVICE_FAULT: _retry("Synapse failed to answer this call, again and again; retry later."),
    ReasonCode.S3_FAULT: _retry("S3, or another storage, failed to copy it, again and again; retry later."),
    ReasonCode.COPY_INCOMPLETE: _retry("Not every part of the copy arrived; retry."),
    ReasonCode.NO_READ_ACCESS: _person("You may not read it; ask its owner for access."),
    ReasonCode.NO_DOWNLOAD_ACCESS: _person("You may not download it; ask for access, or meet its access requirements."),
    ReasonCode.NO_WRITE_ACCESS: _person("You may not change it; ask its owner for edit access (and certify yourself)."),
    ReasonCode.NOT_OWN_HANDLE: _person(
        "Nothing refers to its old file handle any more, and only the user who created that can roll it back."
    ),
    ReasonCode.SOURCE_UNREADABLE: _person(
        "Synapse cannot read the source object; check that it is still in its bucket."
    ),
    ReasonCode.SOURCE_CHANGED: _person("The source object was overwritten while it was copied; find out by whom."),
    ReasonCode.SOURCE_SUSPECT: _person("The source's own bytes do not have the MD5 that Synapse recorded; not moved."),
    ReasonCode.PROOF_TOO_WEAK: _person("The copy could not be proven as strictly as asked for; use --proof standard."),
    ReasonCode.NO_KEY_ACCESS: _person(
        "Your keys or logins may not copy it; use others (--aws-profile, configuration file), or retry with another"
        " --engine."
    ),
    ReasonCode.NOT_REGISTERED: _person(
        "Synapse could not see the new object in its bucket; give Synapse's account the right to read it there."
    ),
    ReasonCode.REFUSED: _never("Synapse refuses this change; see the detail."),
    ReasonCode.SIZE_DIFFERS: _never("The copy has another size than the source; it was not used."),
    ReasonCode.BYTES_DIFFER: _never("The copy has other bytes than the source, twice; it was not used."),
    ReasonCode.READ_BACK_DIFFERS: _person("What was read back is not what was written; look at this item yourself."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """What indexing learnt about one place: enough to migrate it without asking again.

    Attributes:
        entity_id: the file or table.
        place: None for something in the tree that has no place (a link, a view, an unread file).
        column_name: of a cell, as the table called it when it was indexed.
        etag: the entity's concurrency token when it was the current version, else None.
        body: the whole entity, kept for strategy new only.
        knows_activity: whether the provenance was looked for.
    """

    entity_id: EntityId
    parent_id: EntityId | None
    name: str
    place: Place | None
    handle_id: FileHandleId | None = None
    handle: FileHandle | None = None
    etag: str | None = None
    body: EntityBody | None = None
    activity_id: ActivityId | None = None
    column_name: str | None = None
    knows_activity: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedItem:
    """The verdict on one place, ready to be stored."""

    facts: ItemFacts
    status: ItemStatus
    reason: ReasonCode | None = None
    detail: str | None = None
