"""What an entity must fulfil before it is stored (contract 6.5, 6.7 and 3.2)."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from sandbox.synapse.entities import ROOT_ID, Entity, Version, canonical_id
from sandbox.synapse.handles import Handle
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import COUNTED, KIND_OF_CONCRETE_TYPE, Kind
from sandbox.synapse.principals import User
from sandbox.synapse.settings import require_file_allowed

if TYPE_CHECKING:
    from sandbox.synapse.world import World

_NAME = re.compile(r"[A-Za-z0-9,_.\-+'() ]{1,256}")
_LONGEST_DESCRIPTION = 1000
_LONGEST_LABEL = 256
_MOST_CHILDREN = 10_000
_DEEPEST = 50
MOST_VERSIONS = 15_000


def kind_in(body: Json) -> Kind:
    """The kind a body's concreteType names; refuses with 400."""
    kind = KIND_OF_CONCRETE_TYPE.get(body.get("concreteType") or "")
    if kind is None:
        raise Refused(400, f"Unknown or missing concreteType: {body.get('concreteType')}")
    return kind


def name_in(body: Json) -> str:
    """The name of a body; refuses with 400 what the service does not accept."""
    name = body.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name.strip()) is None:
        raise Refused(
            400,
            f"Invalid Name: '{name}'. Names may only contain: letters, numbers, spaces, underscores, hyphens, "
            "periods, plus signs, apostrophes, and parentheses",
        )
    return name.strip()


def description_in(body: Json) -> str | None:
    """The description of a body; refuses with 400 when too long."""
    return text_in(body, "description", _LONGEST_DESCRIPTION)


def text_in(body: Json, member: str, longest: int = _LONGEST_LABEL) -> str | None:
    """An optional text of a body; refuses with 400 when it is no text or too long."""
    text = body.get(member)
    if text is not None and (not isinstance(text, str) or len(text) > longest):
        raise Refused(400, f"{member} must be a string of at most {longest} characters")
    return text


def handle_id_in(body: Json) -> str:
    """The data file handle of a body; refuses with 400 when missing."""
    handle_id: Any = body.get("dataFileHandleId")
    if not handle_id:
        raise Refused(400, "dataFileHandleId is required")
    return str(handle_id)


def parent_id_in(body: Json, kind: Kind) -> str:
    """The parent a body names; projects hang on the root."""
    parent_id = body.get("parentId")
    if not parent_id:
        if kind is Kind.PROJECT:
            return ROOT_ID
        raise Refused(400, "parentId is required")
    return canonical_id(str(parent_id))


def require_columns(world: "World", kind: Kind, body: Json) -> None:
    """The columns a table or view names: known, not too many, no name twice; refuses with 400 or 404."""
    if kind.is_table_like and body.get("columnIds"):
        world.tables.columns.schema(body["columnIds"])


def require_own_handle(world: "World", user: User, handle_id: str) -> Handle:
    """A handle that may be attached: the caller made it (contract 6.5); refuses with 404 or 403."""
    handle = world.handles.require(handle_id)
    if handle.created_by != user.id and not user.is_administrator:
        raise Refused(403, f"You are not the creator of the file handle {handle_id}, so you may not use it.")
    return handle


def require_place(world: "World", user: User, kind: Kind, parent_id: str) -> None:
    """Whether something of this kind may be put under the parent; refuses with 400, 403 or 404."""
    if kind is Kind.PROJECT:
        if parent_id != ROOT_ID:
            raise Refused(400, "Entity type: project cannot have a parent of another type")
        return
    if parent_id == ROOT_ID:
        raise Refused(403, "Only projects can be created at the top level.")
    parent = world.entities.require(parent_id)
    world.access.require(world, user, parent.id, "CREATE")
    if not parent.kind.is_container:
        raise Refused(400, f"Entity type: {kind} cannot have a parent of type: {parent.kind}")
    if kind not in {Kind.FILE, Kind.FOLDER} and world.settings.sts_location(world, parent.id) is not None:
        raise Refused(400, "Can only create Files and Folders inside STS-enabled folders")


def require_room(world: "World", kind: Kind, parent_id: str) -> None:
    """The limits of a container and of the tree (contract 6.7); refuses with 400."""
    if kind in COUNTED and world.entities.count_of_counted_children(parent_id) >= _MOST_CHILDREN:
        raise Refused(400, f"Limit of {_MOST_CHILDREN} children exceeded for parent: {parent_id}")
    if parent_id != ROOT_ID and len(world.entities.ancestors(parent_id)) + 2 > _DEEPEST:
        raise Refused(400, f"The hierarchy is limited to a depth of {_DEEPEST}")


def require_free_name(world: "World", parent_id: str, name: str) -> None:
    """Refuse with 409 when a sibling has the name."""
    if world.entities.child_named(parent_id, name) is not None:
        raise Refused(409, f"An entity with the name: {name} already exists with a parentId: {parent_id}")


def require_handle_allowed(world: "World", container_id: str, handle: Handle) -> None:
    """The rule about temporary credentials for a file in a container (contract 3.2); refuses with 400."""
    require_file_allowed(world, container_id, handle.storage_location_id)


def require_move_allowed(world: "World", user: User, entity: Entity, parent_id: str) -> None:
    """Whether the entity may go under another parent (contract 6.5, 3.2); refuses with 400, 403 or 404."""
    if not (world.access.may(world, user, entity.id, "CHANGE_PERMISSIONS") or entity.created_by == user.id):
        raise Refused(403, f"You lack CHANGE_PERMISSIONS access to the requested entity: {entity.id}.")
    require_place(world, user, entity.kind, parent_id)
    if parent_id == entity.id or entity in world.entities.ancestors(parent_id):
        raise Refused(400, f"Invalid hierarchy: the new parent {parent_id} is a descendant of {entity.id}")
    if entity.kind is Kind.FOLDER:
        _require_same_sts_area(world, entity, parent_id)
    require_room(world, entity.kind, parent_id)


def _require_same_sts_area(world: "World", folder: Entity, parent_id: str) -> None:
    there = world.settings.sts_location(world, parent_id)
    here = world.settings.sts_location(world, folder.id)
    if here is not None and world.settings.of(folder.id) is not None:
        here = None  # the root of an STS area may move anywhere outside of other areas
    if (here.id if here else None) != (there.id if there else None):
        raise Refused(400, "Folders cannot be moved into, out of or between STS-enabled folders")


def label_is_used(entity: Entity, label: str, *, besides: Version | None = None) -> bool:
    """Whether another version has the label; letter case and accents do not count (contract 6.5)."""
    wanted = _folded(label)
    return any(_folded(version.label) == wanted for version in entity.versions if version is not besides)


def _folded(label: str) -> str:
    if label.isascii():
        return label.casefold()
    decomposed = unicodedata.normalize("NFKD", label)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold()
