"""Counting what else holds handles of the old location: wikis of containers, previews of old handles. Reads only."""

import asyncio
from collections.abc import Sequence

from storage_core.model.handles import Association, HandleAnswer
from storage_core.model.holders import PreviewSeen, WikiSeen
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.ports.catalog import Catalog
from storage_core.ports.holders import WikiCatalog

CALLS_AT_ONCE = 12
HANDLES_PER_CALL = 100


async def wikis_of(owners: Sequence[EntityId], catalog: WikiCatalog) -> tuple[WikiSeen, ...]:
    """The wikis of these entities, in their order: a call each, and one per page."""
    slots = asyncio.Semaphore(CALLS_AT_ONCE)

    async def one(owner: EntityId) -> WikiSeen:
        async with slots:
            return await catalog.wiki(owner)

    return tuple(await asyncio.gather(*(one(owner) for owner in owners)))


async def previews_of(
    sources: Sequence[tuple[Association, StorageLocationId]], catalog: Catalog
) -> tuple[PreviewSeen, ...]:
    """What is known of the previews of old handles, with the location of each: one call per hundred."""
    slots = asyncio.Semaphore(CALLS_AT_ONCE)

    async def some(chunk: Sequence[tuple[Association, StorageLocationId]]) -> list[PreviewSeen]:
        async with slots:
            answers = await catalog.handles([association for association, _ in chunk])
        return [_seen(answer, location) for answer, (_, location) in zip(answers, chunk, strict=True)]

    starts = range(0, len(sources), HANDLES_PER_CALL)
    chunks = await asyncio.gather(*(some(sources[start : start + HANDLES_PER_CALL]) for start in starts))
    return tuple(seen for chunk in chunks for seen in chunk)


def _seen(answer: HandleAnswer, location: StorageLocationId) -> PreviewSeen:
    if answer.handle is None:
        return PreviewSeen(of=answer.handle_id, location_id=location, is_hidden=True)
    # a handle that names itself wants no preview (contract 8.7)
    preview = answer.handle.preview_id if answer.handle.preview_id != answer.handle.id else None
    return PreviewSeen(of=answer.handle_id, location_id=location, preview=preview)
