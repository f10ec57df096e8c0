"""Provenance: activities, and which entity version one of them generated."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope

if TYPE_CHECKING:
    from sandbox.synapse.entities import Version
    from sandbox.synapse.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One activity. `used` is kept as it was sent."""

    id: str
    etag: str
    created_by: str
    created_on: str
    modified_on: str
    name: str | None = None
    description: str | None = None
    used: tuple[Json, ...] = ()

    def as_json(self) -> Json:
        """The activity as the service sends it."""
        return {
            "id": self.id,
            "etag": self.etag,
            "name": self.name,
            "description": self.description,
            "used": list(self.used),
            "createdBy": self.created_by,
            "createdOn": self.created_on,
            "modifiedBy": self.created_by,
            "modifiedOn": self.modified_on,
        }


class Activities:
    """Every activity by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Activity] = {}

    def put(self, activity: Activity) -> None:
        """Store, or replace the one of the same id."""
        self._by_id[activity.id] = activity

    def all(self) -> list[Activity]:
        """Every activity, oldest first."""
        return list(self._by_id.values())

    def require(self, activity_id: str) -> Activity:
        """The activity; refuses with 404."""
        activity = self._by_id.get(activity_id)
        if activity is None:
            raise Refused(404, f"Activity {activity_id} not found.")
        return activity

    def add(self, world: "World", *, created_by: str, name: str | None = None, used: tuple[Json, ...] = ()) -> Activity:
        """A new activity."""
        now = world.clock.stamp()
        activity = Activity(
            id=str(world.ids.number("other")),
            etag=world.ids.uuid(),
            created_by=created_by,
            created_on=now,
            modified_on=now,
            name=name,
            used=used,
        )
        self.put(activity)
        return activity


def attachable(world: "World", call: Call, activity_id: str) -> str:
    """The id of an activity the caller may name as generator of an entity; refuses with 404 or 403."""
    activity = world.entities.activities.require(activity_id)
    if activity.created_by != call.user.id and not call.user.is_administrator:
        raise Refused(403, "Only the owner of the activity may use it as generatedBy.")
    return activity.id


def _create(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    activity = world.entities.activities.add(
        world, created_by=call.user.id, name=call.body.get("name"), used=tuple(call.body.get("used") or ())
    )
    activity = replace(activity, description=call.body.get("description"))
    world.entities.activities.put(activity)
    return Answer(status=201, json=activity.as_json())


def _get(world: "World", call: Call) -> Answer:
    return Answer(json=world.entities.activities.require(call.path["id"]).as_json())


def _update(world: "World", call: Call) -> Answer:
    activity = world.entities.activities.require(attachable(world, call, call.path["id"]))
    if call.body.get("etag") != activity.etag:
        raise Refused(412, f"Activity {activity.id} was updated since you last fetched it.")
    activity = replace(
        activity,
        etag=world.ids.uuid(),
        modified_on=world.clock.stamp(),
        name=call.body.get("name"),
        description=call.body.get("description"),
        used=tuple(call.body.get("used") or ()),
    )
    world.entities.activities.put(activity)
    return Answer(json=activity.as_json())


def _generator(world: "World", version: "Version") -> Answer:
    if version.activity_id is None:
        raise Refused(404, "No activity")
    return Answer(json=world.entities.activities.require(version.activity_id).as_json())


def _of_entity(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "READ")
    return _generator(world, entity.current)


def _of_version(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "READ")
    return _generator(world, entity.require_version_named(call.path["version"]))


def _attach(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "UPDATE")
    entity.current.activity_id = attachable(world, call, call.query.get("generatedBy", ""))
    world.entities.touch(world, entity, call.user.id)
    return _generator(world, entity.current)


def _detach(world: "World", call: Call) -> Answer:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, "UPDATE")
    entity.current.activity_id = None
    world.entities.touch(world, entity, call.user.id)
    return Answer(status=204)


_READ = (Scope.VIEW,)
_WRITE = (Scope.VIEW, Scope.MODIFY)
ROUTES = (
    Route(base=Base.REPO, method="POST", template="/activity", handler=_create, scopes=_WRITE),
    Route(base=Base.REPO, method="GET", template="/activity/{id}", handler=_get, scopes=_READ),
    Route(base=Base.REPO, method="PUT", template="/activity/{id}", handler=_update, scopes=_WRITE),
    Route(base=Base.REPO, method="GET", template="/entity/{id}/generatedBy", handler=_of_entity, scopes=_READ),
    Route(
        base=Base.REPO,
        method="GET",
        template="/entity/{id}/version/{version}/generatedBy",
        handler=_of_version,
        scopes=_READ,
    ),
    Route(base=Base.REPO, method="PUT", template="/entity/{id}/generatedBy", handler=_attach, scopes=_WRITE),
    Route(
        base=Base.REPO, method="DELETE", template="/entity/{id}/generatedBy", handler=_detach, scopes=(Scope.MODIFY,)
    ),
)
