"""Entities as a migration sees them."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.handles import FileHandle
from storage_core.model.ids import ActivityId, EntityId, FileHandleId, PrincipalId


class EntityKind(StrEnum):
    """The kinds of entity a walk meets; values are Synapse's own ``EntityType`` words."""

    PROJECT = "project"
    FOLDER = "folder"
    FILE = "file"
    RECORD_SET = "recordset"
    TABLE = "table"
    ENTITY_VIEW = "entityview"
    SUBMISSION_VIEW = "submissionview"
    DATASET = "dataset"
    DATASET_COLLECTION = "datasetcollection"
    MATERIALIZED_VIEW = "materializedview"
    VIRTUAL_TABLE = "virtualtable"
    LINK = "link"
    DOCKER_REPOSITORY = "dockerrepo"
    UNKNOWN = "unknown"

    @property
    def is_container(self) -> bool:
        """Whether it has children."""
        return self in {EntityKind.PROJECT, EntityKind.FOLDER}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityHeader:
    """What a listing says about one entity: no etag, no file handle."""

    id: EntityId
    name: str
    kind: EntityKind
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenPage:
    """One page (at most 50) of a container's children."""

    children: tuple[EntityHeader, ...]
    next_page_token: str | None = None
    total_children: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityBody:
    """An entity exactly as the service sent it, for sending back whole.

    ``json_text`` stays opaque so that fields we do not know survive a whole-body PUT (contract 6.5).
    """

    json_text: str


UNKNOWN_BODY = EntityBody(json_text="")
"""Of an entity that was not read whole. Never stored, never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What the caller may do with an entity (contract 10.3)."""

    can_view: bool = False
    can_download: bool = False
    can_edit: bool = False
    can_change_permissions: bool = False
    is_certified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSnapshot:
    """One version of a file entity, read in a single bundle call (contract 6.4).

    ``etag`` is all zeros for a version that is not the current one. ``handle`` is None when the caller may
    not download it, or when Synapse shows none. ``knows_activity`` says whether that was
    looked for: a file view shows none, and may not show enough for a body either.
    """

    entity_id: EntityId
    name: str
    parent_id: EntityId | None
    kind: EntityKind
    version: int
    is_latest: bool
    etag: str
    handle_id: FileHandleId | None
    handle: FileHandle | None
    body: EntityBody
    activity_id: ActivityId | None = None
    permissions: Permissions | None = None
    knows_activity: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RootSnapshot:
    """The entity a migration starts at."""

    header: EntityHeader
    parent_id: EntityId | None
    permissions: Permissions
    path: tuple[EntityHeader, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserProfile:
    """Who is signed in.

    Attributes:
        scopes: what the access token may be used for; None when the token does not say.
    """

    id: PrincipalId
    user_name: str
    scopes: frozenset[str] | None = None
