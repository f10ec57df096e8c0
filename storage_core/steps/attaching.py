"""Project settings: attach storage locations, remove the setting, and tell where uploads really go."""

import asyncio
from collections.abc import Sequence

from storage_core.errors import AnswerLost, BadRequest, Forbidden, NotFound, PreconditionFailed, UsageError
from storage_core.locations.location import Location
from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.entities import EntityHeader, EntityKind, RootSnapshot
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION, EntityId, StorageLocationId
from storage_core.model.upload_settings import EffectiveSetting, SettingChange, SettingOutcome, UploadSetting
from storage_core.plan.attaching import (
    Candidate,
    Surroundings,
    check_attachment,
    check_container,
    check_list,
    check_removal,
    needs_emptiness,
    wanted_setting,
)
from storage_core.ports.storage import Storage
from storage_core.steps.declaring import own_locations, stored_id

_TRIES = 2
"""A change that somebody else was faster with is read again and tried once more, then reported."""


async def set_locations(
    entity_id: EntityId, location_ids: Sequence[StorageLocationId], storage: Storage
) -> SettingOutcome:
    """Make *location_ids*, in this order, the entity's own setting. Three to seven calls.

    Only new uploads go there; nothing that is stored moves.

    Raises:
        UsageError: a rule of contract 3 or 3.2 would be broken; nothing was changed.
        AccessError: a location may be attached by its creator only.
        PreconditionFailed: somebody changed the setting twice meanwhile; theirs was left as it is.
    """
    check_list(location_ids)
    root, present = await asyncio.gather(storage.root(entity_id), storage.setting(entity_id))
    check_container(root.header)
    wanted = UploadSetting(entity_id=root.header.id, location_ids=tuple(location_ids))
    if present is not None and present.location_ids == wanted.location_ids:
        return SettingOutcome(entity_id=root.header.id, change=SettingChange.UNCHANGED, setting=present)
    candidates = await _candidates(root.header.id, location_ids, storage)
    await check_before_attaching(root, present, candidates, storage)
    return await _write(wanted, present, storage)


async def make_default(entity_id: EntityId, location_id: StorageLocationId, storage: Storage) -> SettingOutcome:
    """Let new uploads to a container go to *location_id*; others that its own setting offers may still be chosen.

    Raises:
        UsageError, AccessError, PreconditionFailed: see `set_locations`.
    """
    present = await storage.setting(entity_id)
    others = () if present is None else present.location_ids[1:]
    return await set_locations(entity_id, [location_id, *(one for one in others if one != location_id)], storage)


async def check_before_attaching(
    root: RootSnapshot, present: UploadSetting | None, candidates: Sequence[Candidate], storage: Storage
) -> None:
    """Every rule that can be checked before a setting is changed. Up to three calls.

    Raises:
        UsageError, AccessError: see `plan.attaching.check_attachment`.
    """
    around = await _surroundings(root, present, storage)
    check_attachment(candidates, around)
    if needs_emptiness(candidates, around):
        check_attachment(candidates, await _with_emptiness(around, storage))


async def remove_setting(entity_id: EntityId, storage: Storage) -> SettingOutcome:
    """Remove the entity's own setting, so that it inherits again. Three to five calls.

    Raises:
        UsageError: the folder's location is STS-enabled, and the folder is not empty.
    """
    root, present = await asyncio.gather(storage.root(entity_id), storage.setting(entity_id))
    absent = SettingOutcome(entity_id=root.header.id, change=SettingChange.ABSENT, setting=None)
    if present is None or present.id is None:
        return absent
    around = await _surroundings(root, present, storage)
    if around.has_credentials_now:
        check_removal(await _with_emptiness(around, storage))
    try:
        await storage.delete_setting(present.id)
    except NotFound:
        return absent
    except AnswerLost:
        if await storage.setting(entity_id) is not None:
            raise
    return SettingOutcome(entity_id=root.header.id, change=SettingChange.DELETED, setting=None)


async def resolve_setting(entity_id: EntityId, storage: Storage) -> EffectiveSetting:
    """Which locations really apply to an entity, and whose setting says so (contract 3.1).

    Two calls, and one for each container on the way up to the setting.
    """
    root, default = await asyncio.gather(storage.root(entity_id), _default(entity_id, storage))
    for container in _way_up(root):
        try:
            setting = await storage.setting(container.id)
        except Forbidden:
            # an ancestor we may not read: the service still tells what applies, though neither order nor origin
            return await _as_uploaders_see_it(root.header, default, storage)
        if setting is not None:
            return EffectiveSetting(
                entity=root.header,
                location_ids=setting.location_ids,
                origin=container,
                setting_id=setting.id,
                default=default,
            )
    return EffectiveSetting(
        entity=root.header,
        location_ids=(DEFAULT_STORAGE_LOCATION,),
        origin=None,
        setting_id=None,
        default=default,
    )


async def _write(wanted: UploadSetting, present: UploadSetting | None, storage: Storage) -> SettingOutcome:
    """Send it; after a clash read the setting again and try once more."""
    change = SettingChange.CREATED if present is None else SettingChange.UPDATED
    for tries in range(1, _TRIES + 1):
        try:
            return SettingOutcome(
                entity_id=wanted.entity_id, change=change, setting=await _send(wanted, present, storage)
            )
        except (PreconditionFailed, AnswerLost, NotFound, BadRequest) as error:
            found = await storage.setting(wanted.entity_id)
            if found is not None and found.location_ids == wanted.location_ids:
                return SettingOutcome(entity_id=wanted.entity_id, change=change, setting=found)
            is_hopeless = found == present and isinstance(error, BadRequest | NotFound)
            if tries == _TRIES or is_hopeless:
                raise _reported(error, wanted, found) from error
            present = found
            change = SettingChange.CREATED if present is None else SettingChange.UPDATED
    raise AssertionError(wanted)  # pragma: no cover - the last try returns or raises


