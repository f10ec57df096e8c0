"""Reading migrated items back once more, long after the run; changes neither Synapse nor the index."""

import asyncio
from collections.abc import Iterator, Sequence

from storage_core.errors import RestError
from storage_core.model.handles import Association, AssociationKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.model.works import Verified, VerifyFailed, VerifyWork
from storage_core.ports.catalog import Catalog
from storage_core.ports.queries import Queries
from storage_core.steps.verifying import compare

PER_CALL = 100
CALLS_AT_ONCE = 6

_MIGRATED = f"""
select item_id, kind, entity_id, to_file_handle_id, to_storage_location_id, file_size, md5 from items_v1
where status = 'MIGRATED' and item_id > ? order by item_id limit {PER_CALL * CALLS_AT_ONCE}
"""  # noqa: S608 - a number of ours


def migrated_works(queries: Queries) -> Iterator[tuple[VerifyWork, ...]]:
    """What reading every migrated item back must show, several calls' worth at a time, in index order."""
    last = -1
    while works := tuple(_work(row) for row in queries.rows(_MIGRATED, (last,))):
        yield works
        last = works[-1].item_id


async def audit(works: Sequence[VerifyWork], catalog: Catalog) -> tuple[Verified | VerifyFailed, ...]:
    """Compare each handle with what the index says of it: one call per hundred, outcomes in the same order."""
    chunks = [works[start : start + PER_CALL] for start in range(0, len(works), PER_CALL)]
    judged = await asyncio.gather(*(_audit_chunk(chunk, catalog) for chunk in chunks))
    return tuple(outcome for outcomes in judged for outcome in outcomes)


async def _audit_chunk(chunk: Sequence[VerifyWork], catalog: Catalog) -> list[Verified | VerifyFailed]:
    try:
        answers = await catalog.handles([work.association for work in chunk])
    except RestError as error:
        return [
            VerifyFailed(item_id=work.item_id, reason=ReasonCode.SERVICE_FAULT, detail=error.what) for work in chunk
        ]
    return [compare(work, answer) for work, answer in zip(chunk, answers, strict=True)]


def _work(row: tuple[int, str, str, str, int, int, str]) -> VerifyWork:
    item_id, kind, entity_id, handle_id, location_id, size_bytes, md5 = row
    return VerifyWork(
        item_id=item_id,
        association=Association(
            handle_id=FileHandleId(handle_id),
            object_id=EntityId(entity_id),
            kind=AssociationKind.TABLE if kind == "table" else AssociationKind.FILE,
        ),
        destination=StorageLocationId(location_id),
        size_bytes=size_bytes,
        md5=md5,
    )
