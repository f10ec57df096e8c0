"""The seam to the wikis of entities."""

from typing import Protocol

from storage_core.model.holders import WikiSeen
from storage_core.model.ids import EntityId


class WikiCatalog(Protocol):
    """Wikis, as far as their attachments go."""

    async def wiki(self, owner_id: EntityId) -> WikiSeen:
        """The entity's wiki with everything attached to its pages. One call; with a wiki, one more per page.

        More for a wiki of over 50 pages: one per 50. ServerFault and others as every call of a catalog.
        """
        ...
