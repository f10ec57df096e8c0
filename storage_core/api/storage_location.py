"""`StorageLocation`: where bytes can live, as an object to fill in, store and look up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from storage_core.api.connection import Connection, connection_or_default
from storage_core.errors import UsageError
from storage_core.locations import StorageLocationType, build_location, location_from_json, type_name_of, type_named
from storage_core.locations.attributes import attributes_of
from storage_core.locations.location import Location
from storage_core.model.destinations import UploadType
from storage_core.model.ids import parse_storage_location_id
from storage_core.model.secret import Secret
from storage_core.steps.declaring import Declared, Origin, declare_location, declare_with_owner_file, own_location
from storage_core.storage_wiring import owner_file_writer

if TYPE_CHECKING:
    from storage_core.api.containers import Folder, Project
    from storage_core.api.settings import ProjectSetting


@dataclass
class StorageLocation:
    """A storage location. Which attributes a type takes is told by name when one is missing or wrong.

    Locations can be neither changed nor deleted: to "change" one, store another and attach that.

    Attributes:
        storage_type: one of `StorageLocationType`, or its name; the service's own name for a type we do not know.
        upload_type: follows from the type; given only where the type leaves a choice.
        secret_key: prints as ``***``; ``secret_key.reveal()`` gives it.
        more_attributes: those of types that have some beyond these, and what the service sends beyond both.
        was_found: after `store`: True when it was there already, False when it was made, None when nobody can tell.
    """

    storage_location_id: int | None = None
    storage_type: StorageLocationType | str | None = None
    upload_type: UploadType | str | None = None
    bucket: str | None = None
    base_key: str | None = None
    sts_enabled: bool = False
    banner: str | None = None
    description: str | None = None
    url: str | None = None
    supports_subfolders: bool = False
    endpoint_url: str | None = None
    proxy_url: str | None = None
    secret_key: Secret | str | None = None
    benefactor_id: str | None = None
    more_attributes: dict[str, Any] = field(default_factory=dict)
    concrete_type: str | None = field(default=None, compare=False)
    etag: str | None = field(default=None, compare=False)
    created_on: str | None = field(default=None, compare=False)
    created_by: int | None = field(default=None, compare=False)
    was_found: bool | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.secret_key, str):
            self.secret_key = Secret(self.secret_key)

    def store(
        self,
        *,
        write_owner_file: bool = False,
        aws_profile: str | None = None,
        synapse_client: Connection | None = None,
    ) -> Self:
        """Create the location, or find the equal one of your own; fills this object in and returns it.

        Args:
            write_owner_file: when Synapse finds no proof that the bucket is yours, write owner.txt to it with your
                own AWS keys, and ask again.
            aws_profile: whose keys.

        Raises:
            UsageError: names each attribute that is wrong and the rule it breaks, or what Synapse refused.
        """
        coming = self._coming()
        work = self._declare(coming, write_owner_file, aws_profile, connection_or_default(synapse_client))
        return self._filled(connection_or_default(synapse_client).run(work))

    async def store_async(
        self,
        *,
        write_owner_file: bool = False,
        aws_profile: str | None = None,
        synapse_client: Connection | None = None,
    ) -> Self:
        """The same as `store`, awaited."""
        coming = self._coming()
        work = self._declare(coming, write_owner_file, aws_profile, connection_or_default(synapse_client))
        return self._filled(await connection_or_default(synapse_client).hand_over(work))

    def get(self, *, synapse_client: Connection | None = None) -> Self:
        """Fill in everything about the location of this `storage_location_id`; your own only.

        Raises:
            UsageError: there is no id, or no location of that id.
            AccessError: it is somebody else's.
        """
        connection = connection_or_default(synapse_client)
        return self._fill(connection.run(own_location(self._id(), connection.desk.storage)))

    async def get_async(self, *, synapse_client: Connection | None = None) -> Self:
        """The same as `get`, awaited."""
        connection = connection_or_default(synapse_client)
        return self._fill(await connection.hand_over(own_location(self._id(), connection.desk.storage)))

    @classmethod
    def list(cls, *, synapse_client: Connection | None = None) -> "tuple[Self, ...]":
        """All locations you have created, newest first, at most 100."""
        connection = connection_or_default(synapse_client)
        return tuple(cls()._fill(one) for one in connection.run(connection.desk.storage.my_locations()))

    @classmethod
    async def list_async(cls, *, synapse_client: Connection | None = None) -> "tuple[Self, ...]":
        """The same as `list`, awaited."""
        connection = connection_or_default(synapse_client)
        return tuple(cls()._fill(one) for one in await connection.hand_over(connection.desk.storage.my_locations()))

    @classmethod
    def setup_s3(
        cls,
        *,
        folder: "Folder | Project | str | None" = None,
        parent: "Folder | Project | str | None" = None,
        folder_name: str | None = None,
        bucket_name: str | None = None,
        base_key: str | None = None,
        sts_enabled: bool = False,
        banner: str | None = None,
        description: str | None = None,
        write_owner_file: bool = False,
        aws_profile: str | None = None,
        synapse_client: Connection | None = None,
    ) -> "tuple[Folder | Project, StorageLocation, ProjectSetting]":
        """Declare an S3 location and make new uploads to a container go there, in one call that may be repeated.

        Args:
            folder: an existing project or folder, or its id; or else *parent* and *folder_name*.
            bucket_name: None for Synapse's own storage.

        Raises:
            UsageError, AccessError: a rule would be broken; checked before anything is made.
        """
        from storage_core.api.setting_up import wish_of, set_up  # late: these classes know each other

        wish = wish_of(folder, parent, folder_name, bucket_name, base_key, sts_enabled, banner, description)
        return set_up(wish, write_owner_file, aws_profile, synapse_client)
