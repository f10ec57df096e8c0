"""Profiles and names of people and teams (contract 11)."""

from typing import TYPE_CHECKING

from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope
from sandbox.synapse.paging import page_of
from sandbox.synapse.principals import Team, User

if TYPE_CHECKING:
    from sandbox.synapse.world import World

_MOST_NAMES = 100
_PROFILE_BIT = 0x1
_CERTIFIED_BIT = 0x8


def public_profile(user: User) -> Json:
    """What everybody may know of a person."""
    return {
        "ownerId": user.id,
        "userName": user.name,
        "firstName": user.first_name or None,
        "lastName": user.last_name or None,
        "createdOn": user.created_on,
        "etag": user.etag,
    }


def own_profile(user: User) -> Json:
    """What a person sees of themselves."""
    return {**public_profile(user), "emails": list(user.emails), "email": user.emails[0] if user.emails else None}


def header_of(principal: User | Team) -> Json:
    """The UserGroupHeader of a person or team."""
    is_person = isinstance(principal, User)
    return {
        "ownerId": principal.id,
        "userName": principal.name,
        "firstName": principal.first_name or None if isinstance(principal, User) else None,
        "lastName": principal.last_name or None if isinstance(principal, User) else None,
        "isIndividual": is_person,
    }


def _mine(_world: "World", call: Call) -> Answer:
    return Answer(json=own_profile(call.user))


def _profile(world: "World", call: Call) -> Answer:
    user = _person(world, call.path["id"])
    return Answer(json=own_profile(user) if user.id == call.user.id else public_profile(user))


def _person(world: "World", raw_id: str) -> User:
    if not raw_id.isdecimal():
        raise Refused(400, f"{raw_id} is not a valid principal id")
    return world.principals.require(raw_id)


def _headers_by_id(world: "World", call: Call) -> Answer:
    ids = [raw for raw in call.query.get("ids", "").split(",") if raw]
    if not ids:
        raise Refused(400, "ids is required")
    found = [world.principals.get(principal_id) or world.principals.team(principal_id) for principal_id in ids]
    headers = [header_of(principal) for principal in found if principal is not None]
    return Answer(json={"children": headers, "totalNumberOfResults": len(headers)})


def _headers_by_prefix(world: "World", call: Call) -> Answer:
    prefix = call.query.get("prefix", "")
    page, total = page_of(world.principals.starting_with(prefix), call)
    headers = [header_of(principal) for principal in page]
    return Answer(json={"children": headers, "totalNumberOfResults": total, "prefixFilter": prefix})


def _headers_by_alias(world: "World", call: Call) -> Answer:
    names = call.body.get("list")
    if not isinstance(names, list) or not 1 <= len(names) <= _MOST_NAMES:
        raise Refused(400, f"list must hold 1 to {_MOST_NAMES} names")
    found = [world.principals.named(str(name)) for name in names]
    return Answer(json={"list": [header_of(principal) for principal in found if principal is not None]})


def _bundle(world: "World", call: Call) -> Answer:
    user = _person(world, call.path["id"])
    raw = call.query.get("mask", "0")
    mask = int(raw, 0) if raw.isalnum() else 0
    answer: Json = {"userId": user.id}
    if mask & _PROFILE_BIT:
        answer["userProfile"] = public_profile(user)
    if mask & _CERTIFIED_BIT:
        answer["isCertified"] = user.is_certified
    return Answer(json=answer)


def _certificate(world: "World", call: Call) -> Answer:
    user = _person(world, call.path["id"])
    if not user.is_certified:
        raise Refused(404, "No passing record was found for the user.")
    return Answer(json={"userId": user.id, "passed": True, "passedOn": user.created_on})


def _team(world: "World", call: Call) -> Answer:
    team = world.principals.team(call.path["id"])
    if team is None:
        raise Refused(404, f"Team does not exist for id: {call.path['id']}")
    return Answer(json={"id": team.id, "name": team.name})


def _teams_of(world: "World", call: Call) -> Answer:
    user = _person(world, call.path["id"])
    found = [world.principals.team(team_id) for team_id in sorted(user.team_ids)]
    page, total = page_of([{"id": team.id, "name": team.name} for team in found if team is not None], call)
    return Answer(json={"results": page, "totalNumberOfResults": total})


def _route(method: str, template: str, handler: Handler) -> Route:
    return Route(base=Base.REPO, method=method, template=template, handler=handler, scopes=(Scope.VIEW,))


ROUTES = (
    _route("GET", "/userProfile", _mine),
    _route("GET", "/userProfile/{id}", _profile),
    _route("GET", "/userGroupHeaders", _headers_by_prefix),
    _route("GET", "/userGroupHeaders/batch", _headers_by_id),
    _route("POST", "/userGroupHeaders/aliases", _headers_by_alias),
    _route("GET", "/user/{id}/bundle", _bundle),
    _route("GET", "/user/{id}/certifiedUserPassingRecord", _certificate),
    _route("GET", "/user/{id}/team", _teams_of),
    _route("GET", "/team/{id}", _team),
)
