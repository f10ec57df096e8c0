"""Entity views: the current versions of entities below some containers, as rows of a table (contract 9.10).

What a view shows may lag behind: within `lag_seconds` of its last look it does not look again. Single entities can be
left out, or shown as they once were. The storage location is not among its columns, as at the service; bucket and key
are.
"""

import copy
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.columns import Column
from sandbox.synapse.entities import ROOT_ID, Entity, number_of
from sandbox.synapse.handles import Handle
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import CONTAINERS, Kind
from sandbox.synapse.table_mirror import Mirror, MirrorRow
from sandbox.synapse.table_values import cell_of

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

MOST_CONTAINERS = 35_000
_BITS = {
    Kind.FILE: 0x1,
    Kind.PROJECT: 0x2,
    Kind.TABLE: 0x4,
    Kind.FOLDER: 0x8,
    Kind.ENTITY_VIEW: 0x10,
    Kind.DOCKER_REPOSITORY: 0x20,
    Kind.SUBMISSION_VIEW: 0x40,
    Kind.DATASET: 0x80,
    Kind.DATASET_COLLECTION: 0x100,
    Kind.MATERIALIZED_VIEW: 0x200,
}


@dataclass(frozen=True, slots=True)
class Found:
    """An entity in a view's scope, where it is, and whose access list governs it."""

    entity: Entity
    path: str
    project_id: str | None
    benefactor_id: str
    handle: Handle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a view shows.

    Attributes:
        seen: the marks of the view and all in its scope when it looked; equal marks mean that nothing changed.
        benefactors: every access list that some row depends on.
    """

    mirror: Mirror
    columns: tuple[Column, ...]
    seen: list[str]
    benefactors: frozenset[str]
    etag: str
    built_at: datetime

    def readable(self, world: "World", user: "User") -> frozenset[int]:
        """The access lists whose rows the user may see."""
        may = world.access.may
        return frozenset(number_of(one) for one in self.benefactors if may(world, user, one, Right.READ))


class Views:
    """What each view showed when it last looked, and what its snapshots keep.

    Attributes:
        unshown: ids of entities that no view shows.
        held: entities as views go on showing them, by id; put there by `hold`.
    """

    def __init__(self) -> None:
        self.lag_seconds = 0.0
        self.unshown: set[str] = set()
        self.held: dict[str, Entity] = {}
        self._present: dict[str, View] = {}
        self._frozen: dict[tuple[str, int], View] = {}

    def present(self, world: "World", entity: Entity) -> View:
        """What the view shows now, which may be older than now. Refuses with 400 a scope that is too large."""
        columns = world.tables.schema_of(entity)
        known = self._present.get(entity.id)
        if known is not None and known.columns == columns and self._is_fresh(world, known):
            return known
        seen = [*_marks(world, entity), *sorted(self.unshown), *(held.etag for held in self.held.values())]
        if known is not None and known.columns == columns and known.seen == seen:
            return known
        view = self._present[entity.id] = _built(world, entity, columns, seen)
        return view

    def hold(self, world: "World", entity_ids: Collection[str]) -> None:
        """From now on show these entities as they are now, whatever becomes of them; all others as they are."""
        fresh = {one: copy.deepcopy(world.entities.require(one)) for one in entity_ids if one not in self.held}
        self.held = {one: held for one, held in {**self.held, **fresh}.items() if one in entity_ids}

    def freeze(self, world: "World", entity: Entity, number: int) -> None:
        """Keep what the view shows now as a version."""
        self._frozen[(entity.id, number)] = self.present(world, entity)

    def frozen(self, entity: Entity, number: int) -> View:
        """What a snapshot kept; refuses with 404."""
        view = self._frozen.get((entity.id, entity.require_version(number).number))
        if view is None:
            raise Refused(404, f"{entity.id}.{number} is not a snapshot")
        return view

    def _is_fresh(self, world: "World", view: View) -> bool:
        lag = timedelta(seconds=self.lag_seconds * world.clock.wait_scale)
        return world.clock.now() - view.built_at < lag


def _marks(world: "World", view: Entity) -> list[str]:
    """What changes when anything in scope does: far quicker than to look at everything anew."""
    own_acl, children_of = world.access.own_acl, world.entities.children_of
    marks = [view.etag]
    waiting: list[Entity] = []
    for found in _roots(world, view):
        marks += [found.path, found.benefactor_id, found.entity.etag]
        waiting.append(found.entity)
    while waiting:
        for child in children_of(waiting.pop().id):
            marks.append(child.etag)
            acl = own_acl(child.id)
            if acl is not None:
                marks.append(acl.etag)
            if child.kind in CONTAINERS:
                waiting.append(child)
    return marks


def _built(world: "World", entity: Entity, columns: tuple[Column, ...], seen: list[str]) -> View:
    views = world.tables.views
    mask = int(entity.current.fields.get("viewTypeMask") or 0)
    shown = [
        replace(one, entity=views.held.get(one.entity.id, one.entity))
        for one in _in_scope(world, entity)
        if _BITS.get(one.entity.kind, 0) & mask and one.entity.id not in views.unshown
    ]
    return View(
        mirror=Mirror(columns, (_row(world, one, columns) for one in shown)),
        columns=columns,
        seen=seen,
        benefactors=frozenset(one.benefactor_id for one in shown),
        etag=world.ids.uuid(),
        built_at=world.clock.now(),
    )


def _in_scope(world: "World", view: Entity) -> Iterator[Found]:
    """The scope's containers and all below them, each entity once."""
    seen: set[str] = set()
    waiting = _roots(world, view)
    containers = 0
    while waiting:
        found = waiting.pop()
        if found.entity.id in seen:
            continue
        seen.add(found.entity.id)
        yield found
        if found.entity.kind.is_container:
            containers += 1
            if containers > MOST_CONTAINERS:
                raise Refused(400, f"The view's scope exceeds the maximum number of {MOST_CONTAINERS} containers")
            waiting.extend(_child(world, found, child) for child in world.entities.children_of(found.entity.id))


