"""Rows to records and back. `Any` enters here and does not leave."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from storage_core.model.copies import Copied, CopyEvidence, CopyRequest, EngineName, ProvenCopy
from storage_core.model.engines import CopySource
from storage_core.model.entities import EntityBody, EntityKind
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind, HandleStatus
from storage_core.model.ids import ActivityId, EntityId, FileHandleId, PrincipalId, StorageLocationId
from storage_core.model.items import IndexedItem, ItemStatus
from storage_core.model.places import FileVersion, NewVersion, Place, TableCell
from storage_core.model.repoints import AddVersion, KeptEntity, SwapVersionHandle
from storage_core.model.works import FoundEntity, ProofWork, VerifyWork
from storage_core.plan.proving import as_recorded
from storage_core.plan.repointing import repoint


class State:
    """Where an entity of the walk stands (column found.state)."""

    PENDING = "PENDING"
    COUNTED = "COUNTED"
    DONE = "DONE"
    FAILED = "FAILED"
    LEFT = "LEFT"


class Step:
    """What an INDEXED item waits for (column item.step); SETTLED for every other status, with one exception.

    DAMAGED: it refers to a proven copy whose object was later found to be something else. Only reading that object
    again says otherwise, so neither `retry` nor a new look at the tree may forget it.
    """

    WAITING = "WAITING"
    READY = "READY"
    REPOINTED = "REPOINTED"
    SETTLED = "SETTLED"
    DAMAGED = "DAMAGED"


class PlaceKind:
    """The kind of place (column item.place)."""

    VERSION = "version"
    NEW_VERSION = "new"
    CELL = "cell"
    NONE = "none"


FILE_ITEM = "file"
TABLE_ITEM = "table"

FOUND_SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        ("entity", pa.int64()),
        ("parent", pa.int64()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("version", pa.int32()),
        ("state", pa.string()),
    ]
)

ITEM_SCHEMA = pa.schema(
    [
        ("item_id", pa.int64()),
        ("entity", pa.int64()),
        ("kind", pa.string()),
        ("place", pa.string()),
        ("version", pa.int32()),
        ("row_id", pa.int64()),
        ("col_id", pa.int64()),
        ("col_name", pa.string()),
        ("parent", pa.int64()),
        ("name", pa.string()),
        ("from_location", pa.int64()),
        ("from_handle", pa.int64()),
        ("file_size", pa.int64()),
        ("md5", pa.string()),
        ("status", pa.string()),
        ("step", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("to_handle", pa.int64()),
        ("new_version", pa.int32()),
        ("updated_at", pa.timestamp("us")),
    ]
)

FACTS_SCHEMA = pa.schema(
    [
        ("item_id", pa.int64()),
        ("etag", pa.string()),
        ("body", pa.string()),
        ("activity_id", pa.string()),
        ("handle_kind", pa.string()),
        ("concrete_type", pa.string()),
        ("file_name", pa.string()),
        ("content_type", pa.string()),
        ("bucket", pa.string()),
        ("object_key", pa.string()),
        ("created_by", pa.string()),
        ("handle_status", pa.string()),
        ("address", pa.string()),
    ]
)

UNKNOWN_ACTIVITY = "?"
"""In the column item_facts.activity_id: nobody has looked whether there is one."""

NUMBERS_SCHEMA = pa.schema([("number", pa.int64())])


class PlaceColumns(NamedTuple):
    """A place as columns."""

    place: str
    version: int | None = None
    row_id: int | None = None
    col_id: int | None = None


def entity_number(entity_id: EntityId) -> int:
    """``syn123`` as 123."""
    return int(entity_id[3:])


def optional_entity_number(entity_id: EntityId | None) -> int | None:
    """The same, for a parent that may be missing."""
    return None if entity_id is None else entity_number(entity_id)


def entity_id_of(number: int) -> EntityId:
    """123 as ``syn123``."""
    return EntityId(f"syn{number}")


def handle_number(handle_id: FileHandleId | None) -> int | None:
    """A file handle id as a number."""
    return None if handle_id is None else int(handle_id)


def numbers(values: Sequence[int]) -> pa.Table:
    """A one-column batch for joins."""
    return pa.Table.from_arrays([pa.array(values, type=pa.int64())], schema=NUMBERS_SCHEMA)


def place_columns(place: Place | None) -> PlaceColumns:
    """A place, taken apart."""
    match place:
        case None:
            return PlaceColumns(PlaceKind.NONE)
        case FileVersion():
            return PlaceColumns(PlaceKind.VERSION, place.version)
        case NewVersion():
            return PlaceColumns(PlaceKind.NEW_VERSION, place.current_version)
        case TableCell():
            return PlaceColumns(PlaceKind.CELL, place.row_version, place.row_id, int(place.column_id))


def facts_row(item_id: int, item: IndexedItem) -> tuple[Any, ...]:
    """The cold half of an item: what is read once, when its copy or its change is made."""
    facts, handle = item.facts, item.facts.handle
    known = (
        (None,) * 9
        if handle is None
        else (
            handle.kind.value,
            handle.concrete_type,
            handle.file_name,
            handle.content_type,
            handle.bucket,
            handle.key,
            handle.created_by,
            handle.status.value,
            _address_of(item),
        )
    )
    body = None if facts.body is None else facts.body.json_text
    activity_id = facts.activity_id if facts.knows_activity else UNKNOWN_ACTIVITY
    return (item_id, facts.etag, body, activity_id, *known)


def _address_of(item: IndexedItem) -> str | None:
    """Where bytes are that lie in no bucket of S3. Only of what is to be moved: an address may hold a secret."""
    handle = item.facts.handle
    if handle is None or item.status is not ItemStatus.INDEXED:
        return None
    return handle.url or handle.endpoint_url


def found_entity(row: tuple[Any, ...]) -> FoundEntity:
    """From columns seq, entity, parent, name, kind, version."""
    seq, entity, parent, name, kind, version = row
    return FoundEntity(
        seq=seq,
        entity_id=entity_id_of(entity),
        parent_id=None if parent is None else entity_id_of(parent),
        name=name,
        kind=EntityKind(kind),
        version=version,
    )


SOURCE_COLUMNS = """c.from_handle, c.from_location, c.file_size, c.md5, s.handle_kind, s.concrete_type, s.file_name,
    s.content_type, s.bucket, s.object_key, s.created_by, s.handle_status, s.address, s.entity,
    s.entity_kind"""


def source_of(row: Sequence[Any]) -> tuple[FileHandle, Association]:
    """From SOURCE_COLUMNS."""
    (handle_id, location, size, md5, kind, concrete_type, name, content, bucket, key) = row[:10]
    (owner, status, address, entity, of) = row[10:]
    handle = FileHandle(
        id=FileHandleId(str(handle_id)),
        kind=HandleKind(kind),
        concrete_type=concrete_type,
        storage_location_id=StorageLocationId(location),
        size_bytes=size,
        md5=md5,
        file_name=name,
        content_type=content,
        bucket=bucket,
        key=key,
        url=address if kind == HandleKind.EXTERNAL_URL else None,
        endpoint_url=address if kind == HandleKind.OBJECT_STORE else None,
        created_by=None if owner is None else PrincipalId(owner),
        status=HandleStatus(status),
    )
    return handle, association(handle.id, entity, of)


def association(handle_id: FileHandleId, entity: int, item_kind: str) -> Association:
    """The proof that a handle may be read through a file or a table."""
    kind = AssociationKind.TABLE if item_kind == TABLE_ITEM else AssociationKind.FILE
    return Association(handle_id=handle_id, object_id=entity_id_of(entity), kind=kind)


def copy_request(row: tuple[Any, ...], destination: StorageLocationId) -> CopyRequest:
    """From columns copy_id, discard_previous, engine, part_size_bytes, begun, then SOURCE_COLUMNS."""
    copy_id, discard_previous, engine, part_size_bytes, begun = row[:5]
    source, through = source_of(row[5:])
    return CopyRequest(
        copy_id=copy_id,
        source=source,
        association=through,
        destination=destination,
        discard_previous=discard_previous,
        engine=None if engine is None else EngineName(engine),
        part_size_bytes=part_size_bytes,
        begun_before=bool(begun),
    )


def copy_source(row: tuple[Any, ...]) -> CopySource:
    """From columns engine, copies, size_bytes, parts, then SOURCE_COLUMNS."""
    engine, copies, size_bytes, parts = row[:4]
    return CopySource(
        sample=source_of(row[4:])[0],
        engine=None if engine is None else EngineName(engine),
        copies=copies,
        size_bytes=size_bytes,
        parts=parts,
    )


def proof_work(row: tuple[Any, ...]) -> ProofWork:
    """From copy_id, to_handle, engine, attempts, the evidence's eight columns, then SOURCE_COLUMNS."""
    copy_id, to_handle, engine, attempts, part_count, part_size, part_etags, source_etag, hashed = row[:9]
    source_checksum, new_checksum, may_be_twice = row[9:12]
    source, through = source_of(row[12:])
    evidence = CopyEvidence(
        part_count=part_count,
        part_size_bytes=part_size,
        part_etags=tuple(part_etags.split(",")) if part_etags else (),
        source_etag=source_etag,
        hashed_md5=hashed,
        source_checksum=source_checksum,
        new_checksum=new_checksum,
        may_be_twice=bool(may_be_twice),
    )
    copied = Copied(
        copy_id=copy_id,
        source=source.id,
        new=FileHandleId(str(to_handle)),
        engine=EngineName(engine),
        evidence=evidence,
    )
    return ProofWork(copied=copied, source=source, association=through, attempts=attempts)


