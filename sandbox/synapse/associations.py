"""Who may read a file handle because some object uses it (contract 7.2)."""

from typing import TYPE_CHECKING

from sandbox.synapse.entities import canonical_id
from sandbox.synapse.handles import Handle

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

FILE_ENTITY = "FileEntity"
TABLE_ENTITY = "TableEntity"


def may_download(world: "World", user: "User", handle: Handle, object_type: str, object_id: str) -> bool:
    """Whether the user made the handle, or may download the object that uses it.

    400 for an id that cannot be an entity's. A missing or trashed object authorises nobody.
    """
    if handle.created_by == user.id or user.is_administrator:
        return True
    entity_id = canonical_id(object_id)
    if not is_associated(world, handle.id, object_type, entity_id):
        return False
    return world.access.may_download(world, user, entity_id)


def is_associated(world: "World", handle_id: str, object_type: str, entity_id: str) -> bool:
    """Whether any version of the file, or any cell of the table, refers to the handle."""
    entity = world.entities.get(entity_id)
    if entity is None or entity.in_trash:
        return False
    if object_type == FILE_ENTITY:
        return any(version.handle_id == handle_id for version in entity.versions)
    return False
