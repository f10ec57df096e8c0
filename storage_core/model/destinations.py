"""Storage locations as a migration needs them: where bytes lie, and what is allowed there."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.ids import PrincipalId, StorageLocationId


class UploadType(StrEnum):
    """The protocol of a storage location."""

    S3 = "S3"
    GOOGLE_CLOUD_STORAGE = "GOOGLECLOUDSTORAGE"
    SFTP = "SFTP"
    HTTPS = "HTTPS"
    PROXYLOCAL = "PROXYLOCAL"
    NONE = "NONE"


class LocationKind(StrEnum):
    """The types of storage location, by the names users know."""

    SYNAPSE_S3 = "SYNAPSE_S3"
    EXTERNAL_S3 = "EXTERNAL_S3"
    EXTERNAL_GOOGLE_CLOUD = "EXTERNAL_GOOGLE_CLOUD"
    EXTERNAL_SFTP = "EXTERNAL_SFTP"
    EXTERNAL_HTTPS = "EXTERNAL_HTTPS"
    EXTERNAL_OBJECT_STORE = "EXTERNAL_OBJECT_STORE"
    PROXY = "PROXY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationFacts:
    """One storage location, as far as its creator or an uploader may see it.

    `created_by` is None when the facts come from an upload destination, which does not reveal the owner.

    Attributes:
        endpoint_url: of an object store.
        url: of an SFTP or HTTPS location, as its creator gave it.
    """

    id: StorageLocationId
    kind: LocationKind
    upload_type: UploadType
    bucket: str | None = None
    base_key: str | None = None
    sts_enabled: bool = False
    created_by: PrincipalId | None = None
    concrete_type: str = ""
    endpoint_url: str | None = None
    url: str | None = None
