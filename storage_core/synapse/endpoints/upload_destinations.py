"""Upload destinations: where the next upload to an entity goes (contract 4). Served by the FILE base."""

from urllib.parse import quote

from storage_core.model.destinations import LocationFacts
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import UploadDestination
from storage_core.synapse import wire_locations
from storage_core.synapse.calls import Base, RestCall
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_fields import Fields


class UploadDestinations:
    """One method, one call, all repeat-safe: they read."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def default(self, *, entity_id: EntityId) -> LocationFacts:
        """The first of the effective list; Synapse's own when nothing is set."""
        return await self._location(f"{_path(entity_id)}/uploadDestination")

    async def seen_from(self, *, entity_id: EntityId, location_id: StorageLocationId) -> LocationFacts:
        """Any existing location, its owner left out. BadRequest for a proxy."""
        return await self._location(f"{_path(entity_id)}/uploadDestination/{location_id}")

    async def effective_ids(self, *, entity_id: EntityId) -> tuple[StorageLocationId, ...]:
        """Ids of the effective list, in no particular order."""
        path = f"{_path(entity_id)}/uploadDestinationLocations"
        answer = await self._transport.send(RestCall(method="GET", base=Base.FILE, path=path, repeat_safe=True))
        return wire_locations.read_location_ids(answer)

    async def for_upload(self, *, entity_id: EntityId, location_id: StorageLocationId | None) -> UploadDestination:
        """What an uploader needs: of the default location, or of the given one. BadRequest for a proxy."""
        rest = "" if location_id is None else f"/{location_id}"
        path = f"{_path(entity_id)}/uploadDestination{rest}"
        answer = await self._transport.send(RestCall(method="GET", base=Base.FILE, path=path, repeat_safe=True))
        return wire_locations.read_destination(Fields.of(answer), entity_id)

    async def _location(self, path: str) -> LocationFacts:
        answer = await self._transport.send(RestCall(method="GET", base=Base.FILE, path=path, repeat_safe=True))
        return wire_locations.read_location(Fields.of(answer))


def _path(entity_id: EntityId) -> str:
    return f"/entity/{quote(entity_id, safe='')}"
