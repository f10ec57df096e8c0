"""Annotations of entities, in the typed form (annotations2)."""

from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.entities import ZERO_ETAG, Entity, Version
from sandbox.synapse.entity_reads import readable
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope

if TYPE_CHECKING:
    from sandbox.synapse.world import World

_TYPES = frozenset({"STRING", "DOUBLE", "LONG", "TIMESTAMP_MS", "BOOLEAN"})


def annotations_of(entity: Entity, version: Version) -> Json:
    """The Annotations of one version as the service sends them."""
    etag = entity.etag if version is entity.current else ZERO_ETAG
    return {"id": entity.id, "etag": etag, "annotations": version.annotations}


def checked_annotations(value: object) -> Json:
    """The annotations of a request; refuses with 400 what is not a map of typed lists."""
    if not isinstance(value, dict):
        raise Refused(400, "annotations must be a map of name to typed value")
    for name, member in value.items():
        if (
            not isinstance(member, dict)
            or member.get("type") not in _TYPES
            or not isinstance(member.get("value"), list)
        ):
            raise Refused(400, f"annotation {name} must have a type of {sorted(_TYPES)} and a list of values")
    return dict(value)


def _get(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return Answer(json=annotations_of(entity, entity.current))


def _get_version(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return Answer(json=annotations_of(entity, entity.require_version_named(call.path["version"])))


def _put(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    world.access.require(world, call.user, entity.id, Right.UPDATE)
    world.access.require_certified(call.user)
    annotations = checked_annotations(call.body.get("annotations"))
    if call.body.get("etag") != entity.etag:
        raise Refused(
            412, f"Object: {entity.id} was updated since you last fetched it, retrieve it again and reapply the update."
        )
    entity.current.annotations = annotations
    world.entities.touch(world, entity, call.user.id)
    return Answer(json=annotations_of(entity, entity.current))


ROUTES = (
    Route(base=Base.REPO, method="GET", template="/entity/{id}/annotations2", handler=_get, scopes=(Scope.VIEW,)),
    Route(
        base=Base.REPO,
        method="GET",
        template="/entity/{id}/version/{version}/annotations2",
        handler=_get_version,
        scopes=(Scope.VIEW,),
    ),
    Route(
        base=Base.REPO,
        method="PUT",
        template="/entity/{id}/annotations2",
        handler=_put,
        scopes=(Scope.VIEW, Scope.MODIFY),
    ),
)
