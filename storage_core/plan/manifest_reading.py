"""Reads a manifest: what each line wants, and every line that cannot be wanted, before anything is done."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from storage_core.errors import UsageError
from storage_core.model.ids import EntityId, parse_entity_id
from storage_core.model.manifests import ManifestEntry, ManifestProblem, ManifestRead
from storage_core.model.transfers import Content
from storage_core.model.trees import AnnotationText, WantedMetadata, WantedProvenance
from storage_core.plan.annotating import MOST_ANNOTATIONS, annotation_of, check_name
from storage_core.plan.manifest_lines import ManifestLine, ManifestTable, cut
from storage_core.plan.manifests import COLUMNS
from storage_core.plan.provenance import is_address, parse_references
from storage_core.plan.uploading import name_of

T = TypeVar("T")
_OWN = frozenset({*COLUMNS, "forceVersion"})
_OF_A_CART = frozenset({
    "error",
    "versionNumber",
    "dataFileSizeBytes",
    "createdBy",
    "createdOn",
    "modifiedBy",
    "modifiedOn",
    "synapseURL",
    "dataFileMD5Hex",
})  # fmt: skip
_PROVENANCE = ("used", "executed", "activityName", "activityDescription")


def read_manifest(text: str, *, parent_id: EntityId | None) -> ManifestRead:
    """Every line with a file; *parent_id* is for those that name no container.

    Columns that are none of the client's are annotations. What its download lists tell besides counts for nothing.

    Raises:
        UsageError: it is no manifest at all.
    """
    table = cut(text)
    if "path" not in table.columns:
        raise UsageError(
            "The manifest has no column 'path'.", fix="Its first line names the columns, with tabs or commas between."
        )
    reading = _Reading(parent_id=parent_id, annotations=_annotation_columns(table))
    there = [line for line in table.lines if not (table.is_cart and "error" in line.cells)]
    entries = [entry for line in there if (entry := reading.entry(line)) is not None]
    problems = [*reading.problems, *_repeated(entries)]
    return ManifestRead(entries=tuple(entries), problems=tuple(problems), left_out=len(table.lines) - len(there))


def _annotation_columns(table: ManifestTable) -> tuple[str, ...]:
    known = _OWN | _OF_A_CART if table.is_cart else _OWN
    return tuple(name for name in table.columns if name and name not in known)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Reads line after line; a line with a problem gives no entry."""

    parent_id: EntityId | None
    annotations: Sequence[str]
    problems: list[ManifestProblem] = field(default_factory=list)

    def entry(self, line: ManifestLine) -> ManifestEntry | None:
        before = len(self.problems)
        if line.excess:
            self._note(line, f"It has {line.excess} more cells than there are columns.")
        cells = line.cells
        if "path" not in cells:
            self._note(line, "It has no path.")
            return None
        entity_id = self._checked(line, lambda: _optional_id(cells.get("id")))
        parent_id = self._checked(line, lambda: _optional_id(cells.get("parent"))) or self.parent_id
        if self.parent_id is None and not {"id", "parent"} & cells.keys():
            self._note(line, "It has neither a parent nor an id.")
        path = cells["path"]
        stores = self._flag(line, "synapseStore", absent=True)
        entry = ManifestEntry(
            line=line.number,
            path=path,
            parent_id=parent_id,
            entity_id=entity_id,
            name=self._checked(line, lambda: _name(path, cells.get("name"))) or "",
            content_type=cells.get("contentType"),
            content=_content(path, stores=stores),
            is_metadata_versioned=self._flag(line, "forceVersion", absent=False),
            metadata=WantedMetadata(annotations=self._annotations(line), provenance=_provenance(line)),
        )
        if entry.content is Content.KEPT and entity_id is None:
            self._note(line, "synapseStore is False, so it needs an address as its path, or an id.")
        return entry if len(self.problems) == before else None

    def _annotations(self, line: ManifestLine) -> tuple[AnnotationText, ...]:
        wanted = [AnnotationText(name=name, text=line.cells[name]) for name in self.annotations if name in line.cells]
        if len(wanted) > MOST_ANNOTATIONS:
            self._note(line, f"It has {len(wanted)} annotations, Synapse keeps {MOST_ANNOTATIONS}.")
        for one in wanted:
            self._checked(line, lambda one=one: check_name(one.name) and annotation_of(one))  # type: ignore[misc]
        return tuple(wanted)

    def _flag(self, line: ManifestLine, column: str, *, absent: bool) -> bool:
        text = line.cells.get(column)
        if text is not None and text.lower() not in {"true", "false"}:
            self._note(line, f"{column} is True or False, not {text!r}.")
            return absent
        return absent if text is None else text.lower() == "true"

    def _checked(self, line: ManifestLine, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except UsageError as error:
            self._note(line, str(error))
            return None

    def _note(self, line: ManifestLine, what: str) -> None:
        self.problems.append(ManifestProblem(line=line.number, what=what))


def _optional_id(text: str | None) -> EntityId | None:
    return None if text is None else parse_entity_id(text)


def _name(path: str, wanted: str | None) -> str:
    return name_of(path.partition("?")[0] if is_address(path) else path, wanted)


def _content(path: str, *, stores: bool) -> Content:
    # an address is never stored, whatever the column says: the client's rule
    if is_address(path):
        return Content.ADDRESS
    return Content.BYTES if stores else Content.KEPT


def _provenance(line: ManifestLine) -> WantedProvenance | None:
    if not any(column in line.cells for column in _PROVENANCE):
        return None
    return WantedProvenance(
        name=line.cells.get("activityName", ""),
        description=line.cells.get("activityDescription", ""),
        used=parse_references(line.cells.get("used", "")),
        executed=parse_references(line.cells.get("executed", "")),
    )


def _repeated(entries: Iterable[ManifestEntry]) -> Iterator[ManifestProblem]:
    """Lines that want the same entity as an earlier one."""
    first: dict[tuple[str, str], int] = {}
    for entry in entries:
        is_known = entry.entity_id is not None
        target = (entry.entity_id or "", "") if is_known else (entry.parent_id or "", entry.name)
        line = first.setdefault(target, entry.line)
        if line != entry.line:
            shown = entry.entity_id if is_known else f"{entry.name!r} in {entry.parent_id}"
            yield ManifestProblem(line=entry.line, what=f"Line {line} is for {shown}, too.")
