"""Which lists of storage locations a project or folder may have (contract 3, 3.2); checked before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage_core.errors import AccessError, UsageError
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.ids import StorageLocationId
from storage_core.model.upload_settings import MOST_LOCATIONS, UploadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A storage location that is to be attached.

    Attributes:
        gives_credentials: it is STS-enabled.
        is_forbidden: only its creator may attach it, and that is somebody else.
    """

    id: StorageLocationId
    gives_credentials: bool = False
    is_forbidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is around the container, as far as the rules ask.

    Attributes:
        has_credentials_now: its own present setting is of an STS-enabled location.
        sts_above: an ancestor whose STS-enabled location governs the container; None when there is none.
        is_empty: None when nobody looked; what lies in the trash counts too, and only the service sees that.
    """

    container: EntityHeader
    has_credentials_now: bool = False
    sts_above: StorageLocationId | None = None
    is_empty: bool | None = None


def check_list(location_ids: Sequence[StorageLocationId]) -> None:
    """One to ten ids, none twice.

    Raises:
        UsageError: says which rule is broken.
    """
    if not 1 <= len(location_ids) <= MOST_LOCATIONS:
        raise UsageError(
            f"{len(location_ids)} storage locations were given; a setting holds from 1 to {MOST_LOCATIONS}.",
            fix="To go back to what is inherited, remove the setting instead."
            if not location_ids
            else f"Give at most {MOST_LOCATIONS}; the first is for new uploads.",
        )
    twice = sorted({one for one in location_ids if location_ids.count(one) > 1})
    if twice:
        raise UsageError(
            f"Storage location {', '.join(map(str, twice))} is in the list more than once.", fix="Give each once."
        )


def check_container(container: EntityHeader) -> None:
    """Settings are for projects and folders.

    Raises:
        UsageError: it is neither.
    """
    if not container.kind.is_container:
        raise UsageError(
            f"{container.id} ({container.name}) is a {container.kind.value}; only projects and folders have settings.",
            fix="Give the folder or project it is in.",
        )


def needs_emptiness(candidates: Sequence[Candidate], surroundings: Surroundings) -> bool:
    """Whether the change is allowed in an empty folder only."""
    return surroundings.has_credentials_now or any(one.gives_credentials for one in candidates)


def check_attachment(candidates: Sequence[Candidate], surroundings: Surroundings) -> None:
    """Every rule that can be known beforehand.

    Raises:
        AccessError: only the creator may attach a location, and that is somebody else.
        UsageError: says which rule is broken.
    """
    foreign = next((one for one in candidates if one.is_forbidden), None)
    if foreign is not None:
        raise AccessError(
            f"Storage location {foreign.id} is somebody else's bucket; only its creator may attach it.",
            fix="Ask its creator to, or create a location of your own for the bucket.",
        )
    _check_credentials(candidates, surroundings)
    if needs_emptiness(candidates, surroundings) and surroundings.is_empty is False:
        raise _not_empty(surroundings.container)


def check_removal(surroundings: Surroundings) -> None:
    """Whether the setting may go.

    Raises:
        UsageError: says which rule is broken.
    """
    if surroundings.has_credentials_now and surroundings.is_empty is False:
        raise _not_empty(surroundings.container)


def _check_credentials(candidates: Sequence[Candidate], surroundings: Surroundings) -> None:
    container = surroundings.container
    if surroundings.sts_above is not None:
        raise UsageError(
            f"{container.id} lies in a folder of the STS-enabled location {surroundings.sts_above}, and nothing below"
            " such a folder has a setting of its own.",
            fix="Use a folder outside of it.",
        )
    enabled = next((one for one in candidates if one.gives_credentials), None)
    if enabled is None:
        return
    if container.kind is not EntityKind.FOLDER:
        raise UsageError(
            f"Storage location {enabled.id} is STS-enabled: it can be attached to a folder, never to a project.",
            fix="Make an empty folder in the project and attach it there.",
        )
    if len(candidates) > 1:
        raise UsageError(
            f"Storage location {enabled.id} is STS-enabled: it must be the only one in the list.", fix="Give it alone."
        )


def _not_empty(container: EntityHeader) -> UsageError:
    return UsageError(
        f"{container.id} ({container.name}) is not empty; an STS-enabled location is added, changed and removed in an"
        " empty folder only, and what lies in the trash counts.",
        fix="Use a new folder.",
    )


def wanted_setting(present: UploadSetting | None, like: UploadSetting) -> UploadSetting:
    """The setting to send: the wanted list under the identity and etag of the present one."""
    if present is None:
        return like
    return UploadSetting(entity_id=present.entity_id, location_ids=like.location_ids, id=present.id, etag=present.etag)
