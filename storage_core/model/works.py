"""Units of work that phases claim from the index, and what can come of each."""

from dataclasses import dataclass

from storage_core.model.copies import Copied, EtagMeaning
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.handles import Association, FileHandle
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import IndexedItem, ReasonCode
from storage_core.model.repoints import Repoint, SwapCellHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEntity:
    """An entity that the walk met and that is still to be looked into. `seq` numbers them in order of finding."""

    seq: int
    entity_id: EntityId
    parent_id: EntityId | None
    name: str
    kind: EntityKind
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesChunk:
    """Files that are looked up in a view together, by rising entity id; at least one."""

    files: tuple[FoundEntity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFailed:
    """A view could not be read; the files that it was to show are read one by one."""

    view_id: EntityId
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """All children of one container, each once. The container is finished when this is recorded.

    Attributes:
        unlisted_files: files that were counted and are not among the children. While there are any, the container is
            not finished: a view has to show exactly so many, or it is listed again, with its files.
    """

    seq: int
    container_id: EntityId
    children: tuple[EntityHeader, ...]
    unlisted_files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedContainer:
    """A container whose files were counted and not listed."""

    found: FoundEntity
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedContainers:
    """All of them; one reading of a view is compared with all counts."""

    containers: tuple[CountedContainer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSeen:
    """Files of counted containers, each with its container, as they are now."""

    children: tuple[tuple[EntityId, EntityHeader], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsAgree:
    """In these containers (their numbers in the walk) exactly as many files were seen as had been counted."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFailed:
    """An entity could not be looked into (listed, or read). It is looked into again by the next retry."""

    seq: int
    entity_id: EntityId
    parent_id: EntityId | None
    name: str
    reason: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Every place of one entity that counts under the strategy, with its verdict."""

    seq: int
    entity_id: EntityId
    items: tuple[IndexedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePage:
    """Cells of some rows of one table, in the order of its rows.

    A table is read from its start: page 1 takes the place of what an earlier reading left behind.
    """

    seq: int
    table_id: EntityId
    number: int
    items: tuple[IndexedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDescribed:
    """All pages of one table are recorded. Until then it counts as not looked into."""

    seq: int
    table_id: EntityId
    cells: int


TableOutcome = TablePage | TableDescribed | Described | LookFailed
"""What looking into a table comes to; `Described` when nothing in it holds a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofWork:
    """A finished copy that nobody has proven yet. `attempts` counts earlier copies of it that were discarded."""

    copied: Copied
    source: FileHandle
    association: Association
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyDiscarded:
    """The copy held other bytes; the next try must not meet it again."""

    copy_id: int
    source: FileHandleId
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EtagLearnt:
    """What one reread showed about the ETags of a storage location."""

    location_id: StorageLocationId
    meaning: EtagMeaning


@dataclass(frozen=True, slots=True, kw_only=True)
class RepointWork:
    """All changes of one entity, lowest version first; they are sent one after the other (contract 6.6)."""

    last_item_id: int
    entity_id: EntityId
    changes: tuple[Repoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotWork:
    """A table that is about to be changed for the first time.

    Attributes:
        number: orders the works.
        label: of the version to be made; this migration's own, so that Synapse makes one such version at most.
        comment: names this migration and no other; the version is found again by it.
    """

    number: int
    table_id: EntityId
    label: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """The table's state is frozen as this version. `found_done` when an earlier, interrupted try had done it."""

    table_id: EntityId
    version: int
    found_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFailed:
    """The table could not be frozen, so none of its cells is changed."""

    table_id: EntityId
    reason: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsWork:
    """Cells of one table, to be changed together, in the order of their rows."""

    last_item_id: int
    table_id: EntityId
    changes: tuple[SwapCellHandle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyWork:
    """A repointed item, and what reading it back must show."""

    item_id: int
    association: Association
    destination: StorageLocationId
    size_bytes: int
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Read back as expected."""

    item_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyFailed:
    """Not read back as expected, or not readable."""

    item_id: int
    reason: ReasonCode
    detail: str
