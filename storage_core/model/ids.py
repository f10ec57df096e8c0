"""Identifiers, each a type of its own: two kinds of id can never be mixed up.

Synapse ids are ``syn123`` (``123`` and ``SYN123`` are accepted as input); file handle and principal ids are
strings of digits; storage location ids are numbers.
"""

import re
from typing import NewType

from storage_core.errors import UsageError

EntityId = NewType("EntityId", str)
FileHandleId = NewType("FileHandleId", str)
StorageLocationId = NewType("StorageLocationId", int)
PrincipalId = NewType("PrincipalId", str)
ColumnId = NewType("ColumnId", str)
UploadId = NewType("UploadId", str)
ActivityId = NewType("ActivityId", str)

DEFAULT_STORAGE_LOCATION = StorageLocationId(1)
"""Synapse's own storage. A handle without a location id lies there."""

_ENTITY_ID = re.compile(r"(?:syn)?([0-9]{1,18})(\.[0-9]+)?", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,18}")


def parse_entity_id(text: str) -> EntityId:
    """Turn ``syn123``, ``SYN123`` or ``123`` into ``syn123``.

    Raises:
        UsageError: *text* is no Synapse id, or that of a single version.
    """
    match = _ENTITY_ID.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a Synapse id.", fix="Give it as syn123 or 123.")
    if match[2] is not None:
        raise UsageError(
            f"{text!r} names a version; only whole entities can be named here.", fix=f"Give syn{match[1]}."
        )
    return EntityId(f"syn{match[1]}")


def parse_entity_ids(text: str) -> tuple[EntityId, ...]:
    """Turn ``syn1,2`` into ``syn1`` and ``syn2``, each once, in the order given; one id alone does as well.

    Raises:
        UsageError: a part of *text* is no Synapse id.
    """
    return tuple(dict.fromkeys(parse_entity_id(part) for part in text.split(",")))


def parse_storage_location_id(text: str | int) -> StorageLocationId:
    """Turn ``"54321"`` or ``54321`` into a storage location id.

    Raises:
        UsageError: *text* is not a positive whole number.
    """
    digits = str(text).strip()
    if _DIGITS.fullmatch(digits) is None or int(digits) == 0:
        raise UsageError(
            f"{str(text)!r} is not a storage location id.",
            fix="Give the number that `synapse-storage location list` shows.",
        )
    return StorageLocationId(int(digits))
