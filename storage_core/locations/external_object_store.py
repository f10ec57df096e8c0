"""An S3-compatible store that Synapse never touches."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, attribute, trimmed, without_outer_slashes
from storage_core.locations.location import PREFIX, Location
from storage_core.locations.rules import address, bucket_name
from storage_core.model.destinations import UploadType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalObjectStore(Location):
    """Bytes in a bucket at some endpoint; uploaders and downloaders use keys of their own.

    The endpoint has no default: a forgotten one must not turn into Amazon.
    """

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}ExternalObjectStorageLocationSetting"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.S3,)
    PURPOSE: ClassVar[str] = "an S3-compatible store, or a bucket Synapse must not open"

    bucket: str | None = attribute(Attribute(wire="bucket", is_required=True, rules=(bucket_name,), normal=trimmed))
    endpoint_url: str | None = attribute(
        Attribute(wire="endpointUrl", is_required=True, rules=(address("https", "http"),), normal=without_outer_slashes)
    )
