"""Temporary credentials for the bucket behind an STS-enabled folder (contract 5)."""

from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.http import Answer, Base, Call, Refused, Route, Scope
from sandbox.synapse.location_types import LocationClass

if TYPE_CHECKING:
    from sandbox.objects.access import Credential
    from sandbox.synapse.locations import Location
    from sandbox.synapse.world import World

READ_ONLY = "read_only"
READ_WRITE = "read_write"
_WRITE_RIGHTS = (Right.UPDATE, Right.CREATE, Right.DELETE)


def issue(world: "World", location: "Location", *, read_only: bool) -> "Credential":
    """Credentials for the whole base key of the location, not for the entity asked about (contract 5).

    They live as long as `world.settings.sts_life` says: one hour, as the service does since 2026, 12 hours before.
    """
    return world.objects.issue_session(
        location.bucket or "",
        location.base_key or "",
        read_only=read_only,
        seconds=world.settings.sts_life.total_seconds(),
    )


def _get(world: "World", call: Call) -> Answer:
    permission = call.query.get("permission")
    if permission not in {READ_ONLY, READ_WRITE}:
        raise Refused(400, f"permission must be {READ_ONLY} or {READ_WRITE}")
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, Right.DOWNLOAD)
    if not world.access.may_download(world, call.user, entity.id):
        raise Refused(403, f"There are unmet access requirements that must be met to read content in {entity.id}")
    if permission == READ_WRITE:
        for right in _WRITE_RIGHTS:
            world.access.require(world, call.user, entity.id, right)
    location = world.settings.sts_location(world, entity.id)
    if location is None:
        raise Refused(400, f"Entity {entity.id} is not in an STS-enabled storage location")
    if permission == READ_WRITE and location.kind is LocationClass.SYNAPSE_S3:
        raise Refused(400, "STS write access is not allowed in Synapse storage")
    session = issue(world, location, read_only=permission == READ_ONLY)
    return Answer(
        json={
            "bucket": location.bucket,
            "baseKey": location.base_key,
            "accessKeyId": session.access_key,
            "secretAccessKey": session.secret_key,
            "sessionToken": session.session_token,
            "expiration": _stamp(session.expires),
        }
    )


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


ROUTES = (
    Route(
        base=Base.REPO,
        method="GET",
        template="/entity/{id}/sts",
        handler=_get,
        scopes=(Scope.VIEW, Scope.MODIFY, Scope.DOWNLOAD),
    ),
)
