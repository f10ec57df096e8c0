"""What an index of the existing client says, and what of it can be carried over."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from storage_core.model.ids import ColumnId, EntityId, FileHandleId, StorageLocationId
from storage_core.model.settings import MigrationSettings


class OldKind(IntEnum):
    """The numbers in the column `type`."""

    PROJECT = 1
    FOLDER = 2
    FILE = 3
    TABLE_ATTACHED_FILE = 4


class OldStatus(IntEnum):
    """The numbers in the column `status`."""

    INDEXED = 1
    MIGRATED = 2
    ALREADY_MIGRATED = 3
    ERRORED = 4


class Maker(StrEnum):
    """Which of the client's two implementations made an index; they write its tables in different letters."""

    FUNCTIONS = "synapseutils"
    MODELS = "synapseclient.models"


@dataclass(frozen=True, slots=True, kw_only=True)
class OldRow:
    """One row of the table `migrations`. Its traceback is left behind: it may hold addresses that give access."""

    entity_id: EntityId
    kind: OldKind
    status: OldStatus
    version: int | None = None
    row_id: int | None = None
    column_id: ColumnId | None = None
    from_location: StorageLocationId | None = None
    from_handle: FileHandleId | None = None
    to_handle: FileHandleId | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedVersion:
    """A file version that lies at the destination already, and under which handle.

    Attributes:
        source: the handle it had before; None when it was there from the start.
    """

    entity_id: EntityId
    version: int
    handle: FileHandleId
    source: FileHandleId | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedCopy:
    """A copy that the client made and attached somewhere; other places with the same source can use it, once proven.

    Attributes:
        part_size_bytes: of the parts it was made of.
    """

    source: FileHandleId
    new: FileHandleId
    size_bytes: int
    part_size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OldCounts:
    """The old index in numbers; rows that say the same are counted once.

    Attributes:
        containers: projects and folders that were walked; no work (import rule 1).
        not_indexed: entities that could not be looked into.
        not_migrated: places that could not be moved.
    """

    rows: int = 0
    repeated: int = 0
    containers: int = 0
    waiting: int = 0
    migrated: int = 0
    already_there: int = 0
    not_indexed: int = 0
    not_migrated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What is carried over into a new index. Everything else is looked at again."""

    settings: MigrationSettings
    maker: Maker
    counts: OldCounts
    versions: tuple[FinishedVersion, ...]
    copies: tuple[FinishedCopy, ...]
