"""What has to be written so that a file says about itself what it shall say."""

from dataclasses import dataclass

from storage_core.model.trees import Annotation, FileDetails, Provenance, WantedMetadata
from storage_core.plan.annotating import merged
from storage_core.plan.provenance import is_said, resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataChanges:
    """What differs; None stands for nothing.

    Attributes:
        annotations: all that the file shall have, those that stay included.
    """

    annotations: tuple[Annotation, ...] | None = None
    provenance: Provenance | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything is as it shall be."""
        return self.annotations is None and self.provenance is None


def changes_of(details: FileDetails | None, wanted: WantedMetadata) -> MetadataChanges:
    """What differs from the newest version, or from a file that is not there yet.

    Raises:
        UsageError: see `annotating.merged` and `provenance.resolved`.
    """
    present = Provenance() if details is None else details.provenance
    provenance = None if wanted.provenance is None else resolved(wanted.provenance, present)
    return MetadataChanges(
        annotations=merged(() if details is None else details.annotations, wanted.annotations),
        provenance=None if provenance is None or is_said(provenance, present) else provenance,
    )
