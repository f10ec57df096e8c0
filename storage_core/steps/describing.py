"""Phase describe: read every file that the walk found, one call per version that counts."""

from storage_core.errors import NotFound, RestError
from storage_core.model.entities import FileSnapshot
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus, ReasonCode
from storage_core.model.settings import FileVersionStrategy
from storage_core.model.works import Described, FoundEntity
from storage_core.plan.selecting import facts_of, is_moving_candidate, judge_place
from storage_core.steps.services import Emit, Services
from storage_core.steps.walking import look_failed


async def describe_file(
    found: FoundEntity, services: Services, emit: Emit, *, current: FileSnapshot | None = None
) -> None:
    """Read one file's versions and judge each; the file is recorded whole or not at all.

    Args:
        current: its current version, when that is known already.
    """
    try:
        snapshots = await _snapshots(found, current, services)
        items = tuple([await _judged(snapshot, services) for snapshot in snapshots])
    except NotFound:
        emit(Described(seq=found.seq, entity_id=found.entity_id, items=(_gone(found),)))
        return
    except RestError as error:
        emit(look_failed(found, error))
        return
    emit(Described(seq=found.seq, entity_id=found.entity_id, items=items))


async def _snapshots(found: FoundEntity, known: FileSnapshot | None, services: Services) -> tuple[FileSnapshot, ...]:
    """The versions that count, lowest first.

    The current version is read last: what it says about etag and handle is then the newest knowledge.
    """
    catalog = services.catalog
    older: list[FileSnapshot] = []
    newest = found.version if known is None else known.version
    if services.settings.strategy is FileVersionStrategy.ALL and newest > 1:
        # A file whose newest version is number 1 has no other; the listing told us, so no call is spent.
        numbers = sorted(await catalog.versions(found.entity_id))
        older = [await catalog.file(found.entity_id, version=number) for number in numbers[:-1]]
    current = known or await catalog.file(found.entity_id)
    return (*(snapshot for snapshot in older if snapshot.version != current.version), current)


async def _judged(snapshot: FileSnapshot, services: Services) -> IndexedItem:
    settings = services.settings
    handle = snapshot.handle
    source = None
    if handle is not None and is_moving_candidate(handle, settings):
        source = await services.locations.facts(services.catalog, snapshot.entity_id, handle.storage_location_id)
    return judge_place(facts_of(snapshot, settings.strategy), settings, source)


def _gone(found: FoundEntity) -> IndexedItem:
    facts = ItemFacts(entity_id=found.entity_id, parent_id=found.parent_id, name=found.name, place=None)
    return IndexedItem(facts=facts, status=ItemStatus.SKIPPED, reason=ReasonCode.GONE)
