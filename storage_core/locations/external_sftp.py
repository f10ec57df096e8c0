"""An SFTP server of one's own."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, Form, attribute, trimmed
from storage_core.locations.location import PREFIX, Location
from storage_core.locations.rules import address
from storage_core.model.destinations import UploadType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalSftp(Location):
    """Bytes below an address that Synapse only remembers. Shares its concrete type with HTTPS."""

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}ExternalStorageLocationSetting"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.SFTP,)
    IS_TOLD_APART_BY_UPLOAD_TYPE: ClassVar[bool] = True
    PURPOSE: ClassVar[str] = "an SFTP server"

    url: str | None = attribute(Attribute(wire="url", is_required=True, rules=(address("sftp"),), normal=trimmed))
    supports_subfolders: bool = attribute(Attribute(wire="supportsSubfolders", form=Form.FLAG))