async def _send(wanted: UploadSetting, present: UploadSetting | None, storage: Storage) -> UploadSetting:
    body = wanted_setting(present, wanted)
    if present is None:
        return await storage.create_setting(body)
    await storage.update_setting(body)
    # the answer is empty, and the next change needs the new etag
    return await storage.setting(wanted.entity_id) or body


def _reported(
    error: PreconditionFailed | AnswerLost | NotFound | BadRequest, wanted: UploadSetting, found: UploadSetting | None
) -> Exception:
    if isinstance(error, PreconditionFailed):
        now = "none" if found is None else ", ".join(map(str, found.location_ids))
        error.fix = (
            f"Somebody else keeps changing the setting of {wanted.entity_id} (now {now}); it was left as it is."
            " Talk to them, then set it again."
        )
    if isinstance(error, BadRequest):
        return UsageError(
            f"Synapse refused the setting of {wanted.entity_id}: {error.reason}.",
            fix="For STS-enabled locations the folder must be empty, its part of the trash included.",
        )
    return error


async def _candidates(
    entity_id: EntityId, location_ids: Sequence[StorageLocationId], storage: Storage
) -> tuple[Candidate, ...]:
    own = {stored_id(one): one for one in await own_locations(storage) or ()}
    return tuple(
        await asyncio.gather(
            *(_candidate(entity_id, location_id, own.get(location_id), storage) for location_id in location_ids)
        )
    )


async def _candidate(
    entity_id: EntityId, location_id: StorageLocationId, own: Location | None, storage: Storage
) -> Candidate:
    if own is not None:
        return Candidate(id=location_id, gives_credentials=own.gives_credentials)
    if location_id == DEFAULT_STORAGE_LOCATION:
        return Candidate(id=location_id)
    try:
        facts = await storage.location_seen_from(entity_id, location_id)
    except NotFound as error:
        raise _missing(location_id) from error
    except BadRequest:
        # a proxy, which the service does not describe to uploaders; or nothing (contract 4)
        return await _candidate_behind_a_refusal(location_id, storage)
    if facts.kind is not LocationKind.EXTERNAL_S3:
        return Candidate(id=location_id, gives_credentials=facts.sts_enabled)
    return Candidate(
        id=location_id, gives_credentials=facts.sts_enabled, is_forbidden=not await _is_own(location_id, storage)
    )


async def _candidate_behind_a_refusal(location_id: StorageLocationId, storage: Storage) -> Candidate:
    try:
        return Candidate(id=location_id, gives_credentials=(await storage.location(location_id)).gives_credentials)
    except Forbidden:
        return Candidate(id=location_id)
    except NotFound as error:
        raise _missing(location_id) from error


async def _is_own(location_id: StorageLocationId, storage: Storage) -> bool:
    """The list of one's own ends after 100: an older one has to be asked for."""
    try:
        await storage.location(location_id)
    except Forbidden:
        return False
    return True


def _missing(location_id: StorageLocationId) -> UsageError:
    return UsageError(
        f"There is no storage location {location_id}.", fix="`synapse-storage location list` shows yours."
    )


async def _surroundings(root: RootSnapshot, present: UploadSetting | None, storage: Storage) -> Surroundings:
    container = root.header
    now = await _default(container.id, storage) if present is not None else None
    above = None
    if present is None and container.kind is EntityKind.FOLDER and root.parent_id is not None:
        # with a setting of its own it cannot lie below an STS folder
        above = await _default(root.parent_id, storage)
    return Surroundings(
        container=container,
        has_credentials_now=now is not None and now.sts_enabled,
        sts_above=above.id if above is not None and above.sts_enabled else None,
    )


async def _with_emptiness(around: Surroundings, storage: Storage) -> Surroundings:
    listing = await storage.container(around.container.id)
    return Surroundings(
        container=around.container,
        has_credentials_now=around.has_credentials_now,
        sts_above=around.sts_above,
        is_empty=not listing.folders and listing.file_count == 0,
    )


async def _default(entity_id: EntityId, storage: Storage) -> LocationFacts | None:
    try:
        return await storage.default_destination(entity_id)
    except BadRequest:
        return None  # a proxy: the service does not describe it (contract 4)


def _way_up(root: RootSnapshot) -> tuple[EntityHeader, ...]:
    """The entity if it is a container, then its ancestors, nearest first, up to its project."""
    ancestors = [step for step in reversed(root.path) if step.id != root.header.id]
    way: list[EntityHeader] = []
    for step in [root.header, *ancestors]:
        if step.kind.is_container:
            way.append(step)
        if step.kind is EntityKind.PROJECT:
            break
    return tuple(way)


async def _as_uploaders_see_it(
    entity: EntityHeader, default: LocationFacts | None, storage: Storage
) -> EffectiveSetting:
    ids = list(await storage.effective_ids(entity.id))
    if default is not None:
        ids = [default.id, *(one for one in ids if one != default.id)]
    return EffectiveSetting(
        entity=entity,
        location_ids=tuple(ids),
        origin=None,
        setting_id=None,
        is_order_known=False,
        default=default,
    )
