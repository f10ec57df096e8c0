"""Storage locations: declare one, and say whether it was there already."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage_core.errors import AccessError, AnswerLost, BadRequest, Forbidden, NotFound, UsageError
from storage_core.locations.codec import mean_the_same
from storage_core.locations.location import Location
from storage_core.locations.rules import OWNER_FILE
from storage_core.model.ids import StorageLocationId
from storage_core.ports.storage import Locations, OwnerFile, Storage

_LONGEST_LIST = 100
_OR_WE_WRITE_IT = "; `--write-owner-file` writes it with your own AWS keys"


class Origin(StrEnum):
    """Where a location that was asked for came from."""

    MADE = "made"
    FOUND = "found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A location that now exists.

    Attributes:
        origin: UNKNOWN only where the service would not list one's own locations before.
        owner_file: the key of the owner.txt that was written for it; None when none was.
    """

    location: Location
    origin: Origin
    owner_file: str | None = None

    @property
    def id(self) -> StorageLocationId:
        """Its number."""
        return stored_id(self.location)


def stored_id(location: Location) -> StorageLocationId:
    """The number of a location that exists."""
    if location.stored is None:
        raise TypeError("this storage location does not exist yet")
    return location.stored.id


async def declare_location(location: Location, storage: Locations) -> Declared:
    """Create *location*, or find the caller's own that means the same. Two calls; one when it is found at once.

    A location is permanent, so the caller's list is looked through first: another client may have spelled out what
    is implied, and the service would make a second one of that (contract 2.4).

    Raises:
        UsageError: the service refused it; what it said, and what to do, is in the message.
    """
    before = await own_locations(storage)
    if before is not None and not location.is_made_anew_each_time:
        same = next((one for one in before if mean_the_same(location, one)), None)
        if same is not None:
            return Declared(location=same, origin=Origin.FOUND)
    try:
        made = await storage.create_location(location)
    except AnswerLost:
        made = await _lost_and_found(location, storage, before)
    except BadRequest as error:
        raise _refused(location, error) from error
    return Declared(location=made, origin=_origin(made, before))


async def declare_with_owner_file(location: Location, storage: Storage, owner_file: OwnerFile) -> Declared:
    """The same, but when the service finds no proof that the bucket is the caller's, write it and ask again.

    The service's answer comes first: where the proof is there, nothing is written.

    Raises:
        UsageError: refused although the bucket now names the caller.
        AccessError: the caller's keys may not write into the bucket.
    """
    try:
        return await declare_location(location, storage)
    except UsageError:
        if not location.CAPABILITIES.has_owner_file_on_s3:
            raise
    who = await storage.me()
    key = await asyncio.to_thread(
        owner_file.name,
        bucket=str(getattr(location, "bucket", "")),
        base_key=getattr(location, "base_key", None),
        owners=(who.id, *([who.user_name] if who.user_name else [])),
    )
    declared = await declare_location(location, storage)
    return Declared(location=declared.location, origin=declared.origin, owner_file=key)


async def own_locations(storage: Locations) -> tuple[Location, ...] | None:
    """The caller's own, at most the 100 newest; None when the service does not list them. One call."""
    try:
        return await storage.my_locations()
    except NotFound:
        return None  # the service marks the call as deprecated (contract 2); without it we only know less


async def own_location(location_id: StorageLocationId, storage: Locations) -> Location:
    """One of the caller's own locations. One call.

    Raises:
        AccessError: it is somebody else's; only its creator may see it (contract 2).
        UsageError: there is none of that number.
    """
    try:
        return await storage.location(location_id)
    except Forbidden as error:
        raise AccessError(
            f"Storage location {location_id} belongs to somebody else, and only its creator may look at it.",
            fix="`synapse-storage setting resolve ENTITY` shows what an uploader to ENTITY may know of it.",
        ) from error
    except NotFound as error:
        raise UsageError(
            f"There is no storage location {location_id}.", fix="`synapse-storage location list` shows yours."
        ) from error


def _origin(made: Location, before: Sequence[Location] | None) -> Origin:
    if before is None:
        return Origin.UNKNOWN
    if stored_id(made) in {stored_id(one) for one in before}:
        return Origin.FOUND
    if len(before) < _LONGEST_LIST:
        return Origin.MADE
    # the list was cut: what is younger than its first entry was made by us just now
    newest = max(one.stored.created_on or "" for one in before if one.stored)
    assert made.stored is not None  # noqa: S101 - `stored_id` above has seen it
    return Origin.MADE if (made.stored.created_on or "") > newest else Origin.FOUND


async def _lost_and_found(location: Location, storage: Locations, before: Sequence[Location] | None) -> Location:
    """Whether a creation whose answer was lost happened; only for what is made anew each time."""
    known = {stored_id(one) for one in before or ()}
    after = await own_locations(storage)
    fresh = [one for one in after or () if stored_id(one) not in known and mean_the_same(location, one)]
    if before is not None and len(fresh) == 1:
        return fresh[0]
    return await storage.create_location(location)


def _refused(location: Location, error: BadRequest) -> UsageError:
    if not location.CAPABILITIES.needs_owner_file:
        return UsageError(f"Synapse refused the storage location: {error.reason}.", fix="Correct it and try again.")
    base_key = getattr(location, "base_key", None)
    key = f"{base_key}/{OWNER_FILE}" if base_key else OWNER_FILE
    return UsageError(
        f"Synapse refused the storage location: {error.reason}.",
        fix=f"The bucket must let Synapse read it, and its object {key} must be a text with your user name or id, or "
        f"the id of a team of yours{_OR_WE_WRITE_IT if location.CAPABILITIES.has_owner_file_on_s3 else ''}.",
    )
