"""People: who is signed in (contract 1.1, 11)."""

from storage_core.model.entities import UserProfile
from storage_core.synapse import wire_entities
from storage_core.synapse.calls import RestCall
from storage_core.synapse.transport import Transport


class Users:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def me(self) -> UserProfile:
        """The caller's own profile. Repeat-safe: it reads."""
        call = RestCall(method="GET", path="/userProfile", repeat_safe=True)
        return wire_entities.read_profile(await self._transport.send(call))
