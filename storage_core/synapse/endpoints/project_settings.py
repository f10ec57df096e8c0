"""Project settings: which storage locations a project or folder uses (contract 3)."""

from urllib.parse import quote

from storage_core.model.ids import EntityId
from storage_core.model.upload_settings import UploadSetting
from storage_core.synapse import wire_locations
from storage_core.synapse.calls import RestCall, Shape
from storage_core.synapse.transport import Transport

_PATH = "/projectSettings"


class ProjectSettings:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, *, entity_id: EntityId) -> UploadSetting | None:
        """The setting on that very entity, nothing inherited; None when there is none. Repeat-safe: it reads."""
        path = f"{_PATH}/{quote(entity_id, safe='')}/type/upload"
        call = RestCall(method="GET", path=path, repeat_safe=True, shape=Shape.OBJECT_OR_NOTHING)
        return wire_locations.read_setting(await self._transport.send(call))

    async def create(self, *, setting: UploadSetting) -> UploadSetting:
        """Attach locations for the first time. Not repeat-safe: a second one is refused; read to see."""
        body = wire_locations.setting_request(setting)
        answer = await self._transport.send(RestCall(method="POST", path=_PATH, body=body, repeat_safe=False))
        return wire_locations.read_setting(answer) or setting

    async def update(self, *, setting: UploadSetting) -> None:
        """Replace the list. PreconditionFailed when the etag is old.

        Not repeat-safe: a repeat of one that worked meets the new etag; read to see.
        """
        body = wire_locations.setting_request(setting)
        call = RestCall(method="PUT", path=_PATH, body=body, repeat_safe=False, shape=Shape.OBJECT_OR_NOTHING)
        await self._transport.send(call)

    async def delete(self, *, setting_id: str) -> None:
        """Remove a setting. Not repeat-safe: a repeat of one that worked is NotFound; read to see."""
        path = f"{_PATH}/{quote(setting_id, safe='')}"
        await self._transport.send(
            RestCall(method="DELETE", path=path, repeat_safe=False, shape=Shape.OBJECT_OR_NOTHING)
        )
