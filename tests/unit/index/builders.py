"""Short ways to make the records an index is fed with."""

from pathlib import Path

from storage_core.index.opening import open_index
from storage_core.index.store import Index
from storage_core.model.copies import Copied, CopyEvidence, CopyRequest, EngineName, ProofRung, ProvenCopy
from storage_core.model.entities import EntityBody, EntityHeader, EntityKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.ids import ColumnId, EntityId, FileHandleId, PrincipalId, StorageLocationId
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus, ReasonCode
from storage_core.model.places import FileVersion, NewVersion, Place, TableCell
from storage_core.model.repoints import Repointed
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.model.works import Described, FoundEntity, Listed, LookFailed, Verified

ROOT = EntityId("syn1")
DESTINATION = StorageLocationId(77)
SETTINGS = MigrationSettings(roots=(ROOT,), destination=DESTINATION, strategy=FileVersionStrategy.ALL)
NEW_SETTINGS = MigrationSettings(roots=(ROOT,), destination=DESTINATION, strategy=FileVersionStrategy.NEW)


def syn(number: int) -> EntityId:
    return EntityId(f"syn{number}")


def header(number: int, kind: EntityKind = EntityKind.FILE, version: int = 1) -> EntityHeader:
    return EntityHeader(id=syn(number), name=f"name {number}", kind=kind, version=version)


def handle(number: int, *, size_bytes: int = 100, location: int = 1) -> FileHandle:
    return FileHandle(
        id=FileHandleId(str(number)),
        kind=HandleKind.S3,
        concrete_type="org.sagebionetworks.repo.model.file.S3FileHandle",
        storage_location_id=StorageLocationId(location),
        size_bytes=size_bytes,
        md5=f"{number:032x}",
        file_name="brain, 'scan'.nii",
        content_type="application/octet-stream",
        bucket="bucket",
        key=f"a/{number}",
        created_by=PrincipalId("42"),
    )


def version_item(entity: int, version: int, of: FileHandle, status: ItemStatus = ItemStatus.INDEXED) -> IndexedItem:
    return _item(FileVersion(entity_id=syn(entity), version=version), entity, of, status)


def new_version_item(entity: int, current_version: int, of: FileHandle) -> IndexedItem:
    return _item(NewVersion(entity_id=syn(entity), current_version=current_version), entity, of, ItemStatus.INDEXED)


def cell_item(table: int, row: int, of: FileHandle) -> IndexedItem:
    place = TableCell(table_id=syn(table), row_id=row, column_id=ColumnId("5"), row_version=3)
    return _item(place, table, of, ItemStatus.INDEXED)


def placeless_item(entity: int, status: ItemStatus, reason: ReasonCode) -> IndexedItem:
    facts = ItemFacts(entity_id=syn(entity), parent_id=ROOT, name=f"name {entity}", place=None)
    return IndexedItem(facts=facts, status=status, reason=reason)


def _item(place: Place, entity: int, of: FileHandle, status: ItemStatus) -> IndexedItem:
    facts = ItemFacts(
        entity_id=syn(entity),
        parent_id=ROOT,
        name=f"name {entity}",
        place=place,
        handle_id=of.id,
        handle=of,
        etag=f"etag-of-{entity}",
        body=EntityBody(json_text=f'{{"id": "syn{entity}", "surprise": "ünïcode"}}'),
    )
    return IndexedItem(facts=facts, status=status)


def made(request: CopyRequest, new: int) -> Copied:
    return Copied(
        copy_id=request.copy_id,
        source=request.source.id,
        new=FileHandleId(str(new)),
        engine=EngineName.SYNAPSE,
        evidence=CopyEvidence(part_count=2, part_size_bytes=60, part_etags=("aa", "bb"), source_etag="cc"),
    )


def proven(copied: Copied, rung: ProofRung = ProofRung.PART_ETAG) -> ProvenCopy:
    return ProvenCopy(copy_id=copied.copy_id, source=copied.source, new=copied.new, rung=rung)


def look_failed(found: FoundEntity, reason: ReasonCode) -> LookFailed:
    return LookFailed(
        seq=found.seq,
        entity_id=found.entity_id,
        parent_id=found.parent_id,
        name=found.name,
        reason=reason,
        detail="GET /entity was answered 503",
    )


def fresh_index(folder: Path, settings: MigrationSettings = SETTINGS) -> Index:
    return open_index(folder / "project.duckdb", settings, create=True)


def listed_tree(index: Index, *children: EntityHeader) -> None:
    """The root project, listed, with these children."""
    index.add_roots([header(1, EntityKind.PROJECT)])
    (root,) = index.pending_containers(after=0, limit=10)
    index.record_listings([Listed(seq=root.seq, container_id=root.entity_id, children=children)])


def describe(index: Index, *items: IndexedItem) -> None:
    """Record what was read of every pending file: the given items of each."""
    found = index.pending_files(after=0, limit=1000)
    index.record_descriptions(
        [
            Described(
                seq=one.seq,
                entity_id=one.entity_id,
                items=tuple(item for item in items if item.facts.entity_id == one.entity_id),
            )
            for one in found
        ]
    )


def indexed_tree(index: Index, *items: IndexedItem) -> None:
    """A finished index that holds these items."""
    entities = dict.fromkeys(int(item.facts.entity_id[3:]) for item in items)
    listed_tree(index, *(header(entity) for entity in entities))
    describe(index, *items)
    index.finish_indexing()


def copy_all(index: Index, *, first_new: int = 9000) -> None:
    """Copy and prove everything that is pending."""
    requests = index.pending_copies(after=0, limit=1000)
    index.record_copies([made(request, first_new + request.copy_id) for request in requests])
    index.record_proofs([proven(work.copied) for work in index.pending_proofs(after=0, limit=1000)])


def repoint_all(index: Index, *, adds_versions: bool = False) -> None:
    """Repoint and read back everything that is ready."""
    works = index.pending_repoints(after=0, limit=1000)
    changes = [change for work in works for change in work.changes]
    index.record_repoints(
        [Repointed(item_id=change.item_id, new_version=2 if adds_versions else None) for change in changes]
    )
    index.record_verifications(
        [Verified(item_id=work.item_id) for work in index.pending_verifications(after=0, limit=1000)]
    )


def statuses(index: Index) -> dict[str, int]:
    """Items by status."""
    total: dict[str, int] = {}
    for count in index.counts():
        total[count.status.value] = total.get(count.status.value, 0) + count.items
    return total
