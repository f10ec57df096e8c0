"""A web server of one's own."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, Form, attribute, trimmed
from storage_core.locations.location import PREFIX, Location
from storage_core.locations.rules import address
from storage_core.model.destinations import UploadType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalHttps(Location):
    """Bytes below an address that Synapse only remembers. Shares its concrete type with SFTP."""

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}ExternalStorageLocationSetting"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.HTTPS,)
    IS_TOLD_APART_BY_UPLOAD_TYPE: ClassVar[bool] = True
    PURPOSE: ClassVar[str] = "a web server, for reading"

    url: str | None = attribute(Attribute(wire="url", is_required=True, rules=(address("https"),), normal=trimmed))
    supports_subfolders: bool = attribute(Attribute(wire="supportsSubfolders", form=Form.FLAG))
