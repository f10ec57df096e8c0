"""Access lists and permissions as REST calls (contract 10)."""

from typing import TYPE_CHECKING

from sandbox.synapse.access import ALL_RIGHTS, Acl, Right
from sandbox.synapse.entities import Entity, canonical_id
from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope
from sandbox.synapse.kinds import Kind
from sandbox.synapse.principals import ANONYMOUS_ID, PUBLIC_ID

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

_OTHER_RIGHTS = frozenset(
    {
        "UPLOAD",
        "PARTICIPATE",
        "SUBMIT",
        "READ_PRIVATE_SUBMISSION",
        "UPDATE_SUBMISSION",
        "DELETE_SUBMISSION",
        "TEAM_MEMBERSHIP_UPDATE",
        "SEND_MESSAGE",
        "REVIEW_SUBMISSIONS",
        "EXEMPTION_ELIGIBLE",
    }
)


def permissions_of(world: "World", user: "User", entity: Entity) -> Json:
    """The UserEntityPermissions: what *user* may do, access requirements and certification taken into account."""
    access = world.access
    acl = access.own_acl(access.benefactor_of(world, entity.id))
    rights = ALL_RIGHTS if user.is_administrator else _rights(world, user, acl)
    certified = user.is_certified or user.is_administrator
    is_public = acl is not None and "READ" in acl.rights.get(int(PUBLIC_ID), frozenset())
    may_change_permissions = Right.CHANGE_PERMISSIONS in rights
    return {
        "canView": Right.READ in rights,
        "canDownload": Right.DOWNLOAD in rights and access.may_download(world, user, entity.id),
        "canEdit": Right.UPDATE in rights and certified,
        "canDelete": Right.DELETE in rights,
        "canMove": Right.DELETE in rights and may_change_permissions,
        "canAddChild": Right.CREATE in rights and certified,
        "canChangePermissions": may_change_permissions,
        "canChangeSettings": Right.CHANGE_SETTINGS in rights,
        "canUpload": Right.CREATE in rights,
        "canModerate": Right.MODERATE in rights,
        "canEnableInheritance": may_change_permissions and entity.kind is not Kind.PROJECT,
        "canCertifiedUserEdit": Right.UPDATE in rights,
        "canCertifiedUserAddChild": Right.CREATE in rights,
        "isCertifiedUser": certified,
        "isCertificationRequired": True,
        "canPublicRead": is_public,
        "isEntityOpenData": False,
        "isDataContributor": Right.CREATE in rights,
        "ownerPrincipalId": int(entity.created_by),
    }


def _rights(world: "World", user: "User", acl: Acl | None) -> frozenset[str]:
    if acl is None:
        return frozenset()
    principal_ids = world.principals.principal_ids(user)
    granted = [rights for principal_id, rights in acl.rights.items() if principal_id in principal_ids]
    return frozenset().union(*granted)


def _get_acl(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    acl = world.access.own_acl(entity.id)
    if acl is None:
        benefactor_id = world.access.benefactor_of(world, entity.id)
        raise Refused(
            404, f"The requested ACL does not exist. This entity inherits its permissions from: {benefactor_id}"
        )
    return Answer(json=acl.as_json())


def _start_acl(world: "World", call: Call) -> Answer:
    entity = _changeable(world, call)
    if world.access.own_acl(entity.id) is not None:
        raise Refused(403, "Resource already has an ACL.")
    above = world.entities.ancestors(entity.id)
    if above and world.settings.sts_location(world, above[0].id) is not None:
        raise Refused(400, "Cannot override ACLs in a child of an STS-enabled folder")
    acl = world.access.put(world, entity.id, _rights_in(call, entity))
    return Answer(status=201, json=acl.as_json())


def _replace_acl(world: "World", call: Call) -> Answer:
    entity = _changeable(world, call)
    old = world.access.own_acl(entity.id)
    if old is None:
        raise Refused(403, "Cannot update ACL for a resource which inherits its permissions.")
    if canonical_id(str(call.body.get("id") or "")) != entity.id:
        raise Refused(400, "The ID in the path must match the ID of the access control list")
    if call.body.get("etag") != old.etag:
        raise Refused(412, f"The access control list of {entity.id} was updated since you last fetched it.")
    return Answer(json=world.access.put(world, entity.id, _rights_in(call, entity)).as_json())


def _drop_acl(world: "World", call: Call) -> Answer:
    entity = _changeable(world, call)
    if entity.kind is Kind.PROJECT:
        raise Refused(403, "Cannot restore inheritance for a project.")
    if world.access.own_acl(entity.id) is None:
        raise Refused(403, "Resource already inherits its permissions.")
    world.access.drop(entity.id)
    return Answer(status=204)


def _changeable(world: "World", call: Call) -> Entity:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, Right.CHANGE_PERMISSIONS)
    return entity


