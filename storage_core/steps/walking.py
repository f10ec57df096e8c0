"""Phase walk: list every container, breadth first."""

from typing import Protocol

from storage_core.errors import Forbidden, NotFound, RestError, ServerFault
from storage_core.model.entities import ChildrenPage, EntityHeader
from storage_core.model.ids import EntityId
from storage_core.model.items import ReasonCode
from storage_core.model.works import FoundEntity, Listed, LookFailed
from storage_core.ports.catalog import Catalog
from storage_core.steps.services import Emit, Services

_LISTINGS_AT_MOST = 3
"""A container that keeps changing is listed this often; what is missed even then, the next index picks up."""

_WORTH_COUNTING = 250
"""Children are listed 50 per call, and counting takes three: fewer are listed."""


class Listing(Protocol):
    """A way to list children: of all kinds, or of some."""

    async def __call__(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """One page. One call."""
        ...


async def list_container(container: FoundEntity, services: Services, emit: Emit) -> None:
    """List one container completely; a container is listed whole or not at all, so resuming is simple.

    When files are going to be read through a view, those of a large container are counted and not listed.
    """
    try:
        if services.view.spares_listings:
            children, files = await _children_and_count(services.catalog, container.entity_id)
        else:
            children, files = await _all_children(services.catalog.children, container.entity_id), 0
    except RestError as error:
        emit(look_failed(container, error))
        return
    emit(Listed(seq=container.seq, container_id=container.entity_id, children=children, unlisted_files=files))


async def _children_and_count(catalog: Catalog, container_id: EntityId) -> tuple[tuple[EntityHeader, ...], int]:
    """All children, or all that are no files and the number of files, where that takes fewer calls."""
    first = await catalog.children(container_id, page_token=None)
    if first.next_page_token is None:
        return first.children, 0
    if (first.total_children or 0) >= _WORTH_COUNTING:
        files = await catalog.count_files(container_id)
        if files is not None and files >= _WORTH_COUNTING:
            return await _all_children(catalog.children_but_files, container_id), files
    return await _all_children(catalog.children, container_id, first), 0


async def _all_children(
    listing: Listing, container_id: EntityId, first: ChildrenPage | None = None
) -> tuple[EntityHeader, ...]:
    """Every child once; *first* is the first page, when it is there already.

    Paging has no snapshot (contract 6.2): a deletion during the listing shifts the later pages, and a child
    slips through. A total that changes from page to page gives that away, and the container is listed again.
    """
    seen: dict[EntityId, EntityHeader] = {}
    for _ in range(_LISTINGS_AT_MOST):
        first = first or await listing(container_id, page_token=None)
        totals = await _list_once(listing, container_id, seen, first)
        first = None
        if len(totals) <= 1:
            break
    return tuple(seen.values())


async def _list_once(
    listing: Listing, container_id: EntityId, seen: dict[EntityId, EntityHeader], first: ChildrenPage
) -> set[int | None]:
    """Add all children to *seen*; return the different totals that the pages stated."""
    totals: set[int | None] = set()
    page = first
    while True:
        seen.update((child.id, child) for child in page.children)
        totals.add(page.total_children)
        if page.next_page_token is None:
            return totals
        page = await listing(container_id, page_token=page.next_page_token)


def look_failed(entity: FoundEntity, error: RestError) -> LookFailed:
    """Say in a steward's words why an entity could not be looked into."""
    return LookFailed(
        seq=entity.seq,
        entity_id=entity.entity_id,
        parent_id=entity.parent_id,
        name=entity.name,
        reason=_reason(error),
        detail=error.what,
    )


def _reason(error: RestError) -> ReasonCode:
    match error:
        case Forbidden():
            return ReasonCode.NO_READ_ACCESS
        case NotFound():
            return ReasonCode.GONE
        case ServerFault():
            return ReasonCode.SERVICE_FAULT
        case _:
            return ReasonCode.REFUSED
