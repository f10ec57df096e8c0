"""Implements `ports.holders.WikiCatalog`."""

from storage_core.errors import Forbidden, NotFound
from storage_core.model.handles import FileHandle
from storage_core.model.holders import WikiSeen
from storage_core.model.ids import EntityId
from storage_core.synapse.endpoints.wikis import PAGES_PER_CALL, Wikis
from storage_core.synapse.transport import Transport


class SynapseWikiCatalog:
    """See ports.holders.WikiCatalog."""

    def __init__(self, transport: Transport) -> None:
        self._wikis = Wikis(transport)

    async def wiki(self, owner_id: EntityId) -> WikiSeen:
        """The entity's wiki with everything attached to its pages. One call, and one per page."""
        try:
            pages = await self._pages(owner_id)
            attached: list[FileHandle] = []
            for page_id in pages:
                attached += await self._wikis.attachments(owner_id=owner_id, page_id=page_id)
        except NotFound:
            return WikiSeen(owner_id=owner_id)
        except Forbidden:
            return WikiSeen(owner_id=owner_id, is_hidden=True)
        return WikiSeen(owner_id=owner_id, pages=len(pages), attachments=tuple(attached))

    async def _pages(self, owner_id: EntityId) -> tuple[str, ...]:
        found: dict[str, None] = {}
        while True:
            page = await self._wikis.page_ids(owner_id=owner_id, offset=len(found))
            before = len(found)
            found |= dict.fromkeys(page)
            if len(page) < PAGES_PER_CALL or len(found) == before:
                return tuple(found)
