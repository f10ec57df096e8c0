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
    """One annotation; values as the service writes them."""

    name: str
    type: AnnotationType
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a version came about: ``syn123.4``, names or addresses of what was used and executed."""

    name: str = ""
    description: str = ""
    used: tuple[str, ...] = ()
    executed: tuple[str, ...] = ()


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
