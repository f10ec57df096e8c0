"""The seams of a protection: the access lists of containers, and what the index keeps of them."""

from typing import Protocol

from storage_core.model.ids import EntityId
from storage_core.model.protection import AccessEntries, AccessList, Protection


class AccessCatalog(Protocol):
    """Access lists. Each method is one call, with the errors of `ports`."""

    async def access_list(self, entity_id: EntityId) -> AccessList | None:
        """The entity's own list; None when it inherits."""
        ...

    async def benefactor(self, entity_id: EntityId) -> EntityId:
        """The entity whose list governs this one: itself, or an ancestor."""
        ...

    async def rights(self, entity_id: EntityId) -> frozenset[str]:
        """What the caller may do with the entity, by whatever way, in the words of access lists."""
        ...

    async def start_access_list(self, entity_id: EntityId, entries: AccessEntries) -> None:
        """Give an entity that inherits a list of its own. Forbidden when it has one; AnswerLost: read it."""
        ...

    async def replace_access_list(self, entity_id: EntityId, entries: AccessEntries, *, etag: str) -> None:
        """Replace a list that still has *etag*. PreconditionFailed when it has not; AnswerLost: read it."""
        ...

    async def drop_access_list(self, entity_id: EntityId) -> None:
        """Back to inheritance. Forbidden when it inherits already; AnswerLost: read it."""
        ...


class ProtectionLedger(Protocol):
    """The index while containers are protected. Each method that records is one transaction."""

    def containers(self) -> tuple[EntityId, ...]:
        """Every project and folder that the walk met, roots first."""
        ...

    def protections(self) -> tuple[Protection, ...]:
        """Those that were begun and not taken back, in the order they were begun."""
        ...

    def begin_protection(self, protection: Protection) -> None:
        """Remember how the container's list was, before it is changed."""
        ...

    def end_protection(self, protection: Protection, told: str) -> None:
        """Forget it: the list is as it was, or somebody else's; *told* says which."""
        ...
