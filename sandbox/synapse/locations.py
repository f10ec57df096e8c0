"""Storage locations: immutable settings that say where bytes live, each owned by its creator (contract 2)."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.synapse.bucket_owner import require_bucket_owner
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.location_types import LocationClass, class_named, own_fields
from sandbox.synapse.principals import ADMINISTRATOR_ID, User

if TYPE_CHECKING:
    from sandbox.synapse.world import World

DEFAULT_LOCATION_ID = 1
SYNAPSE_BUCKET = "proddata.sagebase.org"
SYNAPSE_REGION = "us-east-1"
LONGEST_LIST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """One storage location setting.

    Attributes:
        fields: the members that the class defines, already checked.
        bucket: where its objects are, if it has a bucket; Synapse's own bucket for Synapse storage.
    """

    id: int
    kind: LocationClass
    created_by: str
    created_on: str
    etag: str
    fields: Json = field(default_factory=dict)

    @property
    def upload_type(self) -> str:
        """The protocol: S3, GOOGLECLOUDSTORAGE, SFTP, HTTPS, PROXYLOCAL or NONE."""
        return str(self.fields["uploadType"])

    @property
    def bucket(self) -> str | None:
        """The bucket behind it, None for addresses and proxies."""
        if self.kind is LocationClass.SYNAPSE_S3:
            return SYNAPSE_BUCKET
        return self.fields.get("bucket")

    @property
    def base_key(self) -> str | None:
        """The prefix of every key, without slashes around it."""
        return self.fields.get("baseKey")

    @property
    def sts_enabled(self) -> bool:
        """Whether temporary credentials are given out for it."""
        return bool(self.fields.get("stsEnabled"))

    def as_json(self) -> Json:
        """The setting as its creator sees it."""
        return {
            "concreteType": str(self.kind),
            "storageLocationId": self.id,
            "etag": self.etag,
            "createdOn": self.created_on,
            "createdBy": int(self.created_by),
            **self.fields,
        }


class Locations:
    """Every storage location; id 1 is Synapse's own and belongs to the service administrator (contract 2.5)."""

    def __init__(self) -> None:
        default = Location(
            id=DEFAULT_LOCATION_ID,
            kind=LocationClass.SYNAPSE_S3,
            created_by=ADMINISTRATOR_ID,
            created_on="2014-01-01T00:00:00.000Z",
            etag="00000000-0000-4000-8000-000000000001",
            fields={"uploadType": "S3"},
        )
        self._by_id = {default.id: default}
        self._id_of: dict[tuple[str, str], int] = {}

    def get(self, location_id: int) -> Location | None:
        """The location, or None."""
        return self._by_id.get(location_id)

    def require(self, location_id: int) -> Location:
        """The location; 404 when there is none."""
        found = self.get(location_id)
        if found is None:
            raise Refused(404, f"Storage location with id {location_id} does not exist")
        return found

    def all(self) -> list[Location]:
        """Every location, oldest first."""
        return list(self._by_id.values())

    def of_creator(self, principal_id: str) -> list[Location]:
        """Everything the principal created, newest first."""
        return sorted(
            (location for location in self._by_id.values() if location.created_by == principal_id),
            key=lambda location: location.id,
            reverse=True,
        )

    def store(self, world: "World", creator: str, kind: LocationClass, fields: Json) -> Location:
        """Add the location, or answer with the creator's equal one: settings are idempotent by hash (contract 2.4)."""
        identity = (creator, _hash_of({"concreteType": str(kind), **fields}))
        if identity not in self._id_of:
            location = Location(
                id=world.ids.number("location"),
                kind=kind,
                created_by=creator,
                created_on=world.clock.stamp(),
                etag=world.ids.uuid(),
                fields={name: value for name, value in fields.items() if value is not None},
            )
            self._by_id[location.id] = location
            self._id_of[identity] = location.id
        return self._by_id[self._id_of[identity]]


def create_location(world: "World", user: User, body: Json) -> Location:
    """Check everything that the class asks for, then store; 400 with the first thing that is wrong."""
    kind = class_named(body.get("concreteType"))
    fields = own_fields(kind, body)
    if kind in {LocationClass.EXTERNAL_S3, LocationClass.GOOGLE_CLOUD}:
        require_bucket_owner(world, user, bucket=fields["bucket"], base_key=fields["baseKey"])
    if kind is LocationClass.SYNAPSE_S3 and fields["stsEnabled"]:
        # a fresh key each time, so this one class is not idempotent (contract 2.4)
        fields["baseKey"] = f"{user.id}/{world.ids.uuid()}"
    return world.locations.store(world, user.id, kind, fields)


def require_creator(user: User, location: Location) -> None:
    """403 unless the user created the location; administrators are no exception (contract 2)."""
    if location.created_by != user.id:
        raise Refused(403, f"Only the creator of storage location {location.id} may do this")


def _hash_of(setting: Json) -> str:
    return hashlib.md5(json.dumps(setting, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def _post(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    return Answer(status=201, json=create_location(world, call.user, call.body).as_json())


def _list(world: "World", call: Call) -> Answer:
    mine = world.locations.of_creator(call.user.id)[:LONGEST_LIST]
    return Answer(json={"list": [location.as_json() for location in mine]})


def _get(world: "World", call: Call) -> Answer:
    location = world.locations.require(location_id_of(call.path["id"]))
    require_creator(call.user, location)
    return Answer(json=location.as_json())


def location_id_of(text: object) -> int:
    """A storage location id as it was sent, number or digits; 400 otherwise."""
    try:
        return int(str(text))
    except ValueError as error:
        raise Refused(400, f"Not a storage location id: {text}") from error


ROUTES = (
    Route(
        base=Base.REPO,
        method="POST",
        template="/storageLocation",
        handler=_post,
        scopes=(Scope.VIEW, Scope.MODIFY),
    ),
    Route(base=Base.REPO, method="GET", template="/storageLocation", handler=_list, scopes=(Scope.VIEW,)),
    Route(base=Base.REPO, method="GET", template="/storageLocation/{id}", handler=_get, scopes=(Scope.VIEW,)),
)
