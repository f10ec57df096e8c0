"""What to migrate and how; bound to the index file that is made with it."""

from dataclasses import dataclass, field
from enum import StrEnum

from storage_core.model.copies import ProofLevel
from storage_core.model.ids import EntityId, StorageLocationId


class FileVersionStrategy(StrEnum):
    """Which versions of a file are moved, and how."""

    NEW = "new"
    LATEST = "latest"
    ALL = "all"
    SKIP = "skip"

    @property
    def changes_in_place(self) -> bool:
        """Whether it exchanges the handles of versions that exist, and adds none."""
        return self in {FileVersionStrategy.LATEST, FileVersionStrategy.ALL}


class EngineOption(StrEnum):
    """Which copy engine is wanted; `auto` takes for each copy the one that spends the fewest Synapse calls."""

    AUTO = "auto"
    SYNAPSE = "synapse"
    S3 = "s3"
    RELAY = "relay"


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


class IndexVia(StrEnum):
    """How files are read: through a file view, or one by one. `auto` uses a view it is given, and makes none."""

    AUTO = "auto"
    BUNDLE = "bundle"
    VIEW = "view"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """How an index is filled. The same places are found either way, so an index is not bound to it.

    Attributes:
        view: an existing file view to read through; it is never deleted.
        asks_provenance: whether strategy new looks for each file's provenance, which no view shows. Without asking, a
            new version gets none.
    """

    via: IndexVia = IndexVia.AUTO
    view: EntityId | None = None
    asks_provenance: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run behaves; may differ from run to run on the same index.

    Attributes:
        max_failures: stop when more items than this have failed.
        max_failures_percent: stop when a larger share than this has failed.
        table_snapshots: freeze each table as a version before its first change.
        engine: who makes the copies that nobody has begun yet.
        protect: take access lists down to "Can view" for others while places are changed.
        aws_profile: whose AWS keys the engine `s3` uses; None takes those of the environment or the machine.
        canary: so many items go through everything first, and the others only when all went well; 0: no canary.
    """

    continue_on_error: bool = False
    max_failures: int | None = None
    max_failures_percent: float | None = None
    proof: ProofLevel = ProofLevel.STANDARD
    table_snapshots: bool = True
    protect: bool = False
    indexing: IndexOptions = field(default_factory=IndexOptions)
    engine: EngineOption = EngineOption.AUTO
    aws_profile: str | None = None
    canary: int = 0
