"""`StorageLocation`: where bytes can live, as an object to fill in, store and look up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from storage_core.api.connection import Connection, connection_of
from storage_core.api.migrating import entity_id_of
from storage_core.errors import UsageError
from storage_core.locations import (
    TYPES,
    StorageLocationType,
    build_location,
    location_from_json,
    type_name_of,
    type_named,
)
from storage_core.locations.attributes import attributes_of
from storage_core.locations.location import Location
from storage_core.model.destinations import UploadType
from storage_core.model.ids import StorageLocationId, parse_storage_location_id
from storage_core.model.secret import Secret
from storage_core.ports.storage import OwnerFile
from storage_core.steps.declaring import Declared, Origin, declare_location, declare_with_owner_file, own_location
from storage_core.steps.setting_up import S3Wish, SetUp, set_up_s3
from storage_core.wiring.storage import owner_file_writer

if TYPE_CHECKING:
    from storage_core.api.containers import Folder, Project
    from storage_core.api.settings import UploadDestinationListSetting


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
        synapse_client: object | None = None,
    ) -> Self:
        """Create the location, or find the equal one of your own; fills this object in and returns it.

        Args:
            write_owner_file: when Synapse finds no proof that the bucket is yours, write owner.txt to it with your
                own AWS keys, and ask again.
            aws_profile: whose keys.

        Raises:
            UsageError: names each attribute that is wrong and the rule it breaks, or what Synapse refused.
        """
        connection, coming = connection_of(synapse_client), self._coming()
        writer = owner_file_writer(profile=aws_profile) if write_owner_file else None
        return self._filled(connection.run(_declare(coming, writer, connection)))

    async def store_async(
        self,
        *,
        write_owner_file: bool = False,
        aws_profile: str | None = None,
        synapse_client: object | None = None,
    ) -> Self:
        """The same as `store`, awaited."""
        connection, coming = connection_of(synapse_client), self._coming()
        writer = owner_file_writer(profile=aws_profile) if write_owner_file else None
        return self._filled(await connection.hand_over(_declare(coming, writer, connection)))

    def get(self, *, synapse_client: object | None = None) -> Self:
        """Fill in everything about the location of this `storage_location_id`; your own only.

        Raises:
            UsageError: there is no id, or no location of that id.
            AccessError: it is somebody else's.
        """
        connection = connection_of(synapse_client)
        return self.fill_from(connection.run(own_location(self._id(), connection.desk.storage)))

    async def get_async(self, *, synapse_client: object | None = None) -> Self:
        """The same as `get`, awaited."""
        connection = connection_of(synapse_client)
        return self.fill_from(await connection.hand_over(own_location(self._id(), connection.desk.storage)))

    @classmethod
    def list(cls, *, synapse_client: object | None = None) -> "tuple[Self, ...]":
        """All locations you have created, newest first, at most 100."""
        connection = connection_of(synapse_client)
        return tuple(cls().fill_from(one) for one in connection.run(connection.desk.storage.my_locations()))

    @classmethod
    async def list_async(cls, *, synapse_client: object | None = None) -> "tuple[Self, ...]":
        """The same as `list`, awaited."""
        connection = connection_of(synapse_client)
        return tuple(cls().fill_from(one) for one in await connection.hand_over(connection.desk.storage.my_locations()))

    @classmethod
    def setup_s3(  # noqa: PLR0913 - the existing client's convenience, and what it lacked
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
        synapse_client: object | None = None,
    ) -> "tuple[Folder | Project, StorageLocation, UploadDestinationListSetting]":
        """Declare an S3 location and make new uploads to a container go there. Repeating it finds what is done.

        Args:
            folder: an existing project or folder, or its id; otherwise *parent* and *folder_name*, of a folder that
                is made when it is missing.
            bucket_name: None for Synapse's own storage.
            sts_enabled: give out temporary credentials; for an empty folder only.
            write_owner_file: as for `store`.

        Returns:
            The container, the location, and the container's setting.

        Raises:
            UsageError, AccessError: a rule would be broken; checked before the location is made.
        """
        wish = S3Wish(
            container_id=None if folder is None else entity_id_of(folder),
            parent_id=None if parent is None else entity_id_of(parent),
            folder_name=folder_name,
            bucket=bucket_name,
            base_key=base_key,
            sts_enabled=sts_enabled,
            banner=banner,
            description=description,
        )
        connection = connection_of(synapse_client)
        writer = owner_file_writer(profile=aws_profile) if write_owner_file else None
        return _told(connection.run(set_up_s3(wish, connection.desk.storage, writer)), cls)

    @classmethod
    async def setup_s3_async(  # noqa: PLR0913 - its twin's signature
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
        synapse_client: object | None = None,
    ) -> "tuple[Folder | Project, StorageLocation, UploadDestinationListSetting]":
        """The same as `setup_s3`, awaited."""
        wish = S3Wish(
            container_id=None if folder is None else entity_id_of(folder),
            parent_id=None if parent is None else entity_id_of(parent),
            folder_name=folder_name,
            bucket=bucket_name,
            base_key=base_key,
            sts_enabled=sts_enabled,
            banner=banner,
            description=description,
        )
        connection = connection_of(synapse_client)
        writer = owner_file_writer(profile=aws_profile) if write_owner_file else None
        return _told(await connection.hand_over(set_up_s3(wish, connection.desk.storage, writer)), cls)

    def fill_from_dict(self, synapse_response: Mapping[str, Any]) -> Self:
        """Fill in what the service answered. Types and fields nobody taught us are kept in `more_attributes`."""
        return self.fill_from(location_from_json(json.dumps(dict(synapse_response))))

    def fill_from(self, location: Location) -> Self:
        """Fill in a record of `storage_core.locations`."""
        name = type_name_of(location)
        self.storage_type = type_named(name) if name in TYPES else name
        self.concrete_type = location.concrete_type
        self.upload_type = (
            UploadType(location.upload_type) if location.upload_type in _PROTOCOLS else location.upload_type
        )
        more: dict[str, Any] = json.loads(location.unknown_json)
        for one in attributes_of(location):
            value = getattr(location, one)
            if one in _NAMES:
                setattr(self, one, value)
            elif value is not None:
                more[one] = value
        self.more_attributes = more
        if location.stored is not None:
            self.storage_location_id = int(location.stored.id)
            self.etag, self.created_on = location.stored.etag, location.stored.created_on
            self.created_by = None if location.stored.created_by is None else int(location.stored.created_by)
        return self

    def _filled(self, declared: Declared) -> Self:
        self.fill_from(declared.location)
        self.was_found = None if declared.origin is Origin.UNKNOWN else declared.origin is Origin.FOUND
        return self

    def _id(self) -> StorageLocationId:
        if self.storage_location_id is None:
            raise UsageError("The storage location has no storage_location_id.", fix="Set it, or store the location.")
        return parse_storage_location_id(self.storage_location_id)

    def _coming(self) -> Location:
        """The location these attributes ask for; those that only the service gives are left out if it gave them."""
        if self.storage_type is None:
            raise UsageError("storage_type is required.", fix="Choose one of StorageLocationType.")
        kind = type_named(self.storage_type)
        known = attributes_of(kind.record)
        given = {name: getattr(self, name) for name in _NAMES} | self.more_attributes
        if self.storage_location_id is not None:
            given = {
                name: value for name, value in given.items() if name in known and not known[name].is_given_by_service
            }
        return build_location(kind, given, upload_type=self.upload_type)


_PROTOCOLS = frozenset(one.value for one in UploadType)
_NOT_ATTRIBUTES = {
    *("storage_location_id", "storage_type", "upload_type", "more_attributes", "concrete_type"),
    *("etag", "created_on", "created_by", "was_found"),
}
_NAMES = frozenset(one.name for one in fields(StorageLocation)) - _NOT_ATTRIBUTES


async def _declare(coming: Location, writer: OwnerFile | None, connection: Connection) -> Declared:
    if writer is None:
        return await declare_location(coming, connection.desk.storage)
    return await declare_with_owner_file(coming, connection.desk.storage, writer)


def _told(
    done: SetUp, location: type[StorageLocation]
) -> "tuple[Folder | Project, StorageLocation, UploadDestinationListSetting]":
    from storage_core.api.containers import container_of  # late: the classes know each other
    from storage_core.api.settings import setting_of

    setting = done.setting.setting
    if setting is None:
        raise TypeError("a setting that was made is there")
    return container_of(done.container), location()._filled(done.declared), setting_of(setting)  # noqa: SLF001
