"""A bucket of one's own on Amazon S3 that Synapse may open."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, Form, attribute, trimmed, without_outer_slashes
from storage_core.locations.location import PREFIX, Capabilities, Location
from storage_core.locations.rules import address, bucket_name, key_prefix
from storage_core.model.credentials import StsPermission
from storage_core.model.destinations import UploadType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalS3(Location):
    """Bytes below a base key of a bucket whose owner.txt names the creator."""

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}ExternalS3StorageLocationSetting"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.S3,)
    PURPOSE: ClassVar[str] = "your own S3 bucket, opened to Synapse"
    CAPABILITIES: ClassVar[Capabilities] = Capabilities(
        sts=frozenset(StsPermission),
        needs_owner_file=True,
        has_owner_file_on_s3=True,
        is_attached_by_creator_only=True,
        holds_bytes_synapse_reads=True,
    )

    bucket: str | None = attribute(Attribute(wire="bucket", is_required=True, rules=(bucket_name,), normal=trimmed))
    base_key: str | None = attribute(Attribute(wire="baseKey", rules=(key_prefix,), normal=without_outer_slashes))
    sts_enabled: bool = attribute(Attribute(wire="stsEnabled", form=Form.FLAG))
    endpoint_url: str | None = attribute(
        Attribute(
            wire="endpointUrl",
            rules=(address("https", "http"),),
            implied="https://s3.amazonaws.com",
            normal=without_outer_slashes,
        )
    )
