"""In which order the files of a manifest go up: what a file was made from before the file itself."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from storage_core.model.manifests import ManifestEntry, ManifestProblem
from storage_core.model.trees import UsedFile


def files_used(entry: ManifestEntry) -> tuple[str, ...]:
    """Paths of the files of this machine that it was made from, or by."""
    if entry.metadata.provenance is None:
        return ()
    return tuple(one.path for one in entry.metadata.provenance.references if isinstance(one, UsedFile))


def ordered(entries: Sequence[ManifestEntry]) -> tuple[Sequence[ManifestEntry], Sequence[ManifestProblem]]:
    """The entries with what they use before them, otherwise as they came; or what makes that impossible.

    Paths are complete, and every file that is used has an entry.
    """
    by_path: dict[str, ManifestEntry] = {}
    problems = []
    used = {path for entry in entries for path in files_used(entry)}
    for entry in entries:
        if entry.path in used and entry.path in by_path:
            other = by_path[entry.path].line
            problems.append(
                ManifestProblem(line=entry.line, what=f"Its file is used by others, and line {other} has it, too.")
            )
        by_path.setdefault(entry.path, entry)
    if problems:
        return (), problems
    return _sorted(entries, by_path)


def _sorted(
    entries: Sequence[ManifestEntry], by_path: Mapping[str, ManifestEntry]
) -> tuple[Sequence[ManifestEntry], Sequence[ManifestProblem]]:
    by_line = {entry.line: entry for entry in entries}
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for entry in entries:
        sorter.add(entry.line, *(by_path[path].line for path in files_used(entry)))
    try:
        return [by_line[line] for line in sorter.static_order()], ()
    except CycleError as error:
        circle: list[int] = error.args[1]
        shown = " from ".join(f"line {line}" for line in reversed(circle))
        return (), [ManifestProblem(line=min(circle), what=f"These would be made from each other: {shown}.")]
