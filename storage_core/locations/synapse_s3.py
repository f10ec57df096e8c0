"""Synapse's own storage on Amazon S3."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, Form, attribute
from storage_core.locations.location import PREFIX, Capabilities, Location
from storage_core.model.credentials import StsPermission
from storage_core.model.destinations import UploadType


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseS3(Location):
    """Bytes in Synapse's bucket. The service chooses the base key, and only with temporary credentials enabled."""

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}S3StorageLocationSetting"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.S3,)
    PURPOSE: ClassVar[str] = "Synapse's own storage, nothing to set up"
    CAPABILITIES: ClassVar[Capabilities] = Capabilities(
        sts=frozenset({StsPermission.READ_ONLY}), holds_bytes_synapse_reads=True
    )

    base_key: str | None = attribute(Attribute(wire="baseKey", is_given_by_service=True))
    sts_enabled: bool = attribute(Attribute(wire="stsEnabled", form=Form.FLAG))

    @property
    def is_made_anew_each_time(self) -> bool:
        """With credentials enabled the service draws a fresh base key each time (contract 2.4)."""
        return self.sts_enabled
