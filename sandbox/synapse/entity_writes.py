"""Creating, changing and deleting entities, and swapping a version's file handle (contract 6.5 to 6.7)."""

from typing import TYPE_CHECKING

from sandbox.synapse.activities import attachable
from sandbox.synapse.entities import Entity, Version
from sandbox.synapse.entity_json import body_of, own_fields_in
from sandbox.synapse.entity_rules import (
    MOST_VERSIONS,
    description_in,
    handle_id_in,
    kind_in,
    label_is_used,
    name_in,
    parent_id_in,
    require_columns,
    require_free_name,
    require_handle_allowed,
    require_move_allowed,
    require_own_handle,
    require_place,
    require_room,
    text_in,
)
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.kinds import Kind

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World


def create_entity(world: "World", call: Call, body: Json) -> Entity:
    """Create what *body* describes as the caller; refuses in the service's order."""
    call.user.require_signed_in()
    kind = kind_in(body)
    if kind is not Kind.PROJECT:
        world.access.require_certified(call.user)
    name = name_in(body)
    parent_id = parent_id_in(body, kind)
    require_place(world, call.user, kind, parent_id)
    require_room(world, kind, parent_id)
    require_columns(world, kind, body)
    handle_id = _handle_for_new(world, call.user, kind, parent_id, body)
    require_free_name(world, parent_id, name)
    generated_by = call.query.get("generatedBy")
    return world.entities.add(
        world,
        kind=kind,
        name=name,
        parent_id=parent_id,
        created_by=call.user.id,
        handle_id=handle_id,
        label=text_in(body, "versionLabel") if kind.is_versionable else None,
        comment=text_in(body, "versionComment"),
        description=description_in(body),
        activity_id=attachable(world, call, generated_by) if generated_by else None,
        fields=own_fields_in(kind, body),
    )


def _handle_for_new(world: "World", user: "User", kind: Kind, parent_id: str, body: Json) -> str | None:
    if not kind.has_own_handle:
        return None
    handle = require_own_handle(world, user, handle_id_in(body))
    require_handle_allowed(world, parent_id, handle)
    return handle.id


def update_entity(world: "World", call: Call, body: Json) -> Entity:
    """Replace the entity's fields by those of *body*, making a new version where contract 6.5 says so."""
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "READ")
    world.access.require(world, call.user, entity.id, "UPDATE")
    world.access.require_certified(call.user)
    _require_complete(entity, body)
    name, parent_id = name_in(body), parent_id_in(body, entity.kind)
    require_columns(world, entity.kind, body)
    handle_id = _handle_for_update(world, call.user, entity, parent_id, body)
    if body["etag"] != entity.etag:
        raise Refused(
            412, f"Object: {entity.id} was updated since you last fetched it, retrieve it again and reapply the update."
        )
    if parent_id != entity.parent_id:
        require_move_allowed(world, call.user, entity, parent_id)
    if (name, parent_id) != (entity.name, entity.parent_id):
        require_free_name(world, parent_id, name)
    _apply(world, call, entity, body, handle_id)
    if (name, parent_id) != (entity.name, entity.parent_id):
        world.entities.relocate(entity, name=name, parent_id=parent_id)
    return entity


def _require_complete(entity: Entity, body: Json) -> None:
    if kind_in(body) is not entity.kind:
        raise Refused(400, f"The concreteType of {entity.id} cannot be changed")
    # modifiedBy is not asked for: the existing client never sends it and gets its new versions
    for member in ("etag", "modifiedOn") if entity.kind.has_own_handle else ("etag",):
        if not body.get(member):
            raise Refused(400, f"{member} cannot be null")


def _handle_for_update(world: "World", user: "User", entity: Entity, parent_id: str, body: Json) -> str | None:
    if not entity.kind.has_own_handle:
        return None
    handle_id = handle_id_in(body)
    if handle_id == entity.current.handle_id and parent_id == entity.parent_id:
        return handle_id
    handle = world.handles.require(handle_id)
    if handle_id != entity.current.handle_id:
        require_own_handle(world, user, handle_id)
    require_handle_allowed(world, parent_id, handle)
    return handle_id


