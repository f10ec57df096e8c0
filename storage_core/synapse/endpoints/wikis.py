"""Wikis of entities: the tree of pages, and what is attached to each (wiki2 of the service's REST documentation)."""

from urllib.parse import quote

from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId
from storage_core.synapse import wire_wikis
from storage_core.synapse.calls import RestCall
from storage_core.synapse.transport import Transport

PAGES_PER_CALL = 50


class Wikis:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def page_ids(self, *, owner_id: EntityId, offset: int) -> tuple[str, ...]:
        """Ids of at most 50 pages of the owner's wiki. NotFound when it has none. Repeat-safe: it reads."""
        query = (("offset", str(offset)), ("limit", str(PAGES_PER_CALL)))
        call = RestCall(method="GET", path=f"{_path(owner_id)}/wikiheadertree2", query=query, repeat_safe=True)
        return wire_wikis.read_page_ids(await self._transport.send(call))

    async def attachments(self, *, owner_id: EntityId, page_id: str) -> tuple[FileHandle, ...]:
        """The handles attached to one page. Repeat-safe: it reads."""
        path = f"{_path(owner_id)}/wiki2/{quote(page_id, safe='')}/attachmenthandles"
        return wire_wikis.read_attachments(
            await self._transport.send(RestCall(method="GET", path=path, repeat_safe=True))
        )


def _path(owner_id: EntityId) -> str:
    return f"/entity/{quote(owner_id, safe='')}"
