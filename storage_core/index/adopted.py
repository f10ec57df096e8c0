"""What was carried over from an index of the existing client, for use while the new one is filled."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from storage_core.index.database import Database, arrow_table
from storage_core.index.rows import entity_id_of, entity_number, handle_number, numbers
from storage_core.model.adoptions import Adoption, FinishedVersion
from storage_core.model.ids import EntityId, FileHandleId

_VERSION_SCHEMA = pa.schema(
    [
        ("entity", pa.int64()),
        ("version", pa.int32()),
        ("handle", pa.int64()),
        ("source", pa.int64()),
        ("file_size", pa.int64()),
    ]
)
_COPY_SCHEMA = pa.schema(
    [("from_handle", pa.int64()), ("to_handle", pa.int64()), ("file_size", pa.int64()), ("part_size_bytes", pa.int64())]
)

_FINISHED = """
select entity, version, handle, source, file_size from adopted_version join met on adopted_version.entity = met.number
"""

# A copy of another size than the source has now is none of it; the client may have moved an earlier content.
_USABLE = """
select copy.copy_id, copy.from_handle, a.to_handle, a.file_size, a.part_size_bytes
from copy join adopted_copy a on a.from_handle = copy.from_handle and a.file_size = copy.file_size
where copy.status = 'PENDING' and copy.attempts = 0 and not copy.discard_previous
"""

_USE = """
update copy set status = 'COPIED', to_handle = made.to_handle, engine = 'synapse', parts = made.parts, updated_at = ?
from made where copy.copy_id = made.copy_id
"""

_EVIDENCE = """
insert into copy_evidence (copy_id, part_count, part_size_bytes, part_etags)
select copy_id, parts, part_size_bytes, '' from made
"""

_MADE_SCHEMA = pa.schema(
    [("copy_id", pa.int64()), ("to_handle", pa.int64()), ("parts", pa.int32()), ("part_size_bytes", pa.int64())]
)


def store_adoption(database: Database, adoption: Adoption, *, told: str) -> None:
    """Keep what is carried over, all of it or nothing; *told* goes to the journal."""
    versions = [
        (entity_number(one.entity_id), one.version, int(one.handle), handle_number(one.source), one.size_bytes)
        for one in adoption.versions
    ]
    copies = [(int(one.source), int(one.new), one.size_bytes, one.part_size_bytes) for one in adoption.copies]
    with database.transaction():
        database.rows("insert into adopted_version select * from kept", kept=arrow_table(_VERSION_SCHEMA, versions))
        database.rows("insert into adopted_copy select * from kept", kept=arrow_table(_COPY_SCHEMA, copies))
        database.journal([("adopted", None, None, told)])


def finished_versions(database: Database, entity_ids: Sequence[EntityId]) -> dict[EntityId, list[FinishedVersion]]:
    """What is known of these files' finished versions."""
    found: dict[EntityId, list[FinishedVersion]] = {}
    met = numbers([entity_number(entity_id) for entity_id in entity_ids])
    for entity, version, handle, source, size in database.rows(_FINISHED, met=met):
        one = FinishedVersion(
            entity_id=entity_id_of(entity),
            version=version,
            handle=FileHandleId(str(handle)),
            source=None if source is None else FileHandleId(str(source)),
            size_bytes=size,
        )
        found.setdefault(one.entity_id, []).append(one)
    return found


def use_adopted_copies(database: Database, now: datetime) -> None:
    """Take copies that the client made instead of making them again; they are proven like any other.

    Belongs into the transaction that makes the copies. A copy of that kind that was discarded is not taken again.
    """
    rows = database.rows(_USABLE)
    if not rows:
        return
    made = [(copy_id, new, max(1, -(-size // part)), part) for copy_id, _, new, size, part in rows]
    table = arrow_table(_MADE_SCHEMA, made)
    database.rows(_USE, [now], made=table)
    database.rows(_EVIDENCE, made=table)
    database.journal(
        [
            ("copied", "copy", copy_id, f"handle {source} -> {new} by synapseclient, earlier")
            for copy_id, source, new, _, _ in rows
        ]
    )
