"""Implements `ports.protection.AccessCatalog`: one method, one call (contract 10)."""

from urllib.parse import quote

from storage_core.errors import NotFound
from storage_core.model.ids import EntityId
from storage_core.model.protection import AccessEntries, AccessList
from storage_core.synapse import wire_access
from storage_core.synapse.calls import RestCall, Shape
from storage_core.synapse.transport import Transport


class SynapseAccessCatalog:
    """See ports.protection.AccessCatalog."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def access_list(self, entity_id: EntityId) -> AccessList | None:
        """The entity's own list; None when it inherits, which the service says with 404. Repeat-safe: it reads."""
        try:
            answer = await self._transport.send(RestCall(method="GET", path=_path(entity_id), repeat_safe=True))
        except NotFound:
            return None
        return wire_access.read_access_list(answer)

    async def benefactor(self, entity_id: EntityId) -> EntityId:
        """Whose list governs the entity. Repeat-safe: it reads."""
        path = f"/entity/{quote(entity_id, safe='')}/benefactor"
        return wire_access.read_benefactor(
            await self._transport.send(RestCall(method="GET", path=path, repeat_safe=True))
        )

    async def rights(self, entity_id: EntityId) -> frozenset[str]:
        """What the caller may do with the entity (contract 10.3). Repeat-safe: it reads."""
        path = f"/entity/{quote(entity_id, safe='')}/permissions"
        return wire_access.read_rights(await self._transport.send(RestCall(method="GET", path=path, repeat_safe=True)))

    async def start_access_list(self, entity_id: EntityId, entries: AccessEntries) -> None:
        """Start a list of its own. Not repeat-safe: after one that worked a repeat is refused with 403."""
        body = wire_access.access_list_body(entity_id, entries)
        await self._transport.send(RestCall(method="POST", path=_path(entity_id), body=body, repeat_safe=False))

    async def replace_access_list(self, entity_id: EntityId, entries: AccessEntries, *, etag: str) -> None:
        """Replace the list. Not repeat-safe: after one that worked the etag is out of date."""
        body = wire_access.access_list_body(entity_id, entries, etag=etag)
        await self._transport.send(RestCall(method="PUT", path=_path(entity_id), body=body, repeat_safe=False))

    async def drop_access_list(self, entity_id: EntityId) -> None:
        """Back to inheritance. Not repeat-safe: after one that worked a repeat is refused with 403."""
        call = RestCall(method="DELETE", path=_path(entity_id), repeat_safe=False, shape=Shape.OBJECT_OR_NOTHING)
        await self._transport.send(call)


def _path(entity_id: EntityId) -> str:
    return f"/entity/{quote(entity_id, safe='')}/acl"
