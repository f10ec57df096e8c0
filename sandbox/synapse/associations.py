"""Who may read a file handle because some object uses it (contract 7.2)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.synapse.entities import canonical_id
from sandbox.synapse.handles import Handle
from sandbox.synapse.http import Refused
from sandbox.synapse.kinds import Kind

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

FILE_ENTITY = "FileEntity"
TABLE_ENTITY = "TableEntity"
_OTHER_TYPES = frozenset(
    {
        "WikiAttachment",
        "WikiMarkdown",
        "UserProfileAttachment",
        "TeamAttachment",
        "MessageAttachment",
        "SubmissionAttachment",
        "VerificationSubmission",
        "AccessRequirementAttachment",
        "DataAccessRequestAttachment",
        "DataAccessSubmissionAttachment",
        "FormData",
    }
)


_OBJECTS_LOOKED_UP_FIRST = frozenset({"WikiAttachment", "WikiMarkdown", "SubmissionAttachment"})


@dataclass(frozen=True, slots=True)
class Association:
    """A handle, an object said to use it, and the kind of object: well formed, not yet believed."""

    handle_id: str
    object_type: str
    object_id: str


def association_in(value: object) -> Association:
    """The triple a request names; refuses with 400 what is incomplete or malformed."""
    if not isinstance(value, dict):
        raise Refused(400, "A file handle association must be an object")
    handle_id, object_id = value.get("fileHandleId"), value.get("associateObjectId")
    object_type = value.get("associateObjectType")
    if not handle_id or not object_id or not object_type:
        raise Refused(400, "fileHandleId, associateObjectId and associateObjectType are all required")
    if not str(handle_id).isdecimal():
        raise Refused(400, f"{handle_id} is not a valid file handle id")
    if object_type in {FILE_ENTITY, TABLE_ENTITY}:
        return Association(str(handle_id), object_type, canonical_id(str(object_id)))
    if object_type not in _OTHER_TYPES:
        raise Refused(400, f"Unknown associateObjectType: {object_type}")
    return Association(str(handle_id), object_type, str(object_id))


def require_object_known(association: Association) -> None:
    """Refuse wikis and submissions with 404: the sandbox has none, and a missing one fails a batch (contract 7.3)."""
    if association.object_type in _OBJECTS_LOOKED_UP_FIRST:
        raise Refused(404, f"{association.object_type} {association.object_id} does not exist")


def may_download(world: "World", user: "User", handle: Handle, object_type: str, object_id: str) -> bool:
    """Whether the user made the handle, or may download the object that uses it.

    400 for an id that cannot be an entity's. A missing or trashed object authorises nobody.
    """
    if handle.created_by == user.id or user.is_administrator:
        return True
    return may_download_through(world, user, Association(handle.id, object_type, canonical_id(object_id)))


def may_download_through(world: "World", user: "User", association: Association) -> bool:
    """Whether the object uses the handle, which may be gone by now, and the user may download the object."""
    if not is_associated(world, association.handle_id, association.object_type, association.object_id):
        return False
    if not world.access.may_download(world, user, association.object_id):
        return False
    # cells need READ on their table as well (contract 7.3)
    return association.object_type != TABLE_ENTITY or world.access.may(world, user, association.object_id, "READ")


def is_associated(world: "World", handle_id: str, object_type: str, entity_id: str) -> bool:
    """Whether any version of the file, or any cell of the table, refers to the handle."""
    entity = world.entities.get(entity_id)
    if entity is None or entity.in_trash:
        return False
    if object_type == FILE_ENTITY:
        return entity_id in world.entities.holders_of(handle_id)
    is_table = object_type == TABLE_ENTITY and entity.kind is Kind.TABLE
    return is_table and world.tables.holds_handle(entity_id, handle_id)
