"""Which kind of file handle stands for bytes that are in their place, and what Synapse has to be told about them."""

import re
from urllib.parse import unquote, urlsplit

from storage_core.errors import UsageError
from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.transfers import (
    AddressedFile,
    ContentFacts,
    GoogleCloudObject,
    ObjectStoreObject,
    ProxiedFile,
    RegisterOrder,
    Registrable,
    S3Object,
)
from storage_core.plan.uploading import content_type_of, name_of

LONGEST_KEY = 700
_MD5 = re.compile(r"[0-9a-f]{32}")
_SCHEMES = {"s3": LocationKind.EXTERNAL_S3, "gs": LocationKind.EXTERNAL_GOOGLE_CLOUD}
_ADDRESSES = frozenset({"http", "https", "sftp", "ftp", "file"})
_HINT = "`synapse-storage location list` shows your locations."


def registrable_of(order: RegisterOrder, location: LocationFacts | None) -> Registrable:
    """What the words of the order mean at this location.

    Raises:
        UsageError: they mean nothing there, or break a rule of the service (contract 7.6, 7.7).
    """
    if location is None or location.kind in {LocationKind.EXTERNAL_SFTP, LocationKind.EXTERNAL_HTTPS}:
        return _address(order, location)
    key = _key(order.what, location)
    match location.kind:
        case LocationKind.EXTERNAL_S3:
            return S3Object(location_id=location.id, bucket=location.bucket or "", key=key)
        case LocationKind.EXTERNAL_GOOGLE_CLOUD:
            return GoogleCloudObject(location_id=location.id, bucket=location.bucket or "", key=key)
        case LocationKind.EXTERNAL_OBJECT_STORE:
            return ObjectStoreObject(location_id=location.id, key=key)
        case LocationKind.PROXY:
            return ProxiedFile(location_id=location.id, path=key)
        case _:
            raise UsageError(
                f"Nothing can be registered at storage location {location.id}, of type {location.kind}.",
                fix=f"Upload to it instead. {_HINT}",
            )


def facts_of(order: RegisterOrder, registrable: Registrable) -> ContentFacts:
    """What the handle will say.

    Raises:
        UsageError: the service needs a size or an MD5 that nobody gave, or an MD5 is none.
    """
    md5 = None if order.md5 is None else order.md5.strip().lower()
    if md5 is not None and _MD5.fullmatch(md5) is None:
        raise UsageError(f"{order.md5!r} is no MD5.", fix="Give 32 hexadecimal digits, or --local-file.")
    if md5 is None and not isinstance(registrable, AddressedFile):
        raise UsageError(
            "Synapse needs the MD5 of these bytes.", fix="Give --md5, or --local-file with a copy of them."
        )
    if order.size_bytes is None and isinstance(registrable, ObjectStoreObject | ProxiedFile):
        raise UsageError("Synapse cannot see how large this is.", fix="Give --size, or --local-file with a copy of it.")
    name = name_of(_path(order, registrable), order.name)
    return ContentFacts(
        file_name=name,
        content_type=order.content_type or content_type_of(name),
        size_bytes=order.size_bytes,
        md5=md5,
    )


def _path(order: RegisterOrder, registrable: Registrable) -> str:
    path = urlsplit(order.what).path if "://" in order.what else order.what
    # addresses, and paths behind a proxy, are written percent-encoded; keys in buckets are not
    return unquote(path) if isinstance(registrable, AddressedFile | ProxiedFile) else path


def _address(order: RegisterOrder, location: LocationFacts | None) -> AddressedFile:
    parts = urlsplit(order.what)
    if parts.scheme in _ADDRESSES and (parts.netloc or parts.scheme == "file"):
        return AddressedFile(url=order.what, location_id=None if location is None else location.id)
    if parts.scheme in _SCHEMES:
        raise UsageError("It is not said which storage location this bucket is.", fix=f"Give --location-id. {_HINT}")
    raise UsageError(f"{order.what!r} is no address.", fix=f"Give a URL; or a key, with --location-id. {_HINT}")


def _key(what: str, location: LocationFacts) -> str:
    scheme, separator, rest = what.partition("://")
    if not separator:
        key = what
    elif _SCHEMES.get(scheme) is not location.kind:
        raise UsageError(f"{what} is not at storage location {location.id}, of type {location.kind}.", fix=_HINT)
    else:
        bucket, _, key = rest.partition("/")
        if bucket != location.bucket:
            raise UsageError(
                f"{what} is not in bucket {location.bucket}, that of storage location {location.id}.", fix=_HINT
            )
    _check_key(key, location)
    return key


def _check_key(key: str, location: LocationFacts) -> None:
    if not key or key.endswith("/"):
        raise UsageError(f"{key!r} is no object.", fix="Give the whole key.")
    if location.kind in _SCHEMES.values() and len(key) > LONGEST_KEY:
        raise UsageError(f"The key has more than {LONGEST_KEY} characters.", fix="Synapse takes no longer ones.")
    # the service asks for this at STS-enabled locations only (contract 7.6)
    if location.sts_enabled and not key.startswith(location.base_key or ""):
        raise UsageError(
            f"{key} is not below {location.base_key}, the base key of storage location {location.id}.",
            fix="Give the whole key, base key included.",
        )
