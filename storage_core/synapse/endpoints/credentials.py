"""Temporary credentials for the bucket behind an STS-enabled folder (contract 5)."""

from urllib.parse import quote

from storage_core.model.credentials import StsPermission, StsToken
from storage_core.model.ids import EntityId
from storage_core.synapse import wire_credentials
from storage_core.synapse.calls import RestCall
from storage_core.synapse.transport import Transport


class Credentials:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def token(self, *, entity_id: EntityId, permission: StsPermission) -> StsToken:
        """Fresh credentials. BadRequest where none are given. Repeat-safe: a repeat only makes another pair."""
        call = RestCall(
            method="GET",
            path=f"/entity/{quote(entity_id, safe='')}/sts",
            query=(("permission", permission.value),),
            repeat_safe=True,
        )
        return wire_credentials.read_token(await self._transport.send(call))
