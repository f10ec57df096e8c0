"""Writing to a table: all changes of a transaction or none, and a snapshot afterwards if asked for (contract 9.7)."""

from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.entities import Entity
from sandbox.synapse.entity_rules import text_in
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import Kind
from sandbox.synapse.table_rows import Draft
from sandbox.synapse.table_updates import PACKAGE, Target, apply_change, require_handles_allowed

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World


def transact(world: "World", user: "User", raw_id: str, body: Json) -> Json:
    """Run a TableUpdateTransactionRequest; its response. Nothing happens when any part is refused."""
    entity = writable(world, user, raw_id)
    changes, wants_snapshot = _changes_in(body), body.get("createSnapshot") is True
    options = body.get("snapshotOptions")
    # only an absent createSnapshot is refused (contract 9.7): the Python client always sends false and empty options
    if options is not None and body.get("createSnapshot") is None:
        raise Refused(400, "snapshotOptions are for requests that set createSnapshot")
    _require_sense(entity, raw_id, changes, wants_snapshot=wants_snapshot)
    if wants_snapshot:
        require_snapshot(world, entity, options or {})
    answer: Json = {"concreteType": PACKAGE + "TableUpdateTransactionResponse", "results": []}
    if changes:
        answer["results"] = _apply(Target(world=world, user=user, entity=entity, draft=_draft(world, entity)), changes)
    if wants_snapshot:
        answer["snapshotVersionNumber"] = take_snapshot(world, user, entity, options or {})
    return answer


def apply_alone(world: "World", user: "User", raw_id: str, change: Json) -> Json:
    """One change without a transaction around it, as the older calls send it; its result."""
    entity = writable(world, user, raw_id)
    return _apply(Target(world=world, user=user, entity=entity, draft=_draft(world, entity)), [change])[0]


def writable(world: "World", user: "User", raw_id: str) -> Entity:
    """The table or view, when the user may change it. Refuses 400 for a snapshot: those cannot be changed."""
    if "." in raw_id:
        raise Refused(400, "Cannot update a snapshot of a table")
    entity = world.entities.require(raw_id)
    if entity.kind not in {Kind.TABLE, Kind.ENTITY_VIEW}:
        raise Refused(400, f"{entity.id} is not a table or entity view")
    world.access.require(world, user, entity.id, Right.UPDATE)
    world.access.require_certified(user)
    return entity


def snapshot_now(world: "World", user: "User", raw_id: str, options: Json) -> Json:
    """The call that freezes a table at once; views have to go through a transaction (contract 9.8)."""
    entity = writable(world, user, raw_id)
    if entity.kind is not Kind.TABLE:
        raise Refused(400, f"{entity.id} is not a table: use a transaction with createSnapshot")
    require_snapshot(world, entity, options)
    return {"snapshotVersionNumber": take_snapshot(world, user, entity, options)}


def require_snapshot(world: "World", entity: Entity, options: Json) -> None:
    """Refuse a SnapshotRequest that cannot be carried out, before anything is written: 400, 404."""
    world.tables.require_snapshot_allowed(entity, text_in(options, "snapshotLabel"))
    text_in(options, "snapshotComment")
    if options.get("snapshotActivityId") is not None:
        world.entities.activities.require(str(options["snapshotActivityId"]))


def take_snapshot(world: "World", user: "User", entity: Entity, options: Json) -> int:
    """Freeze the table as a checked SnapshotRequest says; the number of the frozen version."""
    activity_id = options.get("snapshotActivityId")
    return world.tables.snapshot(
        world,
        entity,
        user_id=user.id,
        label=options.get("snapshotLabel"),
        comment=options.get("snapshotComment"),
        activity_id=None if activity_id is None else str(activity_id),
    )


def _require_sense(entity: Entity, raw_id: str, changes: list[Json], *, wants_snapshot: bool) -> None:
    if not changes and not wants_snapshot:
        raise Refused(400, "At least one change is required")
    if changes and wants_snapshot and entity.kind is not Kind.TABLE:
        raise Refused(400, "The snapshot of a view cannot be combined with changes")
    for change in changes:
        if change.get("entityId") not in {None, raw_id}:
            raise Refused(400, f"The entityId of each change must be {raw_id}")


def _draft(world: "World", entity: Entity) -> Draft:
    return world.tables.draft(world, entity)


def _changes_in(body: Json) -> list[Json]:
    changes = body.get("changes") or []
    if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
        raise Refused(400, "changes must be a list of objects")
    return changes


def _apply(target: Target, changes: list[Json]) -> list[Json]:
    results = [apply_change(target, change) for change in changes]
    require_handles_allowed(target)
    target.world.tables.commit(target.world, target.entity, target.draft, target.user.id)
    etag = target.draft.content.etag
    for result in results:
        if "rowReferenceSet" in result:
            result["rowReferenceSet"]["etag"] = etag
        elif "rowsProcessed" in result:
            result["etag"] = etag
    return results
