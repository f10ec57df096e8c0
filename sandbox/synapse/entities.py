"""Entities and their versions: the tree of projects, folders, files and tables (contract 6)."""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict, Unpack

from sandbox.synapse.activities import Activities
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import COUNTED, Kind
from sandbox.synapse.sequences import ROOT_NUMBER

if TYPE_CHECKING:
    from sandbox.synapse.world import World

ROOT_ID = f"syn{ROOT_NUMBER}"
ZERO_ETAG = "00000000-0000-0000-0000-000000000000"
_ID = re.compile(r"(?:syn)?(\d+)", re.IGNORECASE)


def canonical_id(raw: str) -> str:
    """``syn123`` for ``syn123``, ``SYN123`` and ``123``; refuses anything else with 400."""
    if raw.startswith("syn") and raw[3:].isdecimal():
        return raw
    match = _ID.fullmatch(raw.strip())
    if match is None:
        raise Refused(400, f"{raw} is not a valid Synapse ID.")
    return f"syn{match.group(1)}"


@dataclass(slots=True, kw_only=True)
class Version:
    """One version of an entity. `fields` are the members of the body that only its kind has."""

    number: int
    label: str
    modified_by: str
    modified_on: str
    comment: str | None = None
    handle_id: str | None = None
    description: str | None = None
    activity_id: str | None = None
    annotations: Json = field(default_factory=dict)
    fields: Json = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Entity:
    """One entity; `versions` are oldest first and never empty, the last one is the current one.

    Attributes:
        parent_id: the root's id for projects.
        last_number: the highest version number ever given; numbers are not reused.
        in_trash: trashed, itself or with an ancestor: invisible but still holding its handles.
    """

    id: str
    kind: Kind
    name: str
    parent_id: str
    created_by: str
    created_on: str
    etag: str
    versions: list[Version]
    last_number: int = 1
    in_trash: bool = False

    @property
    def current(self) -> Version:
        """The current version."""
        return self.versions[-1]

    def version(self, number: int) -> Version | None:
        """The version of that number, or None."""
        at = bisect_left(self.versions, number, key=lambda version: version.number)
        if at < len(self.versions) and self.versions[at].number == number:
            return self.versions[at]
        return None

    def require_version_named(self, raw: str) -> Version:
        """The version whose number was written in a path; refuses with 400 or 404."""
        if not raw.isdecimal():
            raise Refused(400, f"{raw} is not a valid version number")
        return self.require_version(int(raw))

    def require_version(self, number: int) -> Version:
        """The version of that number; refuses with 404."""
        version = self.version(number)
        if version is None:
            raise Refused(404, f"Cannot find a node with id {self.id} and version {number}")
        return version


class VersionContent(TypedDict, total=False):
    """What the maker of a version may say about it."""

    label: str | None
    comment: str | None
    handle_id: str | None
    description: str | None
    activity_id: str | None
    annotations: Json
    fields: Json


class Order(StrEnum):
    """How a listing of children is sorted."""

    NAME = "NAME"
    CREATED_ON = "CREATED_ON"
    MODIFIED_ON = "MODIFIED_ON"


@dataclass(slots=True)
class _Children:
    """The children of one container that are not in the trash: by id, by name, and sorted as last asked for."""

    by_id: dict[str, Entity] = field(default_factory=dict)
    by_name: dict[str, str] = field(default_factory=dict)
    counted: int = 0
    listings: dict[tuple[Order, frozenset[Kind]], list[Entity]] = field(default_factory=dict)

    def put(self, entity: Entity) -> None:
        self.by_id[entity.id] = entity
        self.by_name[entity.name] = entity.id
        self.counted += entity.kind in COUNTED
        self.listings.clear()

    def take(self, entity: Entity) -> None:
        del self.by_id[entity.id]
        del self.by_name[entity.name]
        self.counted -= entity.kind in COUNTED
        self.listings.clear()

    def listing(self, order: Order, kinds: frozenset[Kind]) -> list[Entity]:
        known = self.listings.get((order, kinds))
        if known is not None:
            return known
        chosen = sorted((child for child in self.by_id.values() if child.kind in kinds), key=_SORT_KEYS[order])
        if order is not Order.MODIFIED_ON:  # those keys change under us
            self.listings[(order, kinds)] = chosen
        return chosen


