"""The manifest of a downloaded tree, column by column as the existing client writes and reads it (TSV)."""

from collections.abc import Sequence

from storage_core.model.trees import ManifestRow
from storage_core.plan.annotating import annotation_text
from storage_core.plan.provenance import references_text

MANIFEST_NAME = "SYNAPSE_METADATA_MANIFEST.tsv"
COLUMNS = (
    "path",
    "parent",
    "name",
    "id",
    "synapseStore",
    "contentType",
    "used",
    "executed",
    "activityName",
    "activityDescription",
)
_BREAKS = str.maketrans({"\t": " ", "\n": " ", "\r": " "})


def manifest_text(rows: Sequence[ManifestRow]) -> str:
    """The whole manifest: the client's columns in its order, then one per annotation, by name.

    The format knows no quotes, so tabs and line breaks inside of values become blanks.
    """
    names = sorted({one.name for row in rows for one in row.details.annotations} - set(COLUMNS))
    lines = [(*COLUMNS, *names), *(_cells(row, names) for row in rows)]
    return "".join("\t".join(cell.translate(_BREAKS) for cell in line) + "\n" for line in lines)


def _cells(row: ManifestRow, names: Sequence[str]) -> tuple[str, ...]:
    snapshot, provenance = row.details.snapshot, row.details.provenance
    annotations = {one.name: annotation_text(one) for one in row.details.annotations}
    return (
        row.path,
        snapshot.parent_id or "",
        snapshot.name,
        snapshot.entity_id,
        # an address that Synapse only refers to is not stored again from here
        str(snapshot.handle is None or snapshot.handle.url is None),
        (snapshot.handle.content_type if snapshot.handle else None) or "",
        references_text(provenance.used),
        references_text(provenance.executed),
        provenance.name,
        provenance.description,
        *(annotations.get(name, "") for name in names),
    )
