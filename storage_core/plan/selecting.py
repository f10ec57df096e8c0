"""Which places of an entity count, and whether each can be moved. Pure."""

from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import UNKNOWN_BODY, FileSnapshot
from storage_core.model.handles import FileHandle, HandleKind, HandleRefusal, HandleStatus
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus, ReasonCode
from storage_core.model.places import FileVersion, NewVersion, Place
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.plan.file_names import may_be_valid_file_name

_RELAYED = frozenset({HandleKind.EXTERNAL_URL, HandleKind.GOOGLE_CLOUD, HandleKind.OBJECT_STORE, HandleKind.PROXY})
_NO_BYTES_OF_OURS = {
    HandleKind.EXTERNAL_URL: ReasonCode.EXTERNAL_URL,
    HandleKind.GOOGLE_CLOUD: ReasonCode.NO_ENGINE,
    HandleKind.OBJECT_STORE: ReasonCode.NO_ENGINE,
    HandleKind.PROXY: ReasonCode.NO_ENGINE,
    HandleKind.UNKNOWN: ReasonCode.NO_ENGINE,
}


def place_of(snapshot: FileSnapshot, strategy: FileVersionStrategy) -> Place:
    """The place that *snapshot* stands for: the version itself, or the one to be added on top of it."""
    if strategy is FileVersionStrategy.NEW:
        return NewVersion(entity_id=snapshot.entity_id, current_version=snapshot.version)
    return FileVersion(entity_id=snapshot.entity_id, version=snapshot.version)


def facts_of(snapshot: FileSnapshot, strategy: FileVersionStrategy) -> ItemFacts:
    """What has to be kept of *snapshot* to migrate it without reading it again.

    Only strategy new sends the entity back whole, so only it keeps the body.
    """
    adds_version = strategy is FileVersionStrategy.NEW
    return ItemFacts(
        entity_id=snapshot.entity_id,
        parent_id=snapshot.parent_id,
        name=snapshot.name,
        place=place_of(snapshot, strategy),
        handle_id=snapshot.handle_id,
        handle=snapshot.handle,
        etag=snapshot.etag if snapshot.is_latest else None,
        body=snapshot.body if adds_version and snapshot.body != UNKNOWN_BODY else None,
        activity_id=snapshot.activity_id if adds_version else None,
        knows_activity=snapshot.knows_activity,
    )


def is_wanted(handle: FileHandle, settings: MigrationSettings) -> bool:
    """Whether the handle's bytes lie in one of the source locations asked for (all, when none are named)."""
    return not settings.source_location_ids or handle.storage_location_id in settings.source_location_ids


def is_relayed(handle: FileHandle, settings: MigrationSettings) -> bool:
    """Whether bytes outside S3 are to flow through this machine: only where their storage location was named.

    A link without a location counts as being in Synapse's own, where no such bytes are.
    """
    return (
        handle.kind in _RELAYED
        and handle.storage_location_id != DEFAULT_STORAGE_LOCATION
        and handle.storage_location_id in settings.source_location_ids
    )


def is_moving_candidate(handle: FileHandle, settings: MigrationSettings) -> bool:
    """Whether the source location has to be known to decide; saves asking about locations that do not matter."""
    return (
        handle.kind is HandleKind.S3
        and handle.storage_location_id != settings.destination
        and is_wanted(handle, settings)
    )


def judge_place(facts: ItemFacts, settings: MigrationSettings, source: LocationFacts | None) -> IndexedItem:
    """Give one place its status: to be moved, already there, or left alone for exactly one reason.

    Args:
        source: the storage location of the handle, when `is_moving_candidate`; None when it is not visible.
    """
    handle = facts.handle
    if handle is None:
        if facts.handle_id is None:
            return IndexedItem(facts=facts, status=ItemStatus.SKIPPED, reason=ReasonCode.NO_FILE_HANDLE)
        return IndexedItem(facts=facts, status=ItemStatus.ERRORED, reason=ReasonCode.NO_DOWNLOAD_ACCESS)
    if handle.storage_location_id == settings.destination:
        return IndexedItem(facts=facts, status=ItemStatus.ALREADY_MIGRATED)
    reason = _why_not(handle, settings, source) or _why_not_here(facts)
    if reason is None:
        return IndexedItem(facts=facts, status=ItemStatus.INDEXED)
    return IndexedItem(facts=facts, status=ItemStatus.SKIPPED, reason=reason)


def judge_cell(facts: ItemFacts, refusal: HandleRefusal | None, settings: MigrationSettings) -> IndexedItem:
    """Give one table cell its status.

    Synapse's rule about STS locations concerns files only (contract 3.2, 9.7; decision 0012), so it is not asked for.

    Args:
        refusal: why the handle was not shown; None when it was.
    """
    if refusal is HandleRefusal.NOT_FOUND:
        detail = f"file handle {facts.handle_id} was deleted; the cell still names it"
        return IndexedItem(facts=facts, status=ItemStatus.ERRORED, reason=ReasonCode.GONE, detail=detail)
    return judge_place(facts, settings, None)


def _why_not(handle: FileHandle, settings: MigrationSettings, source: LocationFacts | None) -> ReasonCode | None:
    """The first reason that keeps a handle from being moved; the order is the one a steward would ask in."""
    questions = (
        (
            handle.kind is not HandleKind.S3 and not is_relayed(handle, settings),
            _NO_BYTES_OF_OURS.get(handle.kind, ReasonCode.NO_ENGINE),
        ),
        (not is_wanted(handle, settings), ReasonCode.NOT_IN_SOURCE_LOCATIONS),
        (source is not None and source.sts_enabled, ReasonCode.STS_FOLDER),
        (handle.status is HandleStatus.ARCHIVED, ReasonCode.ARCHIVED),
        (handle.size_bytes is None, ReasonCode.NO_SIZE),
        (handle.size_bytes == 0, ReasonCode.EMPTY_FILE),
        (handle.md5 is None, ReasonCode.NO_MD5),
    )
    return next((reason for applies, reason in questions if applies), None)


def _why_not_here(facts: ItemFacts) -> ReasonCode | None:
    """A reason that lies in the place and not in the bytes.

    A new version sends the whole entity, and Synapse checks its name again (contract 6.7): names from before there
    were rules are refused. Finding out after the copy would leave an orphan behind. Whether "letters" means those
    of all scripts is not established, so only what no reading allows counts as refused.
    """
    if isinstance(facts.place, NewVersion) and not may_be_valid_file_name(facts.name):
        return ReasonCode.INVALID_NAME
    return None