def _apply(world: "World", call: Call, entity: Entity, body: Json, handle_id: str | None) -> None:
    label, comment = text_in(body, "versionLabel"), text_in(body, "versionComment")
    content_differs = _content_differs(world, entity, handle_id)
    if content_differs:
        label = comment = None  # reset whatever was sent (contract 6.5)
    generated_by = call.query.get("generatedBy")
    activity_id = attachable(world, call, generated_by) if generated_by else None
    description, fields = description_in(body), own_fields_in(entity.kind, body)
    # newVersion counts for files and record sets only
    if content_differs or (entity.kind.has_own_handle and call.flag("newVersion")):
        _require_new_version_allowed(entity, label)
        world.entities.add_version(
            world,
            entity,
            modified_by=call.user.id,
            label=label,
            comment=comment,
            handle_id=handle_id,
            description=description,
            activity_id=activity_id,
            annotations=entity.current.annotations,
            fields=fields,
        )
        return
    current = entity.current
    if label is not None and label_is_used(entity, label, besides=current):
        # the service runs into a duplicate key here, it does not check (contract 6.5)
        raise Refused(500, f"Duplicate entry '{entity.id[3:]}-{label}' for key 'UNIQUE_REVISION_LABEL'")
    current.label = label or str(current.number)
    current.comment, current.description, current.fields = comment, description, fields
    current.activity_id = activity_id or current.activity_id
    world.entities.set_handle(entity, current, handle_id)
    world.entities.touch(world, entity, call.user.id)


def _content_differs(world: "World", entity: Entity, handle_id: str | None) -> bool:
    """Another handle whose MD5 is not known to be the same."""
    old_id = entity.current.handle_id
    if handle_id is None or handle_id == old_id:
        return False
    old = world.handles.get(old_id) if old_id else None
    return old is None or not world.handles.require(handle_id).holds_same_md5_as(old)


def _require_new_version_allowed(entity: Entity, label: str | None) -> None:
    if len(entity.versions) >= MOST_VERSIONS:
        raise Refused(400, f"Limit of {MOST_VERSIONS} versions exceeded for entity: {entity.id}")
    if label is not None and label_is_used(entity, label):
        raise Refused(400, f"The version label '{label}' is already used by another version of {entity.id}")


def _create(world: "World", call: Call) -> Answer:
    entity = create_entity(world, call, call.body)
    return Answer(status=201, json=body_of(entity, entity.current))


def _update(world: "World", call: Call) -> Answer:
    entity = update_entity(world, call, call.body)
    return Answer(json=body_of(entity, entity.current))


def _delete(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "DELETE")
    if call.flag("skipTrashCan"):
        for member in world.entities.subtree(entity):
            world.access.drop(member.id)
            world.settings.remove(member.id)
        world.entities.purge(entity)
    else:
        world.entities.trash(entity)
    return Answer(status=204)


def _delete_version(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "DELETE")
    version = entity.require_version_named(call.path["version"])
    if len(entity.versions) == 1:
        raise Refused(400, "Cannot delete the last version of a node")
    world.entities.remove_version(world, entity, version)
    return Answer(status=204)


def _swap_handle(world: "World", call: Call) -> Answer:
    """The in-place change of one version's handle, in the order of checks of contract 6.6."""
    old_id, new_id = call.body.get("oldFileHandleId"), call.body.get("newFileHandleId")
    if not old_id or not new_id:
        raise Refused(400, "The fileHandleUpdateRequest must have both oldFileHandleId and newFileHandleId")
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "READ")
    version = _file_version(entity, call.path["version"])
    world.access.require(world, call.user, entity.id, "UPDATE")
    world.access.require_certified(call.user)
    handle = require_own_handle(world, call.user, str(new_id))
    if version.handle_id != str(old_id):
        raise Refused(
            412,
            f"The id of the provided file handle ({old_id}) does not match "
            f"the current file handle id ({version.handle_id}).",
        )
    if handle.id == version.handle_id:
        return Answer()
    old = world.handles.get(version.handle_id)
    if old is None or not handle.holds_same_md5_as(old):
        raise Refused(412, "The MD5 of the new file handle does not match the MD5 of the current file handle")
    require_handle_allowed(world, entity.parent_id, handle)
    world.entities.set_handle(entity, version, handle.id)
    # also when an older version changed, it is the current one that shows it (contract 6.6)
    world.entities.touch(world, entity, call.user.id)
    return Answer()


def _file_version(entity: Entity, raw_number: str) -> Version:
    if not entity.kind.has_own_handle:
        raise Refused(404, f"{entity.id} is not a file")
    return entity.require_version_named(raw_number)


_WRITE = (Scope.VIEW, Scope.MODIFY)
ROUTES = (
    Route(base=Base.REPO, method="POST", template="/entity", handler=_create, scopes=_WRITE),
    Route(base=Base.REPO, method="PUT", template="/entity/{id}", handler=_update, scopes=_WRITE),
    Route(base=Base.REPO, method="DELETE", template="/entity/{id}", handler=_delete, scopes=(Scope.MODIFY,)),
    Route(
        base=Base.REPO,
        method="DELETE",
        template="/entity/{id}/version/{version}",
        handler=_delete_version,
        scopes=(Scope.MODIFY,),
    ),
    Route(
        base=Base.REPO,
        method="PUT",
        template="/entity/{id}/version/{version}/filehandle",
        handler=_swap_handle,
        scopes=_WRITE,
    ),
)