class Entities:
    """Every entity by id and by place in the tree. Rules of the REST calls are not kept here."""

    def __init__(self) -> None:
        self._by_id: dict[str, Entity] = {}
        self._children: dict[str, _Children] = {}
        self._holders: dict[str, tuple[str, ...]] = {}
        self.activities = Activities()

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, entity_id: str) -> Entity | None:
        """The entity, trashed or not, or None. The id must be canonical."""
        return self._by_id.get(entity_id)

    def require(self, entity_id: str) -> Entity:
        """The entity by any accepted spelling of its id; refuses with 404 when missing or trashed."""
        entity = self._by_id.get(entity_id) or self._by_id.get(canonical_id(entity_id))
        if entity is None:
            raise Refused(404, f"Resource: '{canonical_id(entity_id)}' does not exist")
        if entity.in_trash:
            raise Refused(404, f"Entity {entity.id} is in trash can.")
        return entity

    def all(self) -> list[Entity]:
        """Every entity, trashed ones included, oldest first."""
        return list(self._by_id.values())

    def ancestors(self, entity_id: str) -> list[Entity]:
        """The entities above, nearest first, up to the project."""
        found: list[Entity] = []
        entity = self._by_id.get(canonical_id(entity_id))
        while entity is not None and entity.parent_id != ROOT_ID:
            entity = self._by_id.get(entity.parent_id)
            if entity is not None:
                found.append(entity)
        return found

    def children_of(self, parent_id: str) -> list[Entity]:
        """The direct children that are not in the trash, in order of arrival."""
        children = self._children.get(parent_id)
        return list(children.by_id.values()) if children else []

    def listing(self, parent_id: str, order: Order, kinds: frozenset[Kind]) -> list[Entity]:
        """The direct children of some kinds, sorted ascending. Not to be altered: it is kept for the next page."""
        children = self._children.get(parent_id)
        return children.listing(order, kinds) if children else []

    def count_of_counted_children(self, parent_id: str) -> int:
        """How many children fall under the limit of 10,000 (contract 6.7)."""
        children = self._children.get(parent_id)
        return children.counted if children else 0

    def child_named(self, parent_id: str, name: str) -> Entity | None:
        """The direct child of that name, or None."""
        children = self._children.get(parent_id)
        child_id = children.by_name.get(name) if children else None
        return self._by_id[child_id] if child_id else None

    def holders_of(self, handle_id: str) -> tuple[str, ...]:
        """Ids of the entities with a version that refers to the handle, trashed ones included."""
        return self._holders.get(handle_id, ())

    def add(
        self,
        world: "World",
        *,
        kind: Kind,
        name: str,
        parent_id: str,
        created_by: str,
        **content: Unpack[VersionContent],
    ) -> Entity:
        """A new entity with version 1; a project gets an access list for its creator. Nothing is checked."""
        now = world.clock.stamp()
        version = _version_of(1, created_by, now, content)
        entity = Entity(
            id=f"syn{world.ids.number('entity')}",
            kind=kind,
            name=name,
            parent_id=parent_id,
            created_by=created_by,
            created_on=now,
            etag=world.ids.uuid(),
            versions=[version],
        )
        self._by_id[entity.id] = entity
        self._attach(entity)
        self._hold(version.handle_id, entity.id)
        if kind is Kind.PROJECT:
            world.access.make_owner(world, entity.id, created_by)
        return entity

    def add_version(
        self, world: "World", entity: Entity, *, modified_by: str, **content: Unpack[VersionContent]
    ) -> Version:
        """A further version, which becomes the current one; the etag changes. Nothing is checked or inherited."""
        entity.last_number += 1
        version = _version_of(entity.last_number, modified_by, world.clock.stamp(), content)
        entity.versions.append(version)
        entity.etag = world.ids.uuid()
        self._hold(version.handle_id, entity.id)
        return version

    def touch(self, world: "World", entity: Entity, user_id: str) -> None:
        """Mark a change: a new etag, and the current version was modified now by *user_id*."""
        entity.etag = world.ids.uuid()
        entity.current.modified_by = user_id
        entity.current.modified_on = world.clock.stamp()

    def set_handle(self, entity: Entity, version: Version, handle_id: str | None) -> None:
        """Make the version refer to another handle."""
        old = version.handle_id
        version.handle_id = handle_id
        self._release(old, entity)
        self._hold(handle_id, entity.id)

    def relocate(self, entity: Entity, *, name: str, parent_id: str) -> None:
        """Rename or move the entity within the tree."""
        self._children[entity.parent_id].take(entity)
        entity.name = name
        entity.parent_id = parent_id
        self._attach(entity)

    def subtree(self, entity: Entity) -> list[Entity]:
        """The entity and everything below it, parents first."""
        found = [entity]
        for seen in found:
            found.extend(self.children_of(seen.id))
        return found

    def trash(self, entity: Entity) -> None:
        """Put the entity and all below it into the trash can; their handles stay referred to."""
        for member in self.subtree(entity):
            member.in_trash = True
        self._children[entity.parent_id].take(entity)

    def purge(self, entity: Entity) -> None:
        """Forget the entity and all below it."""
        members = self.subtree(entity)
        self._children[entity.parent_id].take(entity)
        for member in members:
            handle_ids = {version.handle_id for version in member.versions}
            member.versions = member.versions[-1:]
            self._children.pop(member.id, None)
            del self._by_id[member.id]
            for handle_id in handle_ids:
                self._let_go(handle_id, member.id)

    def remove_version(self, world: "World", entity: Entity, version: Version) -> None:
        """Forget one version; the newest that is left becomes the current one."""
        entity.versions.remove(version)
        entity.etag = world.ids.uuid()
        self._release(version.handle_id, entity)

    def _hold(self, handle_id: str | None, entity_id: str) -> None:
        if handle_id is None:
            return
        holders = self._holders.get(handle_id, ())
        if entity_id not in holders:
            self._holders[handle_id] = (*holders, entity_id)

    def _release(self, handle_id: str | None, entity: Entity) -> None:
        if not any(version.handle_id == handle_id for version in entity.versions):
            self._let_go(handle_id, entity.id)

    def _let_go(self, handle_id: str | None, entity_id: str) -> None:
        if handle_id is None:
            return
        left = tuple(holder for holder in self._holders.get(handle_id, ()) if holder != entity_id)
        if left:
            self._holders[handle_id] = left
        else:
            self._holders.pop(handle_id, None)

    def _attach(self, entity: Entity) -> None:
        self._children.setdefault(entity.parent_id, _Children()).put(entity)


def _version_of(number: int, modified_by: str, now: str, content: VersionContent) -> Version:
    return Version(
        number=number,
        label=content.get("label") or str(number),
        modified_by=modified_by,
        modified_on=now,
        comment=content.get("comment"),
        handle_id=content.get("handle_id"),
        description=content.get("description"),
        activity_id=content.get("activity_id"),
        annotations=content.get("annotations", {}),
        fields=content.get("fields", {}),
    )


def number_of(entity_id: str) -> int:
    """The digits of a canonical id."""
    return int(entity_id[3:])


_SORT_KEYS: dict[Order, Callable[[Entity], tuple[str, int]]] = {
    Order.NAME: lambda entity: (entity.name.casefold(), number_of(entity.id)),
    Order.CREATED_ON: lambda entity: (entity.created_on, number_of(entity.id)),
    Order.MODIFIED_ON: lambda entity: (entity.current.modified_on, number_of(entity.id)),
}
