"""An index with a million waiting copies, written through its own methods."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.virtual_project import etag_of, handle_of
from storage_core.index.opening import open_index
from storage_core.index.store import Index
from storage_core.model.copies import Copied, CopyEvidence, EngineName
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus
from storage_core.model.places import FileVersion
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.model.works import Described, FoundEntity, Listed

_CHUNK = 10_000
_ROOT = EntityHeader(id=EntityId("syn1"), name="root", kind=EntityKind.PROJECT, version=1)


def filled_index(path: Path, rows: int) -> Path:
    """Make an index with this many files, each waiting to be copied."""
    settings = MigrationSettings(
        roots=(_ROOT.id,), destination=StorageLocationId(77), strategy=FileVersionStrategy.LATEST
    )
    with open_index(path, settings, create=True) as index:
        index.add_roots([_ROOT])
        _list(index, rows)
        while found := index.pending_files(after=0, limit=_CHUNK):
            index.record_descriptions([_described(one) for one in found])
        index.finish_indexing()
    return path


def record_copied(index: Index, copies: Sequence[int]) -> None:
    """Commit that these copies were made, as a run does."""
    evidence = CopyEvidence(part_count=1, part_size_bytes=5 * 2**20, part_etags=("0" * 32,), source_etag=None)
    index.record_copies(
        [
            Copied(
                copy_id=copy_id,
                source=FileHandleId("1"),
                new=FileHandleId(str(90_000_000 + copy_id)),
                engine=EngineName.SYNAPSE,
                evidence=evidence,
            )
            for copy_id in copies
        ]
    )


def _list(index: Index, rows: int) -> None:
    """Folders below the root, as a project of this size has them: listing all at once takes its memory at once."""
    (root,) = index.pending_containers(after=0, limit=1)
    folders = tuple(
        EntityHeader(id=EntityId(f"syn{number}"), name=f"folder {number}", kind=EntityKind.FOLDER, version=1)
        for number in range(2, 2 + -(-rows // _CHUNK))
    )
    index.record_listings([Listed(seq=root.seq, container_id=root.entity_id, children=folders)])
    first, left = 10_000_000, rows
    while left:
        (folder,) = index.pending_containers(after=0, limit=1)
        count = min(left, _CHUNK)
        children = tuple(
            EntityHeader(id=EntityId(f"syn{number}"), name=f"file {number}.bin", kind=EntityKind.FILE, version=1)
            for number in range(first, first + count)
        )
        index.record_listings([Listed(seq=folder.seq, container_id=folder.entity_id, children=children)])
        first, left = first + count, left - count


def _described(found: FoundEntity) -> Described:
    number = int(found.entity_id.removeprefix("syn"))
    handle = handle_of(number)
    facts = ItemFacts(
        entity_id=found.entity_id,
        parent_id=found.parent_id,
        name=found.name,
        place=FileVersion(entity_id=found.entity_id, version=1),
        handle_id=handle.id,
        handle=handle,
        etag=etag_of(number),
    )
    return Described(
        seq=found.seq, entity_id=found.entity_id, items=(IndexedItem(facts=facts, status=ItemStatus.INDEXED),)
    )
