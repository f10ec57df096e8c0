"""Phase describe by view: read many files at once from a file view; what it does not show is left for the next phase.

Nothing is believed because a view says so. Each file's header is read after the view's row, and a row counts only when
both tell of the same version and the same time of modification; its handle is read from Synapse like any other. So a
view that lags, or lacks files, costs calls and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from storage_core.errors import RestError, UsageError
from storage_core.model.entities import UNKNOWN_BODY, FileSnapshot
from storage_core.model.handles import Association, AssociationKind, HandleAnswer
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.items import ItemStatus
from storage_core.model.settings import FileVersionStrategy
from storage_core.model.works import FilesChunk, FoundEntity, ViewFailed
from storage_core.plan.selecting import facts_of, is_moving_candidate, judge_place
from storage_core.plan.viewing import needs_bodies
from storage_core.steps.describing import describe_file
from storage_core.steps.services import Emit, Services

_HANDLES_PER_CALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A file of the walk, and what the view shows of it."""

    found: FoundEntity
    snapshot: FileSnapshot
    handle_id: FileHandleId


async def describe_chunk(chunk: FilesChunk, services: Services, emit: Emit) -> None:
    """Describe those files of the chunk that the view shows as they are. Four calls or so, and one per 100 files."""
    view_id = services.view.usable
    if view_id is None:
        return
    try:
        shown = await _shown(view_id, chunk, services)
    except RestError as error:
        # Every other chunk would meet the same trouble, after the same wait.
        if services.view.give_up(error.what):
            emit(ViewFailed(view_id=view_id, detail=error.what))
        return
    hundreds = [shown[start : start + _HANDLES_PER_CALL] for start in range(0, len(shown), _HANDLES_PER_CALL)]
    await _all([_describe_hundred(hundred, services, emit) for hundred in hundreds])


async def _shown(view_id: EntityId, chunk: FilesChunk, services: Services) -> tuple[_Shown, ...]:
    by_id = {found.entity_id: found for found in chunk.files}
    snapshots = await services.catalog.files_shown(
        view_id, list(by_id), with_bodies=needs_bodies(services.settings, services.indexing)
    )
    return tuple(
        _Shown(found=by_id[one.entity_id], snapshot=one, handle_id=one.handle_id)
        for one in snapshots
        if one.handle_id is not None
    )


async def _describe_hundred(hundred: Sequence[_Shown], services: Services, emit: Emit) -> None:
    """Read the handles of up to a hundred files, then settle each file."""
    if services.stop.is_set():
        return
    associations = [
        Association(handle_id=one.handle_id, object_id=one.found.entity_id, kind=AssociationKind.FILE)
        for one in hundred
    ]
    answers = await services.catalog.handles(associations)
    if needs_bodies(services.settings, services.indexing):
        await _look_for_provenance(hundred[0], services)
    for one, answer in zip(hundred, answers, strict=True):
        if services.stop.is_set():
            return
        await _settle(one, answer, services, emit)


async def _settle(one: _Shown, answer: HandleAnswer, services: Services, emit: Emit) -> None:
    """Describe one file, or leave it for the next phase, which reads it by itself."""
    if answer.handle is None:
        return  # not downloadable, or gone: its own bundle tells which
    snapshot = replace(one.snapshot, handle=answer.handle)
    if snapshot.body == UNKNOWN_BODY and await _needs_body(snapshot, services):
        return
    await describe_file(one.found, services, emit, current=snapshot)


async def _needs_body(snapshot: FileSnapshot, services: Services) -> bool:
    """Whether this file gets a new version: then its whole body and its provenance are needed, too."""
    settings = services.settings
    if settings.strategy is not FileVersionStrategy.NEW or snapshot.handle is None:
        return False
    if not is_moving_candidate(snapshot.handle, settings):
        return False
    source = await services.locations.facts(services.catalog, snapshot.entity_id, snapshot.handle.storage_location_id)
    return judge_place(facts_of(snapshot, settings.strategy), settings, source).status is ItemStatus.INDEXED


async def _look_for_provenance(one: _Shown, services: Services) -> None:
    """One file in a hundred is asked for what the user says there is none of.

    Raises:
        UsageError: it has provenance; none of this hundred is described then.
    """
    try:
        found = await services.catalog.file(one.found.entity_id)
    except RestError:
        return
    if found.activity_id is not None:
        raise UsageError(
            f"{found.entity_id} has provenance (activity {found.activity_id}), so --no-provenance is not true here;"
            " its new version would lose it.",
            fix="Run again without --no-provenance: files that were taken for having none are then read again.",
        )


async def _all(works: Sequence[Awaitable[None]]) -> None:
    """Do all side by side; raise the first failure when all are over."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
