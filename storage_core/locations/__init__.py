"""Storage locations: one file per type, and one line per type here. Pure."""

from collections.abc import Mapping
from enum import Enum

from storage_core.errors import UsageError
from storage_core.locations import building, codec
from storage_core.locations.external_google_cloud import ExternalGoogleCloud
from storage_core.locations.external_https import ExternalHttps
from storage_core.locations.external_object_store import ExternalObjectStore
from storage_core.locations.external_s3 import ExternalS3
from storage_core.locations.external_sftp import ExternalSftp
from storage_core.locations.location import Location
from storage_core.locations.proxy import Proxy
from storage_core.locations.synapse_s3 import SynapseS3


class StorageLocationType(Enum):
    """The registry: every type by the name users know, with its record."""

    SYNAPSE_S3 = SynapseS3
    EXTERNAL_S3 = ExternalS3
    EXTERNAL_GOOGLE_CLOUD = ExternalGoogleCloud
    EXTERNAL_SFTP = ExternalSftp
    EXTERNAL_HTTPS = ExternalHttps
    EXTERNAL_OBJECT_STORE = ExternalObjectStore
    PROXY = Proxy

    @property
    def record(self) -> type[Location]:
        """The class of its records."""
        record: type[Location] = self.value
        return record

    def __str__(self) -> str:
        return self.name


TYPES: codec.LocationTypes = {one.name: one.record for one in StorageLocationType}


def type_named(name: "str | StorageLocationType") -> StorageLocationType:
    """The type of that name, in capitals or not, with dashes or underscores.

    Raises:
        UsageError: there is none.
    """
    if isinstance(name, StorageLocationType):
        return name
    try:
        return StorageLocationType[name.strip().upper().replace("-", "_")]
    except KeyError:
        raise UsageError(
            f"{name!r} is no type of storage location.", fix=f"Choose one of {', '.join(TYPES)}."
        ) from None


def build_location(
    kind: StorageLocationType, wanted: Mapping[str, object], *, upload_type: str | None = None
) -> Location:
    """Make a location to create.

    Raises:
        UsageError: names every attribute that is wrong, and the rule it breaks.
    """
    return building.build(kind.name, kind.record, wanted, upload_type)


def location_from_json(text: str) -> Location:
    """Read a location of any type; fields and types nobody taught us are kept."""
    return codec.read_json(TYPES, text)


def location_to_json(location: Location) -> str:
    """Write a location for its creation."""
    return codec.write_json(location)


def type_name_of(location: Location) -> str:
    """The name users know its type by, or the service's own name for a type we do not know."""
    return codec.name_of(TYPES, location)
