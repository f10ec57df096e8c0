"""Several parts of an entity in one answer: bundle2 and the older bundle by bit mask (contract 6.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.synapse.annotations import annotations_of, checked_annotations
from sandbox.synapse.entities import Entity, Version, number_of
from sandbox.synapse.entity_json import body_of
from sandbox.synapse.entity_reads import path_of, readable
from sandbox.synapse.entity_writes import create_entity, update_entity
from sandbox.synapse.handle_routes import handles_of
from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope
from sandbox.synapse.permissions import permissions_of

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World


@dataclass(frozen=True, slots=True)
class _Subject:
    """Of what, and for whom, a part is made."""

    world: "World"
    user: "User"
    entity: Entity
    version: Version


def _body(of: _Subject) -> Json:
    return body_of(of.entity, of.version)


def _annotations(of: _Subject) -> Json:
    return annotations_of(of.entity, of.version)


def _permissions(of: _Subject) -> Json:
    return permissions_of(of.world, of.user, of.entity)


def _path(of: _Subject) -> Json:
    return path_of(of.world, of.user, of.entity)


def _has_children(of: _Subject) -> bool:
    return bool(of.world.entities.children_of(of.entity.id))


def _own_acl(of: _Subject) -> Json | None:
    acl = of.world.access.own_acl(of.entity.id)
    return acl.as_json() if acl else None


def _benefactor_acl(of: _Subject) -> Json | None:
    acl = of.world.access.own_acl(of.world.access.benefactor_of(of.world, of.entity.id))
    return acl.as_json() if acl else None


def _file_handles(of: _Subject) -> list[Json]:
    # an empty list, never a refusal, when DOWNLOAD is missing (contract 6.4)
    if not of.world.access.may_download(of.world, of.user, of.entity.id):
        return []
    return [handle.as_json() for handle in handles_of(of.world, of.version)]


def _file_name(of: _Subject) -> str | None:
    handle = of.world.handles.get(of.version.handle_id) if of.version.handle_id else None
    return handle.file_name if handle else None


def _table_bundle(of: _Subject) -> Json | None:
    if not of.entity.kind.is_table_like:
        return None
    return of.world.tables.bundle(of.world, of.entity, of.version)


def _restrictions(of: _Subject) -> Json:
    is_restricted = of.world.access.is_restricted(of.entity.id)
    return {
        "objectId": number_of(of.entity.id),
        "restrictionLevel": "CONTROLLED_BY_ACT" if is_restricted else "OPEN",
        "hasUnmetAccessRequirement": is_restricted and not of.user.is_administrator,
        "restrictionDetails": [],
    }


def _activity(of: _Subject) -> Json | None:
    # always of the current version, even when an older one was asked for (contract 6.4)
    activity_id = of.entity.current.activity_id
    return of.world.entities.activities.require(activity_id).as_json() if activity_id else None


def _nothing(_of: _Subject) -> None:
    return None


def _no_threads(_of: _Subject) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class _Part:
    """One part: how requests ask for it, how answers call it, its bit in the old mask."""

    request: str
    response: str
    make: Callable[[_Subject], Any]
    bit: int = 0


_PARTS = (
    _Part("includeEntity", "entity", _body, 0x1),
    _Part("includeAnnotations", "annotations", _annotations, 0x2),
    _Part("includePermissions", "permissions", _permissions, 0x4),
    _Part("includeEntityPath", "path", _path, 0x8),
    _Part("includeHasChildren", "hasChildren", _has_children, 0x20),
    _Part("includeAccessControlList", "accessControlList", _own_acl, 0x40),
    _Part("includeFileHandles", "fileHandles", _file_handles, 0x800),
    _Part("includeTableBundle", "tableBundle", _table_bundle, 0x1000),
    _Part("includeRootWikiId", "rootWikiId", _nothing, 0x2000),
    _Part("includeBenefactorACL", "benefactorAcl", _benefactor_acl, 0x4000),
    _Part("includeDOIAssociation", "doiAssociation", _nothing, 0x8000),
    _Part("includeFileName", "fileName", _file_name, 0x10000),
    _Part("includeThreadCount", "threadCount", _no_threads, 0x20000),
    _Part("includeRestrictionInformation", "restrictionInformation", _restrictions, 0x40000),
    _Part("includeActivity", "activity", _activity),
)


def _bundle_of(subject: _Subject, parts: list[_Part]) -> Json:
    answer: Json = {"entityType": subject.entity.kind.value}
    for part in parts:
        answer[part.response] = part.make(subject)
    return answer


def _by_names(world: "World", call: Call) -> Answer:
    subject = _subject(world, call)
    return Answer(json=_bundle_of(subject, [part for part in _PARTS if call.body.get(part.request)]))


def _by_mask(world: "World", call: Call) -> Answer:
    raw = call.query.get("mask", "")
    if not raw.isdecimal():
        raise Refused(400, "mask must be a number")
    subject = _subject(world, call)
    return Answer(json=_bundle_of(subject, [part for part in _PARTS if part.bit & int(raw)]))


def _subject(world: "World", call: Call) -> _Subject:
    entity = readable(world, call)
    raw_number = call.path.get("version")
    version = entity.require_version_named(raw_number) if raw_number else entity.current
    return _Subject(world, call.user, entity, version)


def _create(world: "World", call: Call) -> Answer:
    entity = create_entity(world, call, _entity_in(call.body))
    _annotate(call.body, entity)
    return Answer(status=201, json=_written(world, call, entity))


def _update(world: "World", call: Call) -> Answer:
    entity = update_entity(world, call, _entity_in(call.body))
    _annotate(call.body, entity)
    return Answer(json=_written(world, call, entity))


def _entity_in(body: Json) -> Json:
    entity = body.get("entity")
    if not isinstance(entity, dict):
        raise Refused(400, "entity is required")
    if body.get("annotations") is not None:
        checked_annotations(body["annotations"].get("annotations"))
    return entity


def _annotate(body: Json, entity: Entity) -> None:
    if body.get("annotations") is not None:
        entity.current.annotations = checked_annotations(body["annotations"].get("annotations"))


def _written(world: "World", call: Call, entity: Entity) -> Json:
    wanted = {"includeEntity", "includeAnnotations"}
    subject = _Subject(world, call.user, entity, entity.current)
    return _bundle_of(subject, [part for part in _PARTS if part.request in wanted])


def _route(method: str, template: str, handler: Handler, *scopes: Scope) -> Route:
    return Route(base=Base.REPO, method=method, template=template, handler=handler, scopes=scopes)


ROUTES = (
    _route("POST", "/entity/{id}/bundle2", _by_names, Scope.VIEW),
    _route("POST", "/entity/{id}/version/{version}/bundle2", _by_names, Scope.VIEW),
    _route("GET", "/entity/{id}/bundle", _by_mask, Scope.VIEW),
    _route("GET", "/entity/{id}/version/{version}/bundle", _by_mask, Scope.VIEW),
    _route("POST", "/entity/bundle2/create", _create, Scope.VIEW, Scope.MODIFY),
    _route("PUT", "/entity/{id}/bundle2", _update, Scope.VIEW, Scope.MODIFY),
)
