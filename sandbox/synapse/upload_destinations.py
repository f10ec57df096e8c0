"""Upload destinations: where an entity's next upload goes, told to anybody who may upload (contract 4)."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from sandbox.synapse.access import Right
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import DEFAULT_LOCATION_ID, Location, location_id_of

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

_PREFIX = "org.sagebionetworks.repo.model.file."


def destination_json(world: "World", user: "User", entity_id: str, location: Location) -> Json:
    """The location as an uploader sees it; its owner stays hidden. 400 for a proxy, which takes no uploads."""
    kind, own_part = _DESTINATIONS.get(location.kind, (None, None))
    if kind is None or own_part is None:
        raise Refused(400, f"Uploads to storage location {location.id} are not supported")
    return {
        "concreteType": _PREFIX + kind,
        "storageLocationId": location.id,
        "uploadType": location.upload_type,
        "banner": location.fields.get("banner"),
        **own_part(world, user, entity_id, location),
    }


def effective_locations(world: "World", entity_id: str) -> list[Location]:
    """The whole list that governs the entity; Synapse's own location when nobody set one."""
    setting = world.settings.effective(world, entity_id)
    ids = setting.location_ids if setting else (DEFAULT_LOCATION_ID,)
    return [world.locations.require(location_id) for location_id in ids]


def _synapse_s3(_world: "World", _user: "User", _entity_id: str, location: Location) -> Json:
    return {name: location.fields.get(name) for name in ("baseKey", "stsEnabled")}


def _external_s3(_world: "World", _user: "User", _entity_id: str, location: Location) -> Json:
    # endpointUrl is in the schema, but the service leaves it empty (contract 4)
    return {name: location.fields.get(name) for name in ("bucket", "baseKey", "stsEnabled")}


def _google_cloud(_world: "World", _user: "User", _entity_id: str, location: Location) -> Json:
    return {name: location.fields.get(name) for name in ("bucket", "baseKey")}


def _object_store(world: "World", _user: "User", _entity_id: str, location: Location) -> Json:
    return {
        "endpointUrl": location.fields["endpointUrl"],
        "bucket": location.fields["bucket"],
        "keyPrefixUUID": world.ids.uuid(),
    }


def _external_url(world: "World", user: "User", entity_id: str, location: Location) -> Json:
    """The address, extended by the folders on the way down when the location asks for it, and by a fresh uuid."""
    world.access.require(world, user, entity_id, Right.READ)
    address = str(location.fields["url"]).rstrip("/")
    if location.fields.get("supportsSubfolders"):
        entity = world.entities.require(entity_id)
        path = [entity, *world.entities.ancestors(entity_id)]
        containers = [one for one in path if one.kind.is_container and one.parent_id is not None]
        address += "".join(f"/{quote(one.name)}" for one in reversed(containers))
    return {"url": f"{address}/{world.ids.uuid()}"}


_OwnPart = Callable[["World", "User", str, Location], Json]
_DESTINATIONS: dict[LocationClass, tuple[str, _OwnPart]] = {
    LocationClass.SYNAPSE_S3: ("S3UploadDestination", _synapse_s3),
    LocationClass.EXTERNAL_S3: ("ExternalS3UploadDestination", _external_s3),
    LocationClass.GOOGLE_CLOUD: ("ExternalGoogleCloudUploadDestination", _google_cloud),
    LocationClass.OBJECT_STORE: ("ExternalObjectStoreUploadDestination", _object_store),
    LocationClass.EXTERNAL_URL: ("ExternalUploadDestination", _external_url),
}


def _default(world: "World", call: Call) -> Answer:
    entity_id = _entity_id(world, call)
    location = world.settings.default_location(world, entity_id)
    return Answer(json=destination_json(world, call.user, entity_id, location))


def _one(world: "World", call: Call) -> Answer:
    # any existing location is told, whether or not the entity's list has it (contract 4)
    entity_id = _entity_id(world, call)
    location = world.locations.require(location_id_of(call.path["location_id"]))
    return Answer(json=destination_json(world, call.user, entity_id, location))


def _all(world: "World", call: Call) -> Answer:
    entity_id = _entity_id(world, call)
    locations = effective_locations(world, entity_id)
    return Answer(json={"list": [destination_json(world, call.user, entity_id, one) for one in locations]})


def _summaries(world: "World", call: Call) -> Answer:
    # no order is promised here, so nobody may read the default from it: ours is by id (contract 4)
    locations = sorted(effective_locations(world, _entity_id(world, call)), key=lambda location: location.id)
    return Answer(json={"list": [_summary(location) for location in locations]})


def _summary(location: Location) -> Json:
    return {
        "storageLocationId": location.id,
        "description": location.fields.get("description"),
        "uploadType": location.upload_type,
    }


def _entity_id(world: "World", call: Call) -> str:
    call.user.require_signed_in()
    return world.entities.require(call.path["id"]).id


def _route(template: str, handler: Callable[["World", Call], Answer]) -> Route:
    return Route(base=Base.FILE, method="GET", template=template, handler=handler, scopes=(Scope.VIEW,))


ROUTES = (
    _route("/entity/{id}/uploadDestination", _default),
    _route("/entity/{id}/uploadDestination/{location_id}", _one),
    _route("/entity/{id}/uploadDestinationLocations", _summaries),
    _route("/entity/{id}/uploadDestinations", _all),
)