def _roots(world: "World", view: Entity) -> list[Found]:
    found = [_root(world, str(raw)) for raw in view.current.fields.get("scopeIds") or ()]
    return [root for root in found if root is not None]


def _root(world: "World", raw_id: str) -> Found | None:
    entity = world.entities.get(raw_id if raw_id.startswith("syn") else f"syn{raw_id}")
    if entity is None or entity.in_trash:
        return None
    above = [ancestor for ancestor in world.entities.ancestors(entity.id) if ancestor.id != ROOT_ID]
    path = "/".join(one.name for one in [*reversed(above), entity])
    project = next((one for one in [entity, *above] if one.kind is Kind.PROJECT), None)
    return Found(entity, path, project.id if project else None, world.access.benefactor_of(world, entity.id))


def _child(world: "World", parent: Found, child: Entity) -> Found:
    benefactor_id = child.id if world.access.own_acl(child.id) is not None else parent.benefactor_id
    return Found(child, f"{parent.path}/{child.name}", parent.project_id, benefactor_id)


def _row(world: "World", found: Found, columns: tuple[Column, ...]) -> MirrorRow:
    entity = found.entity
    handle_id = entity.current.handle_id
    handle = world.handles.get(handle_id) if handle_id else None
    whole = Found(entity, found.path, found.project_id, found.benefactor_id, handle)
    return MirrorRow(
        id=number_of(entity.id),
        version=entity.current.number,
        cells={column.id: _cell(whole, column) for column in columns},
        etag=entity.etag,
        benefactor=number_of(found.benefactor_id),
    )


def _cell(found: Found, column: Column) -> str | None:
    read = _FIELDS.get(column.name)
    if read is not None:
        return read(found)
    return _annotation(found.entity.current.annotations.get(column.name), column)


def _annotation(annotation: Json | None, column: Column) -> str | None:
    """An annotation as a cell; null when it does not fit the column."""
    values = (annotation or {}).get("value")
    if not values:
        return None
    try:
        return cell_of(column, values if column.type.element else values[0])
    except Refused:
        return None


def _milliseconds(stamp: str) -> str:
    return str(round(datetime.fromisoformat(stamp).timestamp() * 1000))


def _of_handle(read: Callable[[Handle], object]) -> Callable[[Found], str | None]:
    def field(found: Found) -> str | None:
        value = read(found.handle) if found.handle is not None else None
        return None if value is None else str(value)

    return field


_FIELDS: dict[str, Callable[[Found], str | None]] = {
    "id": lambda found: found.entity.id,
    "name": lambda found: found.entity.name,
    "description": lambda found: found.entity.current.description,
    "createdOn": lambda found: _milliseconds(found.entity.created_on),
    "createdBy": lambda found: found.entity.created_by,
    "etag": lambda found: found.entity.etag,
    "modifiedOn": lambda found: _milliseconds(found.entity.current.modified_on),
    "modifiedBy": lambda found: found.entity.current.modified_by,
    "path": lambda found: found.path,
    "type": lambda found: found.entity.kind.value,
    "currentVersion": lambda found: str(found.entity.current.number),
    "parentId": lambda found: found.entity.parent_id,
    "benefactorId": lambda found: found.benefactor_id,
    "projectId": lambda found: found.project_id,
    "dataFileHandleId": _of_handle(lambda handle: handle.id),
    "dataFileName": _of_handle(lambda handle: handle.file_name),
    "dataFileSizeBytes": _of_handle(lambda handle: handle.content_size),
    "dataFileMD5Hex": _of_handle(lambda handle: handle.content_md5),
    "dataFileConcreteType": _of_handle(lambda handle: handle.kind.value),
    "dataFileBucket": _of_handle(lambda handle: handle.bucket),
    "dataFileKey": _of_handle(lambda handle: handle.key),
}
