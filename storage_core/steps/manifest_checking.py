"""Checks a manifest as a whole, on this machine and in Synapse, before the first byte moves."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from storage_core.errors import ManifestUnusable, UsageError
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.manifests import ManifestEntry, ManifestProblem, ManifestRead
from storage_core.model.transfers import Content
from storage_core.model.trees import UsedEntity, UsedFile, UsedName, WantedProvenance, WantedReference
from storage_core.plan.manifest_order import ordered
from storage_core.plan.manifest_reading import read_manifest
from storage_core.plan.provenance import names_of, unknown_reference
from storage_core.plan.uploading import check_size
from storage_core.ports.transfers import Files, LocalFiles
from storage_core.steps.placing import read_details
from storage_core.steps.uploading import Uploader

_MOST_SHOWN = 25
_Headers = Mapping[UsedEntity, EntityHeader]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestChecking:
    """Reads and checks manifests; one for all of a run. Lives on the network loop."""

    uploader: Uploader
    files: Files
    local: LocalFiles

    async def checked(
        self, path: str, *, parent_id: EntityId | None, location_id: StorageLocationId | None
    ) -> ManifestRead:
        """The entries in the order in which they can go up, paths complete. Nothing was changed.

        Costs one call per container, and one per 1,000 entities that lines name.

        Raises:
            ManifestUnusable: lines that cannot be done, every one with its number.
            UsageError: it cannot be read, or is no manifest.
            RestError, AccessError, ServiceUnavailable: see `ports`.
        """
        read = read_manifest(await self.local.read_text(path), parent_id=parent_id)
        entries, problems = await self._on_this_machine(read.entries)
        _require_none(path, [*read.problems, *problems])
        _require_none(path, await self._in_synapse(entries))
        _require_none(path, await self._of_places(entries, location_id))
        in_order, circles = ordered(entries)
        _require_none(path, circles)
        return replace(read, entries=tuple(in_order))

    async def _on_this_machine(
        self, entries: Sequence[ManifestEntry]
    ) -> tuple[list[ManifestEntry], list[ManifestProblem]]:
        full = [
            replace(entry, path=await self.local.full_path(entry.path)) if entry.content is Content.BYTES else entry
            for entry in entries
        ]
        problems = [problem for entry in full if (problem := await self._missing(entry)) is not None]
        paths = frozenset(entry.path for entry in full)
        return [await self._with_paths(entry, paths) for entry in full], problems

    async def _missing(self, entry: ManifestEntry) -> ManifestProblem | None:
        if entry.content is not Content.BYTES:
            return None
        try:
            found = await self.local.entry(entry.path)
        except UsageError as error:
            return ManifestProblem(line=entry.line, what=str(error))
        if found.size_bytes is not None:
            return None
        what = "is no file" if found.exists else "is not there"
        return ManifestProblem(line=entry.line, what=f"{entry.path} {what}.")

    async def _with_paths(self, entry: ManifestEntry, paths: frozenset[str]) -> ManifestEntry:
        """What looks like a file of this machine is one that goes up as well, or a name."""
        provenance = entry.metadata.provenance
        if provenance is None:
            return entry

        async def known(reference: WantedReference) -> WantedReference:
            if not isinstance(reference, UsedFile):
                return reference
            path = await self.local.full_path(reference.path)
            return UsedFile(path=path) if path in paths else UsedName(name=reference.path)

        complete = replace(
            provenance,
            used=tuple([await known(one) for one in provenance.used]),
            executed=tuple([await known(one) for one in provenance.executed]),
        )
        return replace(entry, metadata=replace(entry.metadata, provenance=complete))

    async def _in_synapse(self, entries: Sequence[ManifestEntry]) -> list[ManifestProblem]:
        wanted = dict.fromkeys(one for entry in entries for one in _entities_of(entry))
        found = await self.files.seen(tuple(wanted)) if wanted else ()
        latest = {header.id: header for header in found}
        versions = {(header.id, header.version) for header in found}
        there = {
            one: latest[one.entity_id]
            for one in wanted
            if one.entity_id in latest and (one.version is None or (one.entity_id, one.version) in versions)
        }
        problems = [
            ManifestProblem(line=entry.line, what=what) for entry in entries for what in _troubles(entry, there)
        ]
        for entry in entries:
            problems += await self._unknown_names(entry)
        return problems

    async def _unknown_names(self, entry: ManifestEntry) -> list[ManifestProblem]:
        """Names stand for addresses of the file's present provenance: the client's manifests show them so."""
        provenance = entry.metadata.provenance or WantedProvenance()
        names = [one.name for one in provenance.references if isinstance(one, UsedName)]
        if not names:
            return []
        known: Mapping[str, object] = {}
        if entry.entity_id is not None:
            known = names_of((await read_details(entry.entity_id, self.files)).provenance)
        return [
            ManifestProblem(line=entry.line, what=str(unknown_reference(name))) for name in names if name not in known
        ]

    async def _of_places(
        self, entries: Sequence[ManifestEntry], location_id: StorageLocationId | None
    ) -> list[ManifestProblem]:
        """Files that their container does not take; an entity's own container is looked at when it is its turn."""
        by_parent: defaultdict[EntityId, list[ManifestEntry]] = defaultdict(list)
        for entry in entries:
            if entry.content is Content.BYTES and entry.parent_id is not None:
                by_parent[entry.parent_id].append(entry)
        looked = await asyncio.gather(*(self._of_place(one, location_id, mine) for one, mine in by_parent.items()))
        return list(chain.from_iterable(looked))

    async def _of_place(
        self, parent_id: EntityId, location_id: StorageLocationId | None, entries: Sequence[ManifestEntry]
    ) -> list[ManifestProblem]:
        try:
            destination, limits = await self.uploader.limits_at(parent_id, location_id)
        except UsageError as error:
            return [ManifestProblem(line=entry.line, what=str(error)) for entry in entries]
        problems = []
        for entry in entries:
            size = (await self.local.entry(entry.path)).size_bytes or 0
            try:
                check_size(entry.path, size, limits, destination)
            except UsageError as error:
                problems.append(ManifestProblem(line=entry.line, what=str(error)))
        return problems


