"""Directories of this machine, and what a file of Synapse says about itself in a manifest."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.errors import SynapseStorageError
from storage_core.model.entities import FileSnapshot
from storage_core.model.ids import EntityId


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """One directory: what is directly in it, each in the order of names.

    Attributes:
        skipped: names of what is neither (sockets, links that lead nowhere or to directories).
    """

    path: str
    files: tuple[str, ...]
    directories: tuple[str, ...]
    skipped: tuple[str, ...] = ()


class AnnotationType(StrEnum):
    """How values of an annotation are meant."""

    STRING = "STRING"
    DOUBLE = "DOUBLE"
    LONG = "LONG"
    TIMESTAMP_MS = "TIMESTAMP_MS"
    BOOLEAN = "BOOLEAN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation; values as the service writes them.

    Attributes:
        unknown_type: what the service called the type, where that is none of ours; it is sent back as it came.
    """

    name: str
    type: AnnotationType
    values: tuple[str, ...]
    unknown_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationText:
    """One annotation as people write it into a cell: its type is that of the annotation it replaces, if it fits."""

    name: str
    text: str


WantedAnnotation = Annotation | AnnotationText


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedEntity:
    """Something in Synapse that a file was made from, or by; any version of it, or a certain one."""

    entity_id: EntityId
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedAddress:
    """Something elsewhere that a file was made from, or by."""

    url: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedFile:
    """A file of this machine that goes up in the same run; it has an id afterwards."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedName:
    """What the file's present provenance calls by this name."""

    name: str


Reference = UsedEntity | UsedAddress
WantedReference = Reference | UsedFile | UsedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a version came about: what was used, and what was executed."""

    name: str = ""
    description: str = ""
    used: tuple[Reference, ...] = ()
    executed: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedProvenance:
    """The same as a caller says it; see `plan.provenance.resolved`."""

    name: str = ""
    description: str = ""
    used: tuple[WantedReference, ...] = ()
    executed: tuple[WantedReference, ...] = ()

    @property
    def references(self) -> tuple[WantedReference, ...]:
        """All of them."""
        return self.used + self.executed


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMetadata:
    """What a file shall say about itself besides its content.

    Attributes:
        annotations: these take the place of those of the same names; others stay.
        provenance: None leaves an unchanged file's as it is; a new version then has none.
    """

    annotations: tuple[WantedAnnotation, ...] = ()
    provenance: WantedProvenance | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wanted."""
        return not self.annotations and self.provenance is None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDetails:
    """A file with everything a manifest tells about it."""

    snapshot: FileSnapshot
    annotations: tuple[Annotation, ...] = ()
    provenance: Provenance = Provenance()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One file of a downloaded tree."""

    path: str
    details: FileDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFailure:
    """One file of many that could not be moved; the others went on.

    Attributes:
        what: the local path, or the file's name in Synapse.
        entity_id: of the file, where there is one.
    """

    what: str
    error: SynapseStorageError
    entity_id: EntityId | None = None
