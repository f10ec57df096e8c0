"""Reading single entities: bodies, versions, headers, paths and look-ups (contract 6.3)."""

from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.entities import Entity, canonical_id
from sandbox.synapse.entity_json import ROOT_HEADER, body_of, header_of, version_info_of
from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope
from sandbox.synapse.paging import page_of

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World


def readable(world: "World", call: Call) -> Entity:
    """The entity of the path when the caller may read it; refuses with 404 or 403."""
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, Right.READ)
    return entity


def path_of(world: "World", user: "User", entity: Entity) -> Json:
    """The EntityPath from the system's root down; the names of unreadable ancestors are masked."""
    headers = [header_of(world, entity)]
    for ancestor in world.entities.ancestors(entity.id):
        header = header_of(world, ancestor)
        if not world.access.may(world, user, ancestor.id, Right.READ):
            header["name"] = ancestor.id
        headers.append(header)
    headers.append(ROOT_HEADER)
    headers.reverse()
    return {"path": headers}


def _get(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return Answer(json=body_of(entity, entity.current))


def _get_version(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return Answer(json=body_of(entity, entity.require_version_named(call.path["version"])))


def _versions(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    # the version in progress of a table is not listed (contract 6.3)
    listed = entity.versions[:-1] if entity.kind.is_table_like else entity.versions
    page, total = page_of(listed[::-1], call)
    return Answer(
        json={
            "results": [version_info_of(world, entity, version) for version in page],
            "totalNumberOfResults": total,
        }
    )


def _type(world: "World", call: Call) -> Answer:
    return Answer(json=header_of(world, readable(world, call)))


def _types(world: "World", call: Call) -> Answer:
    ids = [raw for raw in call.query.get("batch", "").split(",") if raw]
    if not ids:
        raise Refused(400, "The batch of entity ids must not be empty")
    found = [_visible(world, call.user, raw) for raw in ids]
    return _headers([header_of(world, entity) for entity in found if entity is not None])


def _header_batch(world: "World", call: Call) -> Answer:
    references = call.body.get("references")
    if not isinstance(references, list) or not references:
        raise Refused(400, "references must not be empty")
    found = (_referenced(world, call.user, reference) for reference in references)
    return _headers([header for header in found if header is not None])


def _referenced(world: "World", user: "User", reference: Json) -> Json | None:
    entity = _visible(world, user, str(reference.get("targetId")))
    number = reference.get("targetVersionNumber")
    if entity is None:
        return None
    if number is None:
        return header_of(world, entity)
    version = entity.version(int(number))
    return header_of(world, entity, version) if version else None


def _visible(world: "World", user: "User", raw_id: str) -> Entity | None:
    """The entity, or None when it is missing, trashed or not readable."""
    entity = world.entities.get(canonical_id(raw_id))
    if entity is None or entity.in_trash or not world.access.may(world, user, entity.id, Right.READ):
        return None
    return entity


def _headers(headers: list[Json]) -> Answer:
    return Answer(json={"results": headers, "totalNumberOfResults": len(headers)})


def _path(world: "World", call: Call) -> Answer:
    return Answer(json=path_of(world, call.user, readable(world, call)))


def _benefactor(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return Answer(json=header_of(world, world.entities.require(world.access.benefactor_of(world, entity.id))))


def _with_md5(world: "World", call: Call) -> Answer:
    headers: dict[str, Json] = {}
    for handle_id in world.handles.with_md5(call.path["md5"]):
        for entity_id in world.entities.holders_of(handle_id):
            entity = _visible(world, call.user, entity_id)
            # only the content of current versions counts
            if entity is not None and entity.current.handle_id == handle_id:
                headers[entity_id] = header_of(world, entity)
    return _headers(list(headers.values()))


def _get_route(template: str, handler: Handler) -> Route:
    return Route(base=Base.REPO, method="GET", template=template, handler=handler, scopes=(Scope.VIEW,))


ROUTES = (
    _get_route("/entity/{id}", _get),
    _get_route("/entity/{id}/version", _versions),
    _get_route("/entity/{id}/version/{version}", _get_version),
    _get_route("/entity/{id}/type", _type),
    _get_route("/entity/type", _types),
    _get_route("/entity/{id}/path", _path),
    _get_route("/entity/{id}/benefactor", _benefactor),
    _get_route("/entity/md5/{md5}", _with_md5),
    Route(base=Base.REPO, method="POST", template="/entity/header", handler=_header_batch, scopes=(Scope.VIEW,)),
)
