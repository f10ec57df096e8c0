"""Scenarios of size: many files, many versions."""

import gc
import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.objects.records import GIB
from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ExpectedVersion, ScenarioFacts, Trait
from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.kinds import Kind
from sandbox.synapse.locations import DEFAULT_LOCATION_ID, SYNAPSE_BUCKET
from sandbox.synapse.world import World

FILES_PER_FOLDER = 5_000
VERSIONS_PER_FILE = 5
SMALLEST_BYTES, LARGEST_BYTES = 1_000, 8 * GIB
_NO_ANNOTATIONS: dict[str, tuple[str, tuple[object, ...]]] = {}


def build_flat(world: World, *, size: int, seed: int) -> ScenarioFacts:
    """*size* declared files of 1 kB to 8 GiB, most of them small, in folders of 5,000."""
    builder = Builder(world, "flat", seed)
    with builder.days_ago(300), _no_cycle_search():
        project = builder.project("Many files")
        for start in range(0, size, FILES_PER_FOLDER):
            folder = builder.folder(project, f"batch {start // FILES_PER_FOLDER:04d}")
            for number in range(start, min(start + FILES_PER_FOLDER, size)):
                _add_file(builder, folder, number)
        return builder.facts(project)


def build_versions(world: World, *, size: int, seed: int) -> ScenarioFacts:
    """*size* files of five versions each; the last but one of every third file shares the first one's handle."""
    builder = Builder(world, "versions", seed)
    with builder.days_ago(300), _no_cycle_search():
        project = builder.project("Many versions")
        folder = project
        for number in range(size):
            if number % FILES_PER_FOLDER == 0:
                folder = builder.folder(project, f"batch {number // FILES_PER_FOLDER:04d}")
            _add_history(builder, folder, number)
        return builder.facts(project)


def _add_history(builder: Builder, folder: Entity, number: int) -> None:
    first = _handle(builder, number * VERSIONS_PER_FILE)
    entity = builder.file(folder, f"series_{number:06d}.bin", first)
    for version in range(1, VERSIONS_PER_FILE):
        is_shared = number % 3 == 0 and version == VERSIONS_PER_FILE - 2
        handle = first if is_shared else _handle(builder, number * VERSIONS_PER_FILE + version)
        builder.version(entity, handle, comment="as at first" if is_shared else None)


def _add_file(builder: Builder, folder: Entity, number: int) -> None:
    """What `Builder.file` does, with less to carry: a million of them must fit."""
    handle = _handle(builder, number)
    entity = builder.world.entities.add(
        builder.world,
        kind=Kind.FILE,
        name=handle.file_name or "",
        parent_id=folder.id,
        created_by=builder.steward.id,
        handle_id=handle.id,
    )
    builder.counts[Kind.FILE.value] += 1
    builder.versions.append(
        ExpectedVersion(
            entity_id=entity.id,
            name=entity.name,
            path=folder.name,
            number=1,
            is_current=True,
            label="1",
            handle_id=handle.id,
            file_name=entity.name,
            size=handle.content_size,
            md5=handle.content_md5,
            location_id=DEFAULT_LOCATION_ID,
            trait=_trait(handle.content_size or 0),
            annotations=_NO_ANNOTATIONS,
        )
    )


def _handle(builder: Builder, number: int) -> Handle:
    size = _varied_size(builder.random.random())
    md5 = hashlib.md5(f"{builder.seed}/{number}".encode(), usedforsecurity=False).hexdigest()
    name = f"file_{number:07d}.bin"
    key = f"{builder.colleague.id}/{md5[:8]}/{name}"
    builder.world.objects.put_virtual(SYNAPSE_BUCKET, key, size=size, md5=md5, seed=builder.seed)
    return builder.world.handles.add(
        builder.world,
        kind=HandleKind.S3,
        created_by=builder.colleague.id,
        file_name=name,
        content_type="application/octet-stream",
        content_md5=md5,
        content_size=size,
        storage_location_id=DEFAULT_LOCATION_ID,
        bucket=SYNAPSE_BUCKET,
        key=key,
    )


def _varied_size(chance: float) -> int:
    """Sizes as projects have them: each power of ten is rarer than the one below."""
    exponent = chance**3
    return int(math.exp(math.log(SMALLEST_BYTES) + exponent * math.log(LARGEST_BYTES / SMALLEST_BYTES)))


def _trait(size: int) -> Trait:
    return Trait.HUGE if size > 5 * GIB else Trait.ORDINARY


@contextmanager
def _no_cycle_search() -> Iterator[None]:
    """Building makes millions of records and no cycles; looking for some takes longer than the building."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
