"""From nothing to a folder or project that uploads to a bucket: location and setting in one go."""

from dataclasses import dataclass

from storage_core.errors import UsageError
from storage_core.locations import StorageLocationType, build_location
from storage_core.locations.codec import mean_the_same
from storage_core.locations.location import Location
from storage_core.model.entities import EntityHeader, RootSnapshot
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.upload_settings import SettingChange, SettingOutcome, UploadSetting
from storage_core.plan.attaching import Candidate, check_container
from storage_core.ports.storage import OwnerFile, Storage
from storage_core.steps.attaching import check_before_attaching, set_locations
from storage_core.steps.declaring import (
    Declared,
    Origin,
    declare_location,
    declare_with_owner_file,
    own_locations,
    stored_id,
)

_NOT_MADE_YET = StorageLocationId(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Wish:
    """What is to be set up: a bucket for an existing container, or for a folder that may have to be made.

    Attributes:
        container_id: an existing project or folder; exclusive with the next two.
        parent_id: where the folder named *folder_name* is, or will be.
        bucket: None for Synapse's own storage.
    """

    container_id: EntityId | None = None
    parent_id: EntityId | None = None
    folder_name: str | None = None
    bucket: str | None = None
    base_key: str | None = None
    sts_enabled: bool = False
    banner: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What now is."""

    container: EntityHeader
    declared: Declared
    setting: SettingOutcome


def location_wished(wish: S3Wish) -> Location:
    """The location behind a wish.

    Raises:
        UsageError: names every attribute that is wrong, and the rule it breaks.
    """
    kind = StorageLocationType.SYNAPSE_S3 if wish.bucket is None else StorageLocationType.EXTERNAL_S3
    if wish.bucket is None and wish.base_key:
        raise UsageError(
            "A base key without a bucket: in Synapse's own storage nobody chooses it.", fix="Give the bucket too."
        )
    wanted: dict[str, object] = {"base_key": wish.base_key, "sts_enabled": wish.sts_enabled}
    wanted |= {"banner": wish.banner, "description": wish.description}
    if wish.bucket is not None:
        wanted["bucket"] = wish.bucket
    return build_location(kind, wanted)


async def set_up_s3(wish: S3Wish, storage: Storage, owner_file: OwnerFile | None = None) -> SetUp:
    """Declare the location and attach it; every step that was done before is found, not repeated.

    The rules of the setting are checked before the location is made, because a location stays for ever.

    Args:
        owner_file: writes owner.txt where the service asks for it; None leaves that to the user.

    Raises:
        UsageError, AccessError: see `declare_location` and `set_locations`; says what was made already.
    """
    location = location_wished(wish)
    root = await _container(wish, storage)
    check_container(root.header)
    present = await storage.setting(root.header.id)
    attached = await _attached(location, present, storage)
    if attached is not None:
        unchanged = SettingOutcome(entity_id=root.header.id, change=SettingChange.UNCHANGED, setting=present)
        return SetUp(
            container=root.header, declared=Declared(location=attached, origin=Origin.FOUND), setting=unchanged
        )
    coming = Candidate(id=_NOT_MADE_YET, gives_credentials=location.gives_credentials)
    await check_before_attaching(root, present, [coming], storage)
    if owner_file is None:
        declared = await declare_location(location, storage)
    else:
        declared = await declare_with_owner_file(location, storage, owner_file)
    return SetUp(
        container=root.header,
        declared=declared,
        setting=await set_locations(root.header.id, [declared.id], storage),
    )


async def _container(wish: S3Wish, storage: Storage) -> RootSnapshot:
    if (wish.container_id is None) == (wish.folder_name is None):
        raise UsageError(
            "Either an existing project or folder is needed, or the name of a folder and what it is to be in.",
            fix="Give one of the two.",
        )
    if wish.container_id is not None:
        return await storage.root(wish.container_id)
    if wish.folder_name is None or wish.parent_id is None:
        raise UsageError("A folder's name is given, but not what it is to be in.", fix="Give the parent too.")
    return await storage.root((await storage.folder_named(wish.folder_name, wish.parent_id)).id)


async def _attached(location: Location, present: UploadSetting | None, storage: Storage) -> Location | None:
    """The location that is wished for, when it is all that the present setting holds."""
    if present is None or len(present.location_ids) != 1:
        return None
    own = await own_locations(storage) or ()
    return next(
        (one for one in own if stored_id(one) == present.location_ids[0] and mean_the_same(location, one)), None
    )
