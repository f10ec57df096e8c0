"""Changes of a place from its old handle to a proven new one, and what can come of them."""

from dataclasses import dataclass

from storage_core.model.entities import EntityBody
from storage_core.model.ids import ActivityId, FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, NewVersion, TableCell


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapVersionHandle:
    """Change one version's handle in place, if it still is `expect`."""

    item_id: int
    place: FileVersion
    expect: FileHandleId
    new: FileHandleId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntity:
    """What indexing kept of an entity so that a version can be added without reading it again."""

    etag: str
    body: EntityBody
    activity_id: ActivityId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddVersion:
    """Add a version with the new handle, if the entity still has the `etag` it had when indexed."""

    item_id: int
    place: NewVersion
    expect: FileHandleId
    new: FileHandleId
    etag: str
    body: EntityBody
    activity_id: ActivityId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapCellHandle:
    """Change one cell, if it still holds `expect` (read just before: the service has no guard)."""

    item_id: int
    place: TableCell
    expect: FileHandleId
    new: FileHandleId


Repoint = SwapVersionHandle | AddVersion | SwapCellHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class Repointed:
    """The place refers to the new handle. `found_done` when an earlier, interrupted try had done it."""

    item_id: int
    new_version: int | None = None
    found_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """Somebody changed the place after indexing; it was left as it is."""

    item_id: int
    reason: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepointFailed:
    """Synapse did not make the change."""

    item_id: int
    reason: ReasonCode
    detail: str


RepointOutcome = Repointed | Drifted | RepointFailed
