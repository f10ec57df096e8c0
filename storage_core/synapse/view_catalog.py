"""The part of `ports.catalog.Catalog` that is about file views (contract 9.10)."""

from collections.abc import AsyncIterator, Sequence

from storage_core.errors import BadRequest
from storage_core.model.entities import EntityKind, FileSnapshot
from storage_core.model.file_views import EntityNow, FilesPage, ViewFacts, ViewRow
from storage_core.model.ids import EntityId
from storage_core.model.tables import RowWindow
from storage_core.plan.viewing import DESCRIPTION, ROW_COLUMNS, is_as_shown
from storage_core.ports.clock import Clock
from storage_core.synapse.endpoints.views import Views
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_views import header_of, read_view_row, shown_file, view_rows_sql

_ROWS_PER_PAGE = 20_000
_HEADERS_PER_CALL = 5_000
"""About a quarter of what a request may hold; the answer has no limit, and must be held in memory."""

_PATIENCE_SECONDS = 600.0
"""How long a view may take to be built or brought up to date."""


class SynapseViewCatalog:
    """See ports.ViewCatalog."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._views = Views(transport, clock)

    async def make_file_view(self, *, name: str, parent_id: EntityId, scope: Sequence[EntityId]) -> EntityId:
        """Make a view of the files in *scope*. Two calls. See ports for its refusals."""
        offered = await self._views.default_columns()
        wanted = (*ROW_COLUMNS, DESCRIPTION)
        missing = [column for column in wanted if column not in offered]
        if missing:
            raise BadRequest(
                call="GET /column/tableview/defaults", status=200, reason=f"no column {', '.join(missing)} is offered"
            )
        columns = [offered[column] for column in wanted]
        return await self._views.create(name=name, parent_id=parent_id, scope=scope, columns=columns)

    async def file_view_named(self, name: str, parent_id: EntityId) -> EntityId | None:
        """The view of that name in the container; None when there is none, or when it is no view. One or two calls."""
        found = await self._views.child_named(name=name, parent_id=parent_id)
        if found is None or await self._views.kind(entity_id=found) is not EntityKind.ENTITY_VIEW:
            return None
        return found

    async def delete_file_view(self, view_id: EntityId) -> None:
        """Delete a view for good; one that is gone is fine. One call."""
        await self._views.delete(view_id=view_id)

    async def file_view(self, view_id: EntityId) -> ViewFacts:
        """What the view is made of. One call."""
        return await self._views.get(view_id=view_id)

    async def files_shown(
        self, view_id: EntityId, wanted: Sequence[EntityId], *, with_bodies: bool
    ) -> tuple[FileSnapshot, ...]:
        """Those of the files that are as the view shows them. Two to four calls a page, and one per 5,000 files."""
        asked = frozenset(wanted)
        rows = [row async for row in self._rows(view_id, wanted, bare=with_bodies) if row.entity_id in asked]
        now = await self._headers([row.entity_id for row in rows])
        return tuple(
            shown_file(row, now[row.entity_id], with_body=with_bodies)
            for row in rows
            if is_as_shown(row, now.get(row.entity_id))
        )

    async def files_in_view(self, view_id: EntityId, *, after: int) -> FilesPage:
        """A page of the files that are as the view shows them. Two to four calls, and one per 5,000 files."""
        window = RowWindow(after=after, until=None, limit=_ROWS_PER_PAGE)
        rows, last_row = await self._page(view_id, window, bare=False)
        now = await self._headers([row.entity_id for row in rows])
        files = tuple(
            (row.parent_id, header_of(now[row.entity_id])) for row in rows if is_as_shown(row, now.get(row.entity_id))
        )
        return FilesPage(files=files, last_row=last_row)

    async def _rows(self, view_id: EntityId, wanted: Sequence[EntityId], *, bare: bool) -> AsyncIterator[ViewRow]:
        numbers = [int(entity_id[3:]) for entity_id in wanted]
        after: int | None = min(numbers) - 1
        while after is not None:
            window = RowWindow(after=after, until=max(numbers), limit=_ROWS_PER_PAGE)
            rows, after = await self._page(view_id, window, bare=bare)
            for row in rows:
                yield row

    async def _page(
        self, view_id: EntityId, window: RowWindow, *, bare: bool
    ) -> tuple[tuple[ViewRow, ...], int | None]:
        """Files of the window, and the row after which the next page begins, if there is one."""
        sql = view_rows_sql(view_id, window, without_description=bare)
        page = await self._views.query(view_id=view_id, sql=sql, patience_seconds=_PATIENCE_SECONDS)
        # the service cuts an answer at its own page size, whatever limit was asked for (contract 9.3)
        full_page = min(window.limit, page.rows_per_page or window.limit)
        last_row = page.rows[-1].row_id if len(page.rows) >= full_page else None
        found = (read_view_row(row) for row in page.rows)
        return tuple(row for row in found if row is not None), last_row

    async def _headers(self, entity_ids: Sequence[EntityId]) -> dict[EntityId, EntityNow]:
        found: dict[EntityId, EntityNow] = {}
        for start in range(0, len(entity_ids), _HEADERS_PER_CALL):
            batch = entity_ids[start : start + _HEADERS_PER_CALL]
            found |= {one.id: one for one in await self._views.headers(entity_ids=batch)}
        return found
