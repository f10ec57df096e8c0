"""Project settings: which storage locations a project or folder uses, inherited downwards (contract 3)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.kinds import Kind
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import DEFAULT_LOCATION_ID, Location, location_id_of, require_creator

if TYPE_CHECKING:
    from sandbox.synapse.entities import Entity
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

UPLOAD_LIST = "org.sagebionetworks.repo.model.project.UploadDestinationListSetting"
UPLOAD = "upload"
MOST_LOCATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The setting of one container; the first location is its default destination."""

    id: str
    entity_id: str
    etag: str
    location_ids: tuple[int, ...]

    def as_json(self) -> Json:
        """The setting as it travels."""
        return {
            "concreteType": UPLOAD_LIST,
            "id": self.id,
            "projectId": self.entity_id,
            "settingsType": UPLOAD,
            "etag": self.etag,
            "locations": list(self.location_ids),
        }


class ProjectSettings:
    """At most one setting for each project or folder.

    Attributes:
        sts_life: how long temporary credentials live: one hour since 2026, 12 hours before (contract 5).
    """

    def __init__(self) -> None:
        self.sts_life = timedelta(hours=1)
        self._by_entity: dict[str, Setting] = {}

    def of(self, entity_id: str) -> Setting | None:
        """The container's own setting, nothing inherited. The id must be canonical."""
        return self._by_entity.get(entity_id)

    def require(self, setting_id: str) -> Setting:
        """The setting of that id; 404 when there is none."""
        for setting in self._by_entity.values():
            if setting.id == setting_id:
                return setting
        raise Refused(404, f"Project setting {setting_id} does not exist")

    def effective(self, world: "World", entity_id: str) -> Setting | None:
        """The entity's own setting or the nearest ancestor's, whole and never merged (contract 3.1)."""
        own = self.of(entity_id)
        if own is not None:
            return own
        above = (self.of(ancestor.id) for ancestor in world.entities.ancestors(entity_id))
        return next((setting for setting in above if setting is not None), None)

    def default_location(self, world: "World", entity_id: str) -> Location:
        """Where the entity's next upload goes; Synapse's own location when nobody set one."""
        setting = self.effective(world, entity_id)
        return world.locations.require(setting.location_ids[0] if setting else DEFAULT_LOCATION_ID)

    def sts_location(self, world: "World", entity_id: str) -> Location | None:
        """The location whose temporary credentials govern the entity, if it is in an STS folder (contract 3.2)."""
        location = self.default_location(world, entity_id)
        return location if location.sts_enabled else None

    def put(self, world: "World", entity_id: str, location_ids: tuple[int, ...]) -> Setting:
        """Set, or replace under the same id with a fresh etag. Nothing is checked."""
        old = self.of(entity_id)
        setting = Setting(
            id=old.id if old else str(world.ids.number("setting")),
            entity_id=entity_id,
            etag=world.ids.uuid(),
            location_ids=location_ids,
        )
        self._by_entity[entity_id] = setting
        return setting

    def remove(self, entity_id: str) -> None:
        """Back to inheritance."""
        self._by_entity.pop(entity_id, None)


def require_file_allowed(world: "World", container_id: str, location_id: int | None) -> None:
    """400 when a file with a handle in that location may not be in that container (contract 3.2).

    Inside an STS folder every handle has exactly the folder's location; outside no handle has an STS one.
    """
    governing = world.settings.sts_location(world, container_id)
    if governing is not None:
        if location_id != governing.id:
            raise Refused(400, "Files in STS-enabled folders must be placed in the corresponding storage location")
        return
    own = world.locations.get(location_id or DEFAULT_LOCATION_ID)
    if own is not None and own.sts_enabled:
        raise Refused(400, "Files in STS-enabled storage locations can only be placed in STS-enabled folders")


def _post(world: "World", call: Call) -> Answer:
    _require_class(call.body)
    entity = _container(world, call.body)
    world.access.require(world, call.user, entity.id, Right.CREATE)
    if world.settings.of(entity.id) is not None:
        raise Refused(400, f"A project setting of type {UPLOAD} already exists for {entity.id}")
    location_ids = _checked_locations(world, call.user, entity, call.body)
    return Answer(status=201, json=world.settings.put(world, entity.id, location_ids).as_json())