def _entities_of(entry: ManifestEntry) -> list[UsedEntity]:
    provenance = entry.metadata.provenance or WantedProvenance()
    named = [one for one in (entry.parent_id, entry.entity_id) if one is not None]
    used = [one for one in provenance.references if isinstance(one, UsedEntity)]
    return [*(UsedEntity(entity_id=one) for one in named), *used]


def _troubles(entry: ManifestEntry, there: _Headers) -> list[str]:
    troubles = []
    for one in _entities_of(entry):
        if one not in there:
            shown = one.entity_id if one.version is None else f"{one.entity_id}.{one.version}"
            troubles.append(f"{shown} is not there, or you may not see it.")
    parent = there.get(UsedEntity(entity_id=entry.parent_id)) if entry.parent_id else None
    if parent is not None and not parent.kind.is_container:
        troubles.append(f"{parent.id} ({parent.name}) is a {parent.kind}; files go into projects and folders.")
    present = there.get(UsedEntity(entity_id=entry.entity_id)) if entry.entity_id else None
    if present is not None and present.kind is not EntityKind.FILE:
        troubles.append(f"{present.id} ({present.name}) is a {present.kind}, no file.")
    return troubles


def _require_none(path: str, problems: Sequence[ManifestProblem]) -> None:
    if not problems:
        return
    in_order = sorted(problems, key=lambda problem: problem.line)
    shown = [f"line {one.line}: {one.what}" for one in in_order[:_MOST_SHOWN]]
    if len(problems) > _MOST_SHOWN:
        shown.append(f"and {len(problems) - _MOST_SHOWN} more")
    raise ManifestUnusable(
        "\n  ".join([f"Nothing was uploaded, because of these lines of {path}:", *shown]) + "\n",
        fix="Correct the manifest and run again.",
    )
