"""File views: made, looked at, asked, deleted (contract 9.10)."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from storage_core.errors import NotFound
from storage_core.model.entities import EntityKind
from storage_core.model.file_views import EntityNow, ViewFacts
from storage_core.model.ids import EntityId
from storage_core.ports.clock import Clock
from storage_core.synapse import wire_entities, wire_tables, wire_views
from storage_core.synapse.calls import JsonObject, RestCall, Shape
from storage_core.synapse.endpoints.async_jobs import AsyncJobs
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_fields import Fields
from storage_core.synapse.wire_tables import QueryPage


class Views:
    """One method, one call, unless it says otherwise."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._jobs = AsyncJobs(transport, clock)

    async def default_columns(self) -> Mapping[str, str]:
        """Ids by name of the columns there are for files (contract 9.1). Repeat-safe: it reads."""
        query = (("viewEntityType", "entityview"), ("viewTypeMask", str(wire_views.FILES_MASK)))
        call = RestCall(method="GET", path="/column/tableview/defaults", query=query, repeat_safe=True)
        return wire_views.read_default_columns(await self._transport.send(call))

    async def create(
        self, *, name: str, parent_id: EntityId, scope: Sequence[EntityId], columns: Sequence[str]
    ) -> EntityId:
        """Make a view. Not repeat-safe: a repeat of one that worked is a Conflict; look for the name to see."""
        body = wire_views.view_request(name=name, parent_id=parent_id, scope=scope, columns=columns)
        answer = await self._transport.send(RestCall(method="POST", path="/entity", body=body, repeat_safe=False))
        return EntityId(Fields.of(answer).id("id"))

    async def child_named(self, *, name: str, parent_id: EntityId) -> EntityId | None:
        """The id of the child of that name, or None. Repeat-safe: it reads."""
        body: JsonObject = {"entityName": name, "parentId": parent_id}
        try:
            answer = await self._transport.send(
                RestCall(method="POST", path="/entity/child", body=body, repeat_safe=True)
            )
        except NotFound:
            return None
        return EntityId(Fields.of(answer).id("id"))

    async def kind(self, *, entity_id: EntityId) -> EntityKind:
        """What kind of entity it is. Repeat-safe: it reads."""
        call = RestCall(method="GET", path=f"{_path(entity_id)}/type", repeat_safe=True)
        return wire_entities.read_header(Fields.of(await self._transport.send(call))).kind

    async def get(self, *, view_id: EntityId) -> ViewFacts:
        """Kind, scope and columns, of whatever entity it is (contract 6.4). Repeat-safe: it reads."""
        call = RestCall(
            method="POST", path=f"{_path(view_id)}/bundle2", body=wire_tables.table_bundle_request(), repeat_safe=True
        )
        return wire_views.read_view(await self._transport.send(call))

    async def delete(self, *, view_id: EntityId) -> None:
        """Delete it for good, past the trash (contract 6.7). Repeat-safe: one that is gone is deleted already."""
        call = RestCall(
            method="DELETE",
            path=_path(view_id),
            query=(("skipTrashCan", "true"),),
            repeat_safe=True,
            shape=Shape.OBJECT_OR_NOTHING,
        )
        try:
            await self._transport.send(call)
        except NotFound:
            return

    async def query(self, *, view_id: EntityId, sql: str, patience_seconds: float) -> QueryPage:
        """One page of rows (contract 9.2): a start and one poll or more. Repeat-safe: it reads.

        StillRunning when the view is still being built after so many seconds.
        """
        body = wire_tables.query_request(view_id, sql, limit=None, page_size=True)
        answer = await self._jobs.run(
            path=f"{_path(view_id)}/table/query/async", body=body, repeat_safe=True, patience_seconds=patience_seconds
        )
        return wire_tables.read_page(answer)

    async def headers(self, *, entity_ids: Sequence[EntityId]) -> tuple[EntityNow, ...]:
        """Headers of some thousand entities as they are now (contract 6.3). Repeat-safe: it reads."""
        body = wire_views.headers_request(entity_ids)
        call = RestCall(method="POST", path="/entity/header", body=body, repeat_safe=True)
        return wire_views.read_headers(await self._transport.send(call))


def _path(entity_id: EntityId) -> str:
    return f"/entity/{quote(entity_id, safe='')}"
