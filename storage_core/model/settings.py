"""What to migrate and how; bound to the index file that is made with it."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.copies import ProofLevel
from storage_core.model.ids import EntityId, StorageLocationId


class FileVersionStrategy(StrEnum):
    """Which versions of a file are moved, and how."""

    NEW = "new"
    LATEST = "latest"
    ALL = "all"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSettings:
    """The question an index answers. Two different questions never share an index file.

    Attributes:
        roots: where to start: projects, folders, files or tables; at least one.
        source_location_ids: only bytes in these locations are moved; empty means all of them.
    """

    roots: tuple[EntityId, ...]
    destination: StorageLocationId
    source_location_ids: tuple[StorageLocationId, ...] = ()
    strategy: FileVersionStrategy = FileVersionStrategy.NEW
    include_tables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run behaves; may differ from run to run on the same index.

    Attributes:
        max_failures: stop when more items than this have failed.
        max_failures_percent: stop when a larger share than this has failed.
        table_snapshots: freeze each table as a version before its first change.
    """

    continue_on_error: bool = False
    max_failures: int | None = None
    max_failures_percent: float | None = None
    proof: ProofLevel = ProofLevel.STANDARD
    table_snapshots: bool = True
