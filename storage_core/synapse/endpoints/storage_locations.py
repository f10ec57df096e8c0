"""Storage locations: immutable, permanent, shown to their creator only (contract 2)."""

from storage_core.model.destinations import LocationFacts
from storage_core.model.ids import StorageLocationId
from storage_core.synapse import wire_locations
from storage_core.synapse.calls import RestCall
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_fields import Fields
from storage_core.synapse.wire_locations import StorageLocationBody


class StorageLocations:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, *, location_id: StorageLocationId) -> LocationFacts:
        """A location of the caller's own; Forbidden for any other (contract 2). Repeat-safe: it reads."""
        call = RestCall(method="GET", path=f"/storageLocation/{location_id}", repeat_safe=True)
        return wire_locations.read_location(Fields.of(await self._transport.send(call)))

    async def get_body(self, *, location_id: StorageLocationId) -> StorageLocationBody:
        """The same with every field, for a codec that knows the type. Repeat-safe: it reads."""
        call = RestCall(method="GET", path=f"/storageLocation/{location_id}", repeat_safe=True)
        return wire_locations.read_location_body(await self._transport.send(call))

    async def mine(self) -> tuple[LocationFacts, ...]:
        """The caller's own locations, newest first, at most 100 (contract 2). Repeat-safe: it reads."""
        answer = await self._transport.send(RestCall(method="GET", path="/storageLocation", repeat_safe=True))
        return tuple(wire_locations.read_location(entry) for entry in Fields.of(answer).inners("list"))

    async def my_bodies(self) -> tuple[StorageLocationBody, ...]:
        """The same with every field, for codecs that know the types. Repeat-safe: it reads."""
        answer = await self._transport.send(RestCall(method="GET", path="/storageLocation", repeat_safe=True))
        return wire_locations.read_location_bodies(answer)

    async def create(self, *, body: StorageLocationBody, gives_same_again: bool = True) -> StorageLocationBody:
        """Create a location, or get the equal one the caller has already (contract 2.4).

        Repeat-safe for that reason. Say *gives_same_again* = False for Synapse storage with STS: there every
        creation makes another one.
        """
        call = RestCall(
            method="POST",
            path="/storageLocation",
            body=wire_locations.location_request(body),
            repeat_safe=gives_same_again,
        )
        return wire_locations.read_location_body(await self._transport.send(call))
