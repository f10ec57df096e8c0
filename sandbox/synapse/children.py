"""Listing and finding the children of a container (contract 6.2)."""

import re
from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.entities import ROOT_ID, Entity, Order, canonical_id
from sandbox.synapse.entity_json import header_of
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.kinds import Kind

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

PAGE_SIZE = 50
_TOKEN = re.compile(r"(\d+)a(\d+)")


def _children(world: "World", call: Call) -> Answer:
    kinds = _kinds_in(call.body)
    parent_id = _parent_in(world, call)
    if parent_id == ROOT_ID:
        kinds = frozenset({Kind.PROJECT})
    offset = _offset_in(call.body)
    children = world.entities.listing(parent_id, _order_in(call.body), kinds)
    seen = _readable(world, call.user, children)
    if call.body.get("sortDirection") == "DESC":
        seen = seen[::-1]
    page = seen[offset : offset + PAGE_SIZE]
    answer: Json = {"page": [header_of(world, child) for child in page]}
    if len(seen) > offset + PAGE_SIZE:
        answer["nextPageToken"] = f"{PAGE_SIZE}a{offset + PAGE_SIZE}"
    if call.body.get("includeTotalChildCount"):
        answer["totalChildCount"] = len(seen)
    if call.body.get("includeSumFileSizes"):
        answer["sumFileSizesBytes"] = sum(_size_of(world, child) for child in seen)
    return Answer(json=answer)


def _kinds_in(body: Json) -> frozenset[Kind]:
    words = body.get("includeTypes")
    if not isinstance(words, list) or not words:
        raise Refused(400, "EntityChildrenRequest.includeTypes must include at least one type")
    try:
        return frozenset(Kind(word) for word in words)
    except ValueError as error:
        raise Refused(400, f"No enum constant EntityType: {error}") from error


def _parent_in(world: "World", call: Call) -> str:
    raw = call.body.get("parentId")
    if raw is None or canonical_id(str(raw)) == ROOT_ID:
        return ROOT_ID
    parent = world.entities.require(str(raw))
    world.access.require(world, call.user, parent.id, Right.READ)
    return parent.id


def _order_in(body: Json) -> Order:
    word = body.get("sortBy") or Order.NAME
    if word not in set(Order):
        raise Refused(400, f"Unknown sortBy: {word}")
    return Order(word)


def _offset_in(body: Json) -> int:
    token = body.get("nextPageToken")
    if token is None:
        return 0
    match = _TOKEN.fullmatch(str(token))
    # the token is readable, but a limit above the page size buys nothing (contract 6.2)
    if match is None or not 1 <= int(match.group(1)) <= PAGE_SIZE:
        raise Refused(400, f"Invalid nextPageToken: {token}")
    return int(match.group(2))


def _readable(world: "World", user: "User", children: list[Entity]) -> list[Entity]:
    """The children the caller may read. Those without a list of their own are as readable as their parent."""
    access = world.access
    return [
        child for child in children if access.own_acl(child.id) is None or access.may(world, user, child.id, Right.READ)
    ]


def _size_of(world: "World", child: Entity) -> int:
    handle_id = child.current.handle_id
    handle = world.handles.get(handle_id) if handle_id else None
    return (handle.content_size or 0) if handle else 0


def _child(world: "World", call: Call) -> Answer:
    name = call.body.get("entityName")
    if not name:
        raise Refused(400, "entityName is required")
    parent_id = _parent_in(world, call)
    child = world.entities.child_named(parent_id, str(name))
    if child is None:
        raise Refused(404, f"Entity with name: {name} and parentId: {parent_id} does not exist")
    return Answer(json={"id": child.id})


ROUTES = (
    Route(base=Base.REPO, method="POST", template="/entity/children", handler=_children, scopes=(Scope.VIEW,)),
    Route(base=Base.REPO, method="POST", template="/entity/child", handler=_child, scopes=(Scope.VIEW,)),
)
