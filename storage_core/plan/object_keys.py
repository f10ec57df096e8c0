"""Where a copy's object is put: keys in the service's layout, the same for the same copy. Pure."""

import hashlib
from urllib.parse import quote

from storage_core.model.engines import ObjectPlace
from storage_core.model.handles import FileHandle
from storage_core.model.ids import PrincipalId
from storage_core.plan.file_names import clean_file_name, may_be_valid_file_name

LONGEST_KEY = 700
"""What Synapse takes when an object is registered (contract 7.6)."""


def object_place(*, bucket: str, base_key: str | None, user_id: PrincipalId, migration_id: str) -> ObjectPlace:
    """Where the objects of one migration go: ``[base key/]user/migration``, so that no other migration meets them."""
    begin = f"{base_key.strip('/')}/" if base_key and base_key.strip("/") else ""
    return ObjectPlace(bucket=bucket, prefix=f"{begin}{user_id}/{migration_id}")


def object_key(place: ObjectPlace, source: FileHandle, *, source_etag: str) -> str:
    """The key of one copy: ``[base key/]user/something/name`` (contract 8.4).

    It depends on the source's content through its ETag. So what lies there, finished or in parts, was copied from
    this very content, and a later try may go on with it.

    Raises:
        ValueError: the place leaves no room for a key that Synapse takes.
    """
    content = hashlib.sha256(source_etag.encode()).hexdigest()[:12]
    folder = f"{place.prefix}-{source.id}-{content}/"
    stored = source.file_name or "unnamed"
    name = stored if may_be_valid_file_name(stored) else clean_file_name(stored)
    room = LONGEST_KEY - len(folder)
    if room < 1:
        raise ValueError(f"the base key of the destination is too long: {len(place.prefix)} characters")
    return folder + name[-room:]


def probe_key(place: ObjectPlace) -> str:
    """A key that no copy has, to try the right to write with."""
    return f"{place.prefix}-probe"


def disposition_of(source: FileHandle) -> str | None:
    """The Content-Disposition that Synapse gives an object, so that browsers save it under its name."""
    if source.file_name is None:
        return None
    plain = "".join(
        one if one.isascii() and one.isprintable() and one not in '"\\' else "_" for one in source.file_name
    )
    return f"attachment; filename=\"{plain}\"; filename*=utf-8''{quote(source.file_name, safe='')}"
