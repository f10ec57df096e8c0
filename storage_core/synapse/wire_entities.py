"""Entities, listings, bundles and people: JSON and records (contract 6, 10.3, 11)."""

import json
from dataclasses import dataclass

from storage_core.model.entities import (
    ChildrenPage,
    EntityBody,
    EntityHeader,
    EntityKind,
    FileSnapshot,
    Permissions,
    RootSnapshot,
    UserProfile,
)
from storage_core.model.ids import ActivityId, EntityId, FileHandleId, PrincipalId
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields, nonsense
from storage_core.synapse.wire_handles import choose_handle

_KINDS = {
    "Project": EntityKind.PROJECT,
    "Folder": EntityKind.FOLDER,
    "FileEntity": EntityKind.FILE,
    "RecordSet": EntityKind.RECORD_SET,
    "TableEntity": EntityKind.TABLE,
    "EntityView": EntityKind.ENTITY_VIEW,
    "SubmissionView": EntityKind.SUBMISSION_VIEW,
    "Dataset": EntityKind.DATASET,
    "DatasetCollection": EntityKind.DATASET_COLLECTION,
    "MaterializedView": EntityKind.MATERIALIZED_VIEW,
    "VirtualTable": EntityKind.VIRTUAL_TABLE,
    "Link": EntityKind.LINK,
    "DockerRepository": EntityKind.DOCKER_REPOSITORY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityState:
    """The current state of an entity, as far as a decision about a lost answer needs it."""

    id: EntityId
    version: int
    etag: str
    handle_id: FileHandleId | None


def children_request(
    container_id: EntityId, *, kinds: tuple[EntityKind, ...], page_token: str | None, count: bool
) -> JsonObject:
    """Ask for a page of children, oldest first: what is added during the walk comes last (contract 6.2)."""
    body: JsonObject = {
        "parentId": container_id,
        "includeTypes": [kind.value for kind in kinds],
        "sortBy": "CREATED_ON",
        "sortDirection": "ASC",
        "includeTotalChildCount": count,
    }
    return body if page_token is None else {**body, "nextPageToken": page_token}


def read_children(answer: Answer) -> ChildrenPage:
    """Read one page."""
    fields = Fields.of(answer)
    if not isinstance(fields.raw.get("page"), list):
        raise nonsense(answer.call, "there is no page of children")
    return ChildrenPage(
        children=tuple(read_header(child) for child in fields.inners("page")),
        next_page_token=fields.optional_text("nextPageToken"),
        total_children=fields.optional_whole("totalChildCount"),
    )


def read_header(fields: Fields) -> EntityHeader:
    """Read an entity header."""
    return EntityHeader(
        id=EntityId(fields.id("id")),
        name=fields.optional_text("name") or "",
        kind=kind_of(fields.optional_text("type")),
        version=fields.optional_whole("versionNumber") or 1,
    )


def kind_of(text: str | None) -> EntityKind:
    """Read a full class name or a short type word; both occur."""
    if text is None:
        return EntityKind.UNKNOWN
    found = _KINDS.get(text.rpartition(".")[2])
    if found is not None:
        return found
    return EntityKind(text) if text in set(EntityKind) else EntityKind.UNKNOWN


def file_bundle_request() -> JsonObject:
    """Ask for everything about one version that indexing needs."""
    return {"includeEntity": True, "includeFileHandles": True, "includePermissions": True, "includeActivity": True}


def root_bundle_request() -> JsonObject:
    """Ask for the entity, what the caller may do with it, and where it lies."""
    return {"includeEntity": True, "includePermissions": True, "includeEntityPath": True}


def read_file(answer: Answer, *, asked_for_latest: bool) -> FileSnapshot:
    """Read a bundle as one version of a file.

    The activity in a bundle is always the current version's, so that of an older version stays unknown.
    """
    bundle = Fields.of(answer)
    entity = bundle.inner("entity")
    handle_id = entity.optional_id("dataFileHandleId")
    wanted = FileHandleId(handle_id) if handle_id else None
    is_latest = entity.flag("isLatestVersion", absent=asked_for_latest)
    permissions = bundle.optional_inner("permissions")
    parent = entity.optional_id("parentId")
    return FileSnapshot(
        entity_id=EntityId(entity.id("id")),
        name=entity.optional_text("name") or "",
        parent_id=EntityId(parent) if parent else None,
        kind=kind_of(entity.optional_text("concreteType") or bundle.optional_text("entityType")),
        version=entity.optional_whole("versionNumber") or 1,
        is_latest=is_latest,
        etag=entity.optional_text("etag") or "",
        handle_id=wanted,
        handle=choose_handle(bundle, "fileHandles", wanted),
        body=EntityBody(json_text=json.dumps(entity.raw, separators=(",", ":"))),
        activity_id=_activity(bundle) if is_latest else None,
        permissions=None if permissions is None else _permissions(permissions),
    )


def _activity(bundle: Fields) -> ActivityId | None:
    activity = bundle.optional_inner("activity")
    found = None if activity is None else activity.optional_id("id")
    return ActivityId(found) if found else None


def _permissions(fields: Fields) -> Permissions:
    return Permissions(
        can_view=fields.flag("canView"),
        can_download=fields.flag("canDownload"),
        can_edit=fields.flag("canEdit"),
        can_change_permissions=fields.flag("canChangePermissions"),
        is_certified=fields.flag("isCertifiedUser"),
    )


def read_root(answer: Answer) -> RootSnapshot:
    """Read a bundle as the place where a migration starts."""
    bundle = Fields.of(answer)
    entity = bundle.inner("entity")
    parent = entity.optional_id("parentId")
    path = bundle.optional_inner("path")
    return RootSnapshot(
        header=EntityHeader(
            id=EntityId(entity.id("id")),
            name=entity.optional_text("name") or "",
            kind=kind_of(entity.optional_text("concreteType") or bundle.optional_text("entityType")),
            version=entity.optional_whole("versionNumber") or 1,
        ),
        parent_id=EntityId(parent) if parent else None,
        permissions=_permissions(bundle.inner("permissions")),
        path=() if path is None else tuple(read_header(step) for step in path.inners("path")),
    )


def read_versions(answer: Answer) -> tuple[int, ...]:
    """Read one page of version numbers, newest first."""
    return tuple(entry.whole("versionNumber") for entry in Fields.of(answer).inners("results"))


def swap_request(swap: SwapVersionHandle) -> JsonObject:
    """Ask to exchange a version's handle (contract 6.6)."""
    return {"oldFileHandleId": swap.expect, "newFileHandleId": swap.new}


def new_version_body(change: AddVersion) -> JsonObject:
    """Take the whole indexed body; exchange the handle; let the service choose label and comment (contract 6.5)."""
    body = json.loads(change.body.json_text)
    if not isinstance(body, dict):
        raise TypeError(f"the stored body of {change.place.entity_id} is no JSON object")
    kept = {name: value for name, value in body.items() if name not in {"versionLabel", "versionComment"}}
    return {**kept, "dataFileHandleId": change.new, "etag": change.etag}


def read_state(answer: Answer) -> EntityState:
    """Read the facts of an entity body that tell whether a change was made."""
    entity = Fields.of(answer)
    handle_id = entity.optional_id("dataFileHandleId")
    return EntityState(
        id=EntityId(entity.id("id")),
        version=entity.optional_whole("versionNumber") or 1,
        etag=entity.optional_text("etag") or "",
        handle_id=FileHandleId(handle_id) if handle_id else None,
    )


def read_profile(answer: Answer) -> UserProfile:
    """Read who is signed in."""
    fields = Fields.of(answer)
    return UserProfile(id=PrincipalId(fields.id("ownerId")), user_name=fields.optional_text("userName") or "")
