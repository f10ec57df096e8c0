"""What a project and a folder can do about where their bytes live."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from storage_core.api.connection import Connection, connection_of
from storage_core.api.migrating import entity_id_of
from storage_core.api.settings import (
    UPLOAD,
    ProjectSetting,
    UploadDestinationListSetting,
    locations_of,
)
from storage_core.config import this_shell
from storage_core.errors import UsageError
from storage_core.model.credentials import StsPermission, StsToken, TokenFormat
from storage_core.model.ids import EntityId
from storage_core.plan.credentials import boto_arguments, credentials_text
from storage_core.steps.borrowing import ENOUGH_LIFE

if TYPE_CHECKING:
    from storage_core.aws.borrowed import Session

Locations = int | str | list[int] | list[str] | None
Life = timedelta | float | None
"""How long credentials should work at least: a timedelta, or seconds."""


class StorageLocationConfigurable:
    """Settings and temporary credentials of a container. Needs an attribute `id`."""

    id: str | None

    def set_storage_location(
        self, storage_location_id: Locations = 1, *, synapse_client: object | None = None
    ) -> UploadDestinationListSetting:
        """Make one location, or a list of up to 10, the setting of this container; the first is for new uploads.

        Replaces what was set before. Moves nothing that is stored. None stands for Synapse's own location.

        Raises:
            UsageError, AccessError: a rule would be broken; nothing was changed.
            PreconditionFailed: somebody else keeps changing the setting.
        """
        return self._setting(storage_location_id).store(synapse_client=synapse_client)

    async def set_storage_location_async(
        self, storage_location_id: Locations = 1, *, synapse_client: object | None = None
    ) -> UploadDestinationListSetting:
        """The same as `set_storage_location`, awaited."""
        return await self._setting(storage_location_id).store_async(synapse_client=synapse_client)

    def get_project_setting(
        self, setting_type: str = UPLOAD, *, synapse_client: object | None = None
    ) -> UploadDestinationListSetting | None:
        """This container's own setting; None when it has none. Nothing inherited."""
        wanted = ProjectSetting(project_id=entity_id_of(self), settings_type=setting_type)
        return wanted.get(synapse_client=synapse_client)

    async def get_project_setting_async(
        self, setting_type: str = UPLOAD, *, synapse_client: object | None = None
    ) -> UploadDestinationListSetting | None:
        """The same as `get_project_setting`, awaited."""
        wanted = ProjectSetting(project_id=entity_id_of(self), settings_type=setting_type)
        return await wanted.get_async(synapse_client=synapse_client)

    def delete_project_setting(self, setting_id: str | None = None, *, synapse_client: object | None = None) -> None:
        """Remove this container's setting, so that it inherits again. One that is gone already is fine.

        Args:
            setting_id: if given, it must be this container's.

        Raises:
            UsageError: the setting is another container's, or the rules of STS-enabled folders forbid it.
        """
        present = self.get_project_setting(synapse_client=synapse_client)
        if _is_to_be_deleted(present, setting_id, self.id):
            ProjectSetting(project_id=entity_id_of(self)).delete(synapse_client=synapse_client)

    async def delete_project_setting_async(
        self, setting_id: str | None = None, *, synapse_client: object | None = None
    ) -> None:
        """The same as `delete_project_setting`, awaited."""
        present = await self.get_project_setting_async(synapse_client=synapse_client)
        if _is_to_be_deleted(present, setting_id, self.id):
            await ProjectSetting(project_id=entity_id_of(self)).delete_async(synapse_client=synapse_client)

    def get_sts_storage_token(
        self,
        permission: str,
        *,
        output_format: str = TokenFormat.JSON,
        min_remaining_life: Life = None,
        synapse_client: object | None = None,
    ) -> dict[str, str] | str:
        """Temporary AWS credentials for the location behind this container; kept in memory as long as they live.

        Args:
            permission: read_only or read_write.
            output_format: boto gives a dict of keywords for boto3; json, shell, bash, cmd and powershell a text.
            min_remaining_life: a kept token with less is replaced by a fresh one; 10 minutes when None.

        Raises:
            UsageError: no credentials are given for it, or a word is none of those above.
        """
        asked, form = _asked(permission, output_format)
        connection = connection_of(synapse_client)
        work = _token(connection, entity_id_of(self), asked, min_remaining_life)
        return _written(connection.run(work), form)

    async def get_sts_storage_token_async(
        self,
        permission: str,
        *,
        output_format: str = TokenFormat.JSON,
        min_remaining_life: Life = None,
        synapse_client: object | None = None,
    ) -> dict[str, str] | str:
        """The same as `get_sts_storage_token`, awaited."""
        asked, form = _asked(permission, output_format)
        connection = connection_of(synapse_client)
        work = _token(connection, entity_id_of(self), asked, min_remaining_life)
        return _written(await connection.hand_over(work), form)

    def get_boto3_session(
        self, permission: str, *, region: str | None = None, synapse_client: object | None = None
    ) -> "Session":
        """A boto3 session on temporary credentials that renews them by itself, in the middle of a transfer too."""
        asked, _ = _asked(permission, TokenFormat.BOTO)
        return connection_of(synapse_client).desk.borrowing_session(entity_id_of(self), asked, region=region)

    async def get_boto3_session_async(
        self, permission: str, *, region: str | None = None, synapse_client: object | None = None
    ) -> "Session":
        """The same as `get_boto3_session`, awaited."""
        return await asyncio.to_thread(self.get_boto3_session, permission, region=region, synapse_client=synapse_client)

    def _setting(self, wanted: Locations) -> UploadDestinationListSetting:
        return UploadDestinationListSetting(project_id=entity_id_of(self), locations=list[int](locations_of(wanted)))


async def _token(connection: Connection, entity_id: EntityId, permission: StsPermission, life: Life) -> StsToken:
    at_least = ENOUGH_LIFE if life is None else life if isinstance(life, timedelta) else timedelta(seconds=life)
    return await connection.desk.tokens.token(entity_id, permission, at_least=at_least)


def _asked(permission: str, output_format: str) -> tuple[StsPermission, TokenFormat]:
    if permission not in set(StsPermission):
        raise UsageError(f"{permission!r} is no STS permission.", fix=f"Use {' or '.join(StsPermission)}.")
    if output_format not in set(TokenFormat):
        raise UsageError(f"{output_format!r} is no output_format.", fix=f"Use one of {', '.join(TokenFormat)}.")
    return StsPermission(permission), TokenFormat(output_format)


def _written(token: StsToken, form: TokenFormat) -> dict[str, str] | str:
    if form is TokenFormat.BOTO:
        return boto_arguments(token)
    return credentials_text(token, this_shell() if form is TokenFormat.SHELL else form)


def _is_to_be_deleted(
    present: UploadDestinationListSetting | None, setting_id: str | None, entity_id: str | None
) -> bool:
    if present is None:
        return False
    if setting_id is not None and str(setting_id) != present.id:
        raise UsageError(
            f"Setting {setting_id} is not that of {entity_id}, which is {present.id}.",
            fix="Leave the id out to delete the setting of this container.",
        )
    return True
