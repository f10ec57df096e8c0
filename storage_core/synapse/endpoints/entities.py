"""Entities: listings, bundles, versions, and the two ways to exchange a file's handle (contract 6)."""

from urllib.parse import quote

from storage_core.model.entities import ChildrenPage, EntityKind, FileSnapshot, RootSnapshot
from storage_core.model.ids import EntityId
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.synapse import wire_entities
from storage_core.synapse.calls import RestCall, Shape
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_entities import EntityState


class Entities:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def children(
        self, *, container_id: EntityId, kinds: tuple[EntityKind, ...], page_token: str | None, count: bool
    ) -> ChildrenPage:
        """One page of 50 (contract 6.2). Repeat-safe: it reads."""
        body = wire_entities.children_request(container_id, kinds=kinds, page_token=page_token, count=count)
        call = RestCall(method="POST", path="/entity/children", body=body, repeat_safe=True)
        return wire_entities.read_children(await self._transport.send(call))

    async def file_bundle(self, *, entity_id: EntityId, version: int | None) -> FileSnapshot:
        """One version with its handle, rights and provenance (contract 6.4). Repeat-safe: it reads."""
        path = f"{_path(entity_id)}/bundle2" if version is None else f"{_path(entity_id)}/version/{version}/bundle2"
        call = RestCall(method="POST", path=path, body=wire_entities.file_bundle_request(), repeat_safe=True)
        return wire_entities.read_file(await self._transport.send(call), asked_for_latest=version is None)

    async def root_bundle(self, *, entity_id: EntityId) -> RootSnapshot:
        """Any entity with rights and path (contract 6.4). Repeat-safe: it reads."""
        path = f"{_path(entity_id)}/bundle2"
        call = RestCall(method="POST", path=path, body=wire_entities.root_bundle_request(), repeat_safe=True)
        return wire_entities.read_root(await self._transport.send(call))

    async def versions_page(self, *, entity_id: EntityId, offset: int, limit: int) -> tuple[int, ...]:
        """Version numbers, newest first; the service sets no highest limit (contract 6.3). Repeat-safe: it reads."""
        query = (("offset", str(offset)), ("limit", str(limit)))
        call = RestCall(method="GET", path=f"{_path(entity_id)}/version", query=query, repeat_safe=True)
        return wire_entities.read_versions(await self._transport.send(call))

    async def swap_version_handle(self, *, swap: SwapVersionHandle) -> None:
        """Exchange a version's handle in place (contract 6.6).

        Repeat-safe, because the expected old handle guards it: a repeat of a swap that worked is answered 412.
        """
        path = f"{_path(swap.place.entity_id)}/version/{swap.place.version}/filehandle"
        body = wire_entities.swap_request(swap)
        await self._transport.send(
            RestCall(method="PUT", path=path, body=body, repeat_safe=True, shape=Shape.OBJECT_OR_NOTHING)
        )

    async def add_version(self, *, change: AddVersion) -> EntityState:
        """Add a version on top with the whole indexed body (contract 6.5).

        Not repeat-safe (contract 13.6): `AnswerLost` says that the entity has to be read again.
        """
        query: tuple[tuple[str, str], ...] = (("newVersion", "true"),)
        if change.activity_id is not None:
            query = (*query, ("generatedBy", change.activity_id))
        body = wire_entities.new_version_body(change)
        call = RestCall(method="PUT", path=_path(change.place.entity_id), query=query, body=body, repeat_safe=False)
        return wire_entities.read_state(await self._transport.send(call))


def _path(entity_id: EntityId) -> str:
    return f"/entity/{quote(entity_id, safe='')}"
