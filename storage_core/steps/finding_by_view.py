"""Phase find by view: which files are in the containers whose files were counted and not listed.

A container is settled only when the view shows exactly as many files in it as were counted, each of them confirmed by
its header: a file that is still as the view shows it (plan.viewing.is_as_shown) is still where the view shows it, since
moving a file changes it. So all files that were seen are in the container; being as many as there are, they are all of
them. Any other container is listed, with its files, by the next phase.
"""

from collections import Counter

from storage_core.errors import RestError
from storage_core.model.ids import EntityId
from storage_core.model.works import CountedContainers, CountsAgree, FilesSeen, ViewFailed
from storage_core.steps.services import Emit, Services

_PAGES_AHEAD = 2
"""Pages of up to 20,000 files that wait to be recorded; a project of millions would not fit into memory at once."""


async def find_files(work: CountedContainers, services: Services, emit: Emit) -> None:
    """Read the whole view once, page by page, and compare counts in the end."""
    view_id = services.view.usable
    if view_id is None:
        return
    try:
        seen = await _seen(view_id, work, services, emit)
    except RestError as error:
        if services.view.give_up(error.what):
            emit(ViewFailed(view_id=view_id, detail=error.what))
        return
    if seen is not None:
        agreeing = [one.found.seq for one in work.containers if seen[one.found.entity_id] == one.files]
        emit(CountsAgree(seqs=tuple(agreeing)))


async def _seen(view_id: EntityId, work: CountedContainers, services: Services, emit: Emit) -> Counter[EntityId] | None:
    """How many files were seen in each container; None when the run was stopped before the end."""
    counted = {one.found.entity_id for one in work.containers}
    seen: Counter[EntityId] = Counter()
    after: int | None = -1
    while after is not None:
        if services.stop.is_set():
            return None
        page = await services.catalog.files_in_view(view_id, after=after)
        inside = tuple((parent, child) for parent, child in page.files if parent in counted)
        seen.update(parent for parent, _ in inside)
        emit(FilesSeen(children=inside))
        await services.backlog.at_most(_PAGES_AHEAD, clock=services.clock, stop=services.stop)
        after = page.last_row
    return seen
