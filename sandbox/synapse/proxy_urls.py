"""Addresses behind a file proxy, signed with the location's secret the way the service does."""

import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlsplit

from sandbox.synapse.handles import Handle
from sandbox.synapse.http import Refused

if TYPE_CHECKING:
    from sandbox.synapse.locations import Location


def sign_proxy_url(location: "Location", handle: Handle, *, now: datetime, expires_seconds: int) -> str:
    """The address at which the proxy gives out the file, for GET.

    The path is the handle's own, as it was registered; every parameter is part of what is signed, sorted by name and
    decoded, and the host is signed without its port.
    """
    if handle.file_path is None:
        raise Refused(400, "The proxy file handle has no filePath")
    base = str(location.fields["proxyUrl"]).strip().rstrip("/")
    address = f"{base}/{location.upload_type.lower()}/{handle.file_path.strip().lstrip('/')}"
    expires = int((now + timedelta(seconds=expires_seconds)).timestamp() * 1000)
    parameters = _parameters(handle) | {"expiration": str(expires)}
    parts = urlsplit(address)
    pairs = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    text = f"GET {parts.hostname} {parts.path}?{pairs}"
    signature = hmac.new(str(location.fields["secretKey"]).encode(), text.encode(), "sha1").hexdigest()
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in parameters.items())
    return f"{address}?{query}&hmacSignature={signature}"


def _parameters(handle: Handle) -> dict[str, str]:
    """What the handle says about the file, in the order of the service; what it does not say is left out."""
    said = {
        "fileName": handle.file_name,
        "contentType": handle.content_type,
        "contentMD5": handle.content_md5,
        "contentSize": None if handle.content_size is None else str(handle.content_size),
    }
    return {name: value for name, value in said.items() if value is not None}