def _put(world: "World", call: Call) -> Answer:
    _require_class(call.body)
    old = world.settings.require(str(call.body.get("id")))
    world.access.require(world, call.user, old.entity_id, Right.UPDATE)
    entity = _container(world, call.body)
    if entity.id != old.entity_id:
        raise Refused(400, "The project of a project setting cannot be changed")
    if call.body.get("settingsType") not in {None, UPLOAD}:
        raise Refused(400, "The type of a project setting cannot be changed")
    location_ids = _checked_locations(world, call.user, entity, call.body)
    if call.body.get("etag") != old.etag:
        raise Refused(412, f"Project setting {old.id} was updated since you last fetched it, retrieve it again")
    world.settings.put(world, entity.id, location_ids)
    return Answer()


def _delete(world: "World", call: Call) -> Answer:
    setting = world.settings.require(call.path["id"])
    world.access.require(world, call.user, setting.entity_id, Right.DELETE)
    if _includes_sts(world, setting):
        _require_empty(world, setting.entity_id)
    world.settings.remove(setting.entity_id)
    return Answer(status=204)


def _get(world: "World", call: Call) -> Answer:
    setting = world.settings.require(call.path["id"])
    world.access.require(world, call.user, setting.entity_id, Right.READ)
    return Answer(json=setting.as_json())


def _get_of_entity(world: "World", call: Call) -> Answer:
    if call.path["type"] != UPLOAD:
        raise Refused(400, f"Unknown project setting type: {call.path['type']}")
    entity = world.entities.require(call.path["entity_id"])
    world.access.require(world, call.user, entity.id, Right.READ)
    setting = world.settings.of(entity.id)
    return Answer(json=setting.as_json() if setting else None)


def _require_class(body: Json) -> None:
    if body.get("concreteType") != UPLOAD_LIST:
        raise Refused(400, f"Unknown project setting: {body.get('concreteType')}")


def _container(world: "World", body: Json) -> "Entity":
    """The project or folder that the body names, 400 for any other kind of entity."""
    if not body.get("projectId"):
        raise Refused(400, "projectId is required")
    entity = world.entities.require(str(body["projectId"]))
    if not entity.kind.is_container:
        raise Refused(400, "Project settings are for projects and folders only")
    return entity


def _checked_locations(world: "World", user: "User", entity: "Entity", body: Json) -> tuple[int, ...]:
    """The ids of the body after every check of contract 3 and 3.2."""
    given = body.get("locations")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_LOCATIONS:
        raise Refused(400, f"locations must have between 1 and {MOST_LOCATIONS} entries")
    locations = [_known_location(world, entry) for entry in given]
    for location in locations:
        if location.kind is LocationClass.EXTERNAL_S3:
            require_creator(user, location)
    _require_sts_rules(world, entity, locations)
    return tuple(location.id for location in locations)


def _known_location(world: "World", given: object) -> Location:
    location = world.locations.get(location_id_of(given))
    if location is None:
        raise Refused(400, f"Storage location {given} does not exist")
    return location


def _require_sts_rules(world: "World", entity: "Entity", locations: list[Location]) -> None:
    if any(world.settings.sts_location(world, ancestor.id) for ancestor in world.entities.ancestors(entity.id)):
        raise Refused(400, "Can't override project settings in an STS-enabled folder path")
    old = world.settings.of(entity.id)
    adds = any(location.sts_enabled for location in locations)
    if adds:
        if entity.kind is not Kind.FOLDER:
            raise Refused(400, "Can't enable STS in a project")
        if len(locations) > 1:
            raise Refused(400, "An STS-enabled folder cannot add other upload destinations")
    if adds or (old is not None and _includes_sts(world, old)):
        _require_empty(world, entity.id)


def _includes_sts(world: "World", setting: Setting) -> bool:
    return any(world.locations.require(location_id).sts_enabled for location_id in setting.location_ids)


def _require_empty(world: "World", entity_id: str) -> None:
    """400 when the folder has children; those in the trash count too (contract 3.2)."""
    if any(entity.parent_id == entity_id for entity in world.entities.all()):
        raise Refused(400, "Can't enable, change or disable STS in a non-empty folder")


_WRITE = (Scope.VIEW, Scope.MODIFY)

ROUTES = (
    Route(base=Base.REPO, method="POST", template="/projectSettings", handler=_post, scopes=_WRITE),
    Route(base=Base.REPO, method="PUT", template="/projectSettings", handler=_put, scopes=_WRITE),
    Route(base=Base.REPO, method="GET", template="/projectSettings/{id}", handler=_get, scopes=(Scope.VIEW,)),
    Route(base=Base.REPO, method="DELETE", template="/projectSettings/{id}", handler=_delete, scopes=(Scope.MODIFY,)),
    Route(
        base=Base.REPO,
        method="GET",
        template="/projectSettings/{entity_id}/type/{type}",
        handler=_get_of_entity,
        scopes=(Scope.VIEW,),
    ),
)
