"""Entities and their versions: the tree of projects, folders, files and tables (contract 6)."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, Unpack

from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import Kind

if TYPE_CHECKING:
    from sandbox.synapse.world import World

ROOT_ID = "syn4489"
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
        parent_id: the root's id for projects; None only for the root itself.
        last_number: the highest version number ever given; numbers are not reused.
        in_trash: trashed, itself or with an ancestor: invisible but still holding its handles.
    """

    id: str
    kind: Kind
    name: str
    parent_id: str | None
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
        if self.versions[-1].number == number:
            return self.versions[-1]
        return next((version for version in self.versions if version.number == number), None)

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


class _Children:
    """The children of one container: by id in order of creation, and by name."""

    __slots__ = ("by_id", "by_name", "sorted_ids")

    def __init__(self) -> None:
        self.by_id: dict[str, Entity] = {}
        self.by_name: dict[str, str] = {}
        self.sorted_ids: dict[tuple[object, ...], list[str]] = {}


class Entities:
    """Every entity by id and by place in the tree."""

    def __init__(self) -> None:
        self._by_id: dict[str, Entity] = {}
        self._children: dict[str, _Children] = {}
        self._holders: dict[str, tuple[str, ...]] = {}

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
        while entity is not None and entity.parent_id is not None:
            entity = self._by_id.get(entity.parent_id)
            if entity is not None:
                found.append(entity)
        return found

    def children_of(self, parent_id: str) -> list[Entity]:
        """The direct children that are not in the trash, in order of creation."""
        children = self._children.get(parent_id)
        return list(children.by_id.values()) if children else []

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
        """A new entity with version 1, nothing checked: that is the REST call's work."""
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
        self.hold(version.handle_id, entity.id)
        return entity

    def add_version(
        self, world: "World", entity: Entity, *, modified_by: str, **content: Unpack[VersionContent]
    ) -> Version:
        """A further version, which becomes the current one; the etag changes. Nothing is checked or inherited."""
        entity.last_number += 1
        version = _version_of(entity.last_number, modified_by, world.clock.stamp(), content)
        entity.versions.append(version)
        entity.etag = world.ids.uuid()
        self.hold(version.handle_id, entity.id)
        return version

    def hold(self, handle_id: str | None, entity_id: str) -> None:
        """Record that a version of the entity refers to the handle."""
        if handle_id is None:
            return
        holders = self._holders.get(handle_id, ())
        if entity_id not in holders:
            self._holders[handle_id] = (*holders, entity_id)

    def _attach(self, entity: Entity) -> None:
        parent_id = entity.parent_id or ROOT_ID
        children = self._children.get(parent_id)
        if children is None:
            children = self._children[parent_id] = _Children()
        children.by_id[entity.id] = entity
        children.by_name[entity.name] = entity.id
        children.sorted_ids.clear()


def _version_of(number: int, modified_by: str, now: str, content: VersionContent) -> Version:
    label = content.get("label") or str(number)
    rest = {key: value for key, value in content.items() if key != "label" and value is not None}
    return Version(number=number, label=label, modified_by=modified_by, modified_on=now, **rest)  # type: ignore[arg-type]
