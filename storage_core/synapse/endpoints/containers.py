"""Projects and folders as containers: their folders, how many files, and making new ones (contract 6.2, 6.7)."""

from storage_core.model.entities import ChildrenPage, EntityHeader, EntityKind
from storage_core.model.ids import EntityId
from storage_core.synapse import wire_entities
from storage_core.synapse.calls import JsonObject, RestCall
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_fields import Fields

_CLASS = "org.sagebionetworks.repo.model."


class Containers:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def children(
        self, *, container_id: EntityId, kinds: tuple[EntityKind, ...], page_token: str | None = None
    ) -> ChildrenPage:
        """One page of 50 with the total (contract 6.2). Repeat-safe: it reads."""
        body = wire_entities.children_request(container_id, kinds=kinds, page_token=page_token, count=True)
        call = RestCall(method="POST", path="/entity/children", body=body, repeat_safe=True)
        return wire_entities.read_children(await self._transport.send(call))

    async def create(self, *, name: str, parent_id: EntityId | None) -> EntityHeader:
        """A folder in *parent_id*, a project without one. Conflict when its name is taken.

        Not repeat-safe: a repeat of one that worked is a Conflict; look for the name to see.
        """
        kind = EntityKind.PROJECT if parent_id is None else EntityKind.FOLDER
        body: JsonObject = {"concreteType": f"{_CLASS}{kind.value.capitalize()}", "name": name}
        if parent_id is not None:
            body["parentId"] = parent_id
        answer = await self._transport.send(RestCall(method="POST", path="/entity", body=body, repeat_safe=False))
        return EntityHeader(id=EntityId(Fields.of(answer).id("id")), name=name, kind=kind)

    async def child_named(self, *, name: str, parent_id: EntityId | None) -> EntityId:
        """The id of the child of that name; NotFound when there is none. Repeat-safe: it reads."""
        body: JsonObject = {"entityName": name}
        if parent_id is not None:
            body["parentId"] = parent_id
        call = RestCall(method="POST", path="/entity/child", body=body, repeat_safe=True)
        return EntityId(Fields.of(await self._transport.send(call)).id("id"))
