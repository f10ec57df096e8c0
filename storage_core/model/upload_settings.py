"""The project setting that says where new uploads go (contract 3)."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import EntityHeader
from storage_core.model.ids import EntityId, StorageLocationId

MOST_LOCATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSetting:
    """The list of storage locations attached to one project or folder; the first is for new uploads.

    `id` and `etag` are None for one that is still to be created.
    """

    entity_id: EntityId
    location_ids: tuple[StorageLocationId, ...]
    id: str | None = None
    etag: str | None = None


class SettingChange(StrEnum):
    """What setting, or removing, a list of locations came to."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingOutcome:
    """The setting as it is now (None: the entity has none of its own), and what was done for it."""

    entity_id: EntityId
    change: SettingChange
    setting: UploadSetting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSetting:
    """Where new uploads to an entity really go.

    Attributes:
        location_ids: the first is the default; Synapse's own location when nobody set one.
        origin: whose setting it is; None when it is nobody's, or somebody's whom we may not see.
        default: the default location as an uploader sees it; None when Synapse does not say (a proxy).
    """

    entity: EntityHeader
    location_ids: tuple[StorageLocationId, ...]
    origin: EntityHeader | None
    setting_id: str | None
    is_order_known: bool = True
    default: LocationFacts | None = None

    @property
    def is_inherited(self) -> bool:
        """Whether somebody above decides."""
        return self.origin is not None and self.origin.id != self.entity.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerListing:
    """The folders directly in a container, and how many files."""

    folders: tuple[EntityHeader, ...]
    file_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """One container of a tree with what governs it.

    Attributes:
        file_count: files directly in it; None when it could not be listed.
        trouble: why it, or its setting, could not be read.
    """

    container: EntityHeader
    parent_id: EntityId | None
    depth: int
    location_ids: tuple[StorageLocationId, ...]
    origin_id: EntityId | None
    file_count: int | None
    trouble: str | None = None
