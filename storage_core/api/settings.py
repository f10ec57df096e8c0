"""Project settings as objects: which storage locations a project or folder uses."""

from dataclasses import dataclass, field
from typing import ClassVar, Self

from storage_core.api.connection import Connection, connection_of
from storage_core.errors import UsageError
from storage_core.model.ids import EntityId, StorageLocationId, parse_entity_id, parse_storage_location_id
from storage_core.model.upload_settings import SettingOutcome, UploadSetting
from storage_core.steps.attaching import remove_setting, set_locations

UPLOAD = "upload"


@dataclass
class ProjectSetting:
    """A setting of a project or folder. `upload` is the only kind there is.

    Attributes:
        project_id: the project or folder; the name is historical.
        locations: up to 10 storage locations; the first is for new uploads.
        etag: changes with every change of the setting.
    """

    CONCRETE_TYPE: ClassVar[str] = "org.sagebionetworks.repo.model.project.UploadDestinationListSetting"

    id: str | None = None
    project_id: str | None = None
    settings_type: str = UPLOAD
    locations: list[int] = field(default_factory=list)
    concrete_type: str = CONCRETE_TYPE
    etag: str | None = None

    def get(self, *, synapse_client: object | None = None) -> "UploadDestinationListSetting | None":
        """Read the setting of `project_id` itself; None when it has none of its own. Nothing inherited."""
        connection = connection_of(synapse_client)
        return _read(connection.run(connection.desk.storage.setting(self._entity())))

    async def get_async(self, *, synapse_client: object | None = None) -> "UploadDestinationListSetting | None":
        """The same as `get`, awaited."""
        connection = connection_of(synapse_client)
        return _read(await connection.hand_over(connection.desk.storage.setting(self._entity())))

    def store(self, *, synapse_client: object | None = None) -> Self:
        """Make `locations`, in their order, the setting of `project_id`; fills this object in and returns it.

        A change by somebody else at the same moment is read again and the setting tried once more.

        Raises:
            UsageError, AccessError, PreconditionFailed: see `steps.attaching.set_locations`.
        """
        connection = connection_of(synapse_client)
        return self._filled(connection.run(self._set(connection)))

    async def store_async(self, *, synapse_client: object | None = None) -> Self:
        """The same as `store`, awaited."""
        connection = connection_of(synapse_client)
        return self._filled(await connection.hand_over(self._set(connection)))

    def delete(self, *, synapse_client: object | None = None) -> None:
        """Remove the setting, so that the container inherits again. One that is gone already is fine."""
        connection = connection_of(synapse_client)
        connection.run(self._remove(connection))

    async def delete_async(self, *, synapse_client: object | None = None) -> None:
        """The same as `delete`, awaited."""
        connection = connection_of(synapse_client)
        await connection.hand_over(self._remove(connection))

    async def _set(self, connection: Connection) -> SettingOutcome:
        wanted = [parse_storage_location_id(one) for one in self.locations]
        outcome = await set_locations(self._entity(), wanted, connection.desk.storage)
        connection.desk.tokens.forget(outcome.entity_id)
        return outcome

    async def _remove(self, connection: Connection) -> None:
        if self.project_id is None and self.id is not None:
            await connection.desk.storage.delete_setting(self.id)
        else:
            outcome = await remove_setting(self._entity(), connection.desk.storage)
            connection.desk.tokens.forget(outcome.entity_id)

    def _entity(self) -> EntityId:
        if self.settings_type != UPLOAD:
            raise UsageError(f"There are no {self.settings_type!r} settings.", fix=f"Use {UPLOAD!r}.")
        if self.project_id is None:
            raise UsageError("The setting has no project_id.", fix="Set it to the id of a project or folder.")
        return parse_entity_id(self.project_id)

    def _filled(self, outcome: SettingOutcome) -> Self:
        if outcome.setting is not None:
            found = outcome.setting
            self.id, self.etag, self.project_id = found.id, found.etag, found.entity_id
            self.locations = list[int](found.location_ids)
        return self


@dataclass
class UploadDestinationListSetting(ProjectSetting):
    """The setting that lists upload destinations; what reading and setting give back."""


def setting_of(found: UploadSetting) -> UploadDestinationListSetting:
    """The object for a record."""
    return UploadDestinationListSetting(
        id=found.id, project_id=found.entity_id, locations=list[int](found.location_ids), etag=found.etag
    )


def locations_of(wanted: int | str | list[int] | list[str] | None) -> list[StorageLocationId]:
    """What scripts pass as storage locations: one or several; None is Synapse's own."""
    if wanted is None:
        wanted = 1
    several = wanted if isinstance(wanted, list) else [wanted]
    return [parse_storage_location_id(one) for one in several]


def _read(found: UploadSetting | None) -> UploadDestinationListSetting | None:
    return None if found is None else setting_of(found)
