"""A manifest as it was read: which files go where, and what is wrong with its lines."""

from dataclasses import dataclass, field

from storage_core.model.ids import EntityId
from storage_core.model.transfers import Content
from storage_core.model.trees import WantedMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One line: a file that is wanted in Synapse.

    Attributes:
        line: where it stands, counted from 1, which is the line of the column names.
        path: as it is written; a local file, or an address.
        parent_id: project or folder; may be missing where there is an `entity_id`.
        name: of the entity; that of the file where none is written.
    """

    line: int
    path: str
    parent_id: EntityId | None
    entity_id: EntityId | None
    name: str
    content_type: str | None = None
    content: Content = Content.BYTES
    is_metadata_versioned: bool = False
    metadata: WantedMetadata = field(default_factory=WantedMetadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestProblem:
    """What is wrong with one line, in a sentence."""

    line: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRead:
    """What a manifest says, and what of it makes no sense.

    Attributes:
        left_out: lines that say of themselves that their file is not there (column ``error``).
    """

    entries: tuple[ManifestEntry, ...]
    problems: tuple[ManifestProblem, ...]
    left_out: int = 0
