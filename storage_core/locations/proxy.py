"""A server of one's own between Synapse's users and the bytes."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, Form, attribute, trimmed
from storage_core.locations.location import PREFIX, Capabilities, Location
from storage_core.locations.rules import address, entity_id, long_enough_secret
from storage_core.model.destinations import UploadType
from storage_core.model.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy(Location):
    """Bytes behind a proxy that checks addresses signed with the shared secret."""

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}ProxyStorageLocationSettings"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.PROXYLOCAL, UploadType.SFTP, UploadType.HTTPS)
    PURPOSE: ClassVar[str] = "your own proxy server"
    CAPABILITIES: ClassVar[Capabilities] = Capabilities(has_upload_destination=False)

    proxy_url: str | None = attribute(
        Attribute(wire="proxyUrl", is_required=True, rules=(address("https"),), normal=trimmed)
    )
    secret_key: Secret | None = attribute(  # noqa: RUF009 - it is a field, as everywhere here
        Attribute(wire="secretKey", form=Form.SECRET, is_required=True, rules=(long_enough_secret,))
    )
    benefactor_id: str | None = attribute(
        Attribute(wire="benefactorId", is_required=True, rules=(entity_id,), normal=trimmed)
    )