class ReadyPlace(NamedTuple):
    """One INDEXED item whose copy is proven, as the claim reads it."""

    item_id: int
    entity: int
    place: str
    version: int
    etag: str | None
    body: str | None
    activity_id: str | None
    copy_id: int
    from_handle: int
    to_handle: int
    proof: str | None


def change_of(ready: ReadyPlace) -> SwapVersionHandle | AddVersion:
    """The change to send for a file's place.

    Raises:
        ValueError: see `repoint` and `as_recorded`.
    """
    entity_id = entity_id_of(ready.entity)
    copy = proven_copy(ready.copy_id, ready.from_handle, ready.to_handle, ready.proof)
    if ready.place == PlaceKind.VERSION:
        return repoint(ready.item_id, FileVersion(entity_id=entity_id, version=ready.version), copy)
    place = NewVersion(entity_id=entity_id, current_version=ready.version)
    return repoint(ready.item_id, place, copy, _kept(ready))


def _kept(ready: ReadyPlace) -> KeptEntity | None:
    if ready.etag is None or ready.body is None:
        return None
    is_known = ready.activity_id not in {None, UNKNOWN_ACTIVITY}
    activity_id = ActivityId(ready.activity_id or "") if is_known else None
    return KeptEntity(etag=ready.etag, body=EntityBody(json_text=ready.body), activity_id=activity_id)


def proven_copy(copy_id: int, from_handle: int, to_handle: int, proof: str | None) -> ProvenCopy:
    """From a PROVEN row of the copies."""
    source, new = FileHandleId(str(from_handle)), FileHandleId(str(to_handle))
    return as_recorded(copy_id=copy_id, source=source, new=new, rung=proof)


def verify_work(row: tuple[Any, ...], destination: StorageLocationId) -> VerifyWork:
    """From columns item_id, to_handle, entity, kind, file_size, md5."""
    item_id, to_handle, entity, kind, size, md5 = row
    return VerifyWork(
        item_id=item_id,
        association=association(FileHandleId(str(to_handle)), entity, kind),
        destination=destination,
        size_bytes=size,
        md5=md5,
    )