def _rights_in(call: Call, entity: Entity) -> dict[int, frozenset[str]]:
    """The rights of a list that was sent; refuses with 400 what contract 10.1 forbids."""
    entries = call.body.get("resourceAccess")
    if not isinstance(entries, list):
        raise Refused(400, "resourceAccess is required")
    rights: dict[int, frozenset[str]] = {}
    for entry in entries:
        principal_id, granted = _entry_in(entry)
        rights[principal_id] = granted
    is_owner = entity.created_by == call.user.id or call.user.is_administrator
    if not is_owner and not _keeps_control(call.user, rights):
        raise Refused(400, "Caller is trying to revoke their own ACL editing permissions.")
    return rights


def _entry_in(entry: Json) -> tuple[int, frozenset[str]]:
    raw_id, words = entry.get("principalId"), entry.get("accessType")
    if not str(raw_id).isdecimal() or not isinstance(words, list):
        raise Refused(400, "Each entry needs a principalId and a list accessType")
    granted = frozenset(str(word) for word in words)
    unknown = granted - ALL_RIGHTS - _OTHER_RIGHTS
    if unknown:
        raise Refused(400, f"Unknown accessType: {sorted(unknown)}")
    if str(raw_id) == ANONYMOUS_ID:
        raise Refused(400, "The anonymous user may not be listed")
    if str(raw_id) == PUBLIC_ID and granted - {"READ"}:
        raise Refused(400, "The public may only be granted READ")
    return int(str(raw_id)), granted


def _keeps_control(user: "User", rights: dict[int, frozenset[str]]) -> bool:
    own = user.principal_ids()
    return any(Right.CHANGE_PERMISSIONS in granted for principal_id, granted in rights.items() if principal_id in own)


def _permissions(world: "World", call: Call) -> Answer:
    return Answer(json=permissions_of(world, call.user, world.entities.require(call.path["id"])))


def _has_access(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    right = call.query.get("accessType", "")
    if right not in ALL_RIGHTS | _OTHER_RIGHTS:
        raise Refused(400, f"Unknown accessType: {right}")
    if right == Right.DOWNLOAD:
        return Answer(json={"result": world.access.may_download(world, call.user, entity.id)})
    return Answer(json={"result": world.access.may(world, call.user, entity.id, right)})


def _requirements(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    lock: Json = {
        "id": entity.id[3:],
        "concreteType": "org.sagebionetworks.repo.model.LockAccessRequirement",
        "accessType": "DOWNLOAD",
    }
    results = [lock] if world.access.is_restricted(entity.id) else []
    return Answer(json={"results": results, "totalNumberOfResults": len(results)})


def _lock(world: "World", call: Call) -> Answer:
    entity = _changeable(world, call)
    world.access.restrict(entity.id)
    return Answer(status=201, json=_requirements(world, call).json)


def _route(method: str, template: str, handler: Handler, *scopes: Scope) -> Route:
    return Route(base=Base.REPO, method=method, template=template, handler=handler, scopes=scopes)


ROUTES = (
    _route("GET", "/entity/{id}/acl", _get_acl, Scope.VIEW),
    _route("POST", "/entity/{id}/acl", _start_acl, Scope.VIEW, Scope.MODIFY),
    _route("PUT", "/entity/{id}/acl", _replace_acl, Scope.VIEW, Scope.MODIFY),
    _route("DELETE", "/entity/{id}/acl", _drop_acl, Scope.MODIFY),
    _route("GET", "/entity/{id}/permissions", _permissions, Scope.VIEW),
    _route("GET", "/entity/{id}/access", _has_access, Scope.VIEW),
    _route("GET", "/entity/{id}/accessRequirement", _requirements, Scope.VIEW),
    _route("POST", "/entity/{id}/lockAccessRequirement", _lock, Scope.VIEW, Scope.MODIFY),
)
