"""The six classes of storage location setting: which fields each has, and which values it accepts (contract 2.2)."""

import re
from collections.abc import Callable
from enum import StrEnum
from urllib.parse import urlsplit

from sandbox.synapse.http import Json, Refused

SHORTEST_PROXY_SECRET = 36

_PREFIX = "org.sagebionetworks.repo.model.project."
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_UPLOAD_TYPES = ("S3", "GOOGLECLOUDSTORAGE", "SFTP", "HTTPS", "PROXYLOCAL", "NONE")


class LocationClass(StrEnum):
    """The concrete types, as they travel."""

    SYNAPSE_S3 = _PREFIX + "S3StorageLocationSetting"
    EXTERNAL_S3 = _PREFIX + "ExternalS3StorageLocationSetting"
    GOOGLE_CLOUD = _PREFIX + "ExternalGoogleCloudStorageLocationSetting"
    OBJECT_STORE = _PREFIX + "ExternalObjectStorageLocationSetting"
    EXTERNAL_URL = _PREFIX + "ExternalStorageLocationSetting"
    PROXY = _PREFIX + "ProxyStorageLocationSettings"


def class_named(concrete_type: object) -> LocationClass:
    """The class a request asks for; 400 when there is none of that name."""
    try:
        return LocationClass(str(concrete_type))
    except ValueError as error:
        raise Refused(400, f"Unknown storage location setting: {concrete_type}") from error


def own_fields(kind: LocationClass, body: Json) -> Json:
    """The fields of *body* that belong to the class, checked and normalised; all others are ignored.

    `uploadType`, `banner` and `description` are included: every class has them.
    """
    common: Json = {
        "uploadType": _upload_type(kind, body),
        "banner": body.get("banner"),
        "description": body.get("description"),
    }
    return common | _READERS[kind](body)


def is_url(value: object) -> bool:
    """Whether the value is an address with a scheme and something to go to."""
    if not isinstance(value, str) or any(blank in value for blank in " \t\n"):
        return False
    parts = urlsplit(value)
    return bool(parts.scheme) and bool(parts.netloc or (parts.scheme == "file" and parts.path))


def _upload_type(kind: LocationClass, body: Json) -> str:
    if kind in {LocationClass.SYNAPSE_S3, LocationClass.EXTERNAL_S3}:
        return "S3"
    if kind is LocationClass.GOOGLE_CLOUD:
        return "GOOGLECLOUDSTORAGE"
    given = body.get("uploadType") or "NONE"
    if given not in _UPLOAD_TYPES:
        raise Refused(400, f"Unknown upload type: {given}")
    return str(given)


def _synapse_s3(body: Json) -> Json:
    if body.get("baseKey"):
        raise Refused(400, "A base key cannot be chosen for Synapse storage")
    return {"stsEnabled": body.get("stsEnabled")}


def _external_s3(body: Json) -> Json:
    return {
        "bucket": _bucket(body),
        "baseKey": _base_key(body),
        "stsEnabled": body.get("stsEnabled"),
        "endpointUrl": body.get("endpointUrl"),
    }


def _google_cloud(body: Json) -> Json:
    return {"bucket": _bucket(body), "baseKey": _base_key(body)}


def _object_store(body: Json) -> Json:
    endpoint = str(body.get("endpointUrl") or "").strip("/ \t")
    if not is_url(endpoint):
        raise Refused(400, "endpointUrl is required and must be a valid URL")
    return {"endpointUrl": endpoint, "bucket": _bucket(body)}


def _external_url(body: Json) -> Json:
    if not is_url(body.get("url")):
        raise Refused(400, "url is required and must be a valid URL")
    return {"url": body["url"], "supportsSubfolders": body.get("supportsSubfolders")}


def _proxy(body: Json) -> Json:
    address = body.get("proxyUrl")
    if not is_url(address) or urlsplit(str(address)).scheme != "https":
        raise Refused(400, "proxyUrl is required and must be a valid HTTPS URL")
    secret = body.get("secretKey")
    if not isinstance(secret, str) or len(secret) < SHORTEST_PROXY_SECRET:
        raise Refused(400, f"secretKey is required and must have at least {SHORTEST_PROXY_SECRET} characters")
    return {"proxyUrl": address, "secretKey": secret, "benefactorId": body.get("benefactorId")}


def _bucket(body: Json) -> str:
    name = body.get("bucket")
    if not isinstance(name, str) or not _DOMAIN_NAME.fullmatch(name):
        raise Refused(400, f"Invalid bucket name: {name}")
    return name


def _base_key(body: Json) -> str | None:
    return str(body.get("baseKey") or "").strip("/ \t") or None


_READERS: dict[LocationClass, Callable[[Json], Json]] = {
    LocationClass.SYNAPSE_S3: _synapse_s3,
    LocationClass.EXTERNAL_S3: _external_s3,
    LocationClass.GOOGLE_CLOUD: _google_cloud,
    LocationClass.OBJECT_STORE: _object_store,
    LocationClass.EXTERNAL_URL: _external_url,
    LocationClass.PROXY: _proxy,
}
