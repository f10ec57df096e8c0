"""A bucket of one's own on Google Cloud Storage that Synapse may open."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, attribute, trimmed, without_outer_slashes
from storage_core.locations.location import PREFIX, Capabilities, Location
from storage_core.locations.rules import bucket_name, key_prefix
from storage_core.model.destinations import UploadType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalGoogleCloud(Location):
    """Bytes below a base key of a bucket whose owner.txt names the creator."""

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}ExternalGoogleCloudStorageLocationSetting"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.GOOGLE_CLOUD_STORAGE,)
    PURPOSE: ClassVar[str] = "your own Google Cloud bucket, opened to Synapse"
    CAPABILITIES: ClassVar[Capabilities] = Capabilities(needs_owner_file=True, holds_bytes_synapse_reads=True)

    bucket: str | None = attribute(Attribute(wire="bucket", is_required=True, rules=(bucket_name,), normal=trimmed))
    base_key: str | None = attribute(Attribute(wire="baseKey", rules=(key_prefix,), normal=without_outer_slashes))
