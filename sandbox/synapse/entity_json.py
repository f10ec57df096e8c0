"""Entities on the wire: bodies, headers and version records (contract 6.3)."""

from typing import TYPE_CHECKING

from sandbox.synapse.entities import ROOT_ID, ZERO_ETAG, Entity, Version, number_of
from sandbox.synapse.http import Json
from sandbox.synapse.kinds import Kind

if TYPE_CHECKING:
    from sandbox.synapse.world import World

_VIEW_FIELDS = ("columnIds", "isSearchEnabled", "scopeIds", "viewTypeMask", "type")
OWN_FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.PROJECT: ("alias",),
    Kind.RECORD_SET: ("upsertKey", "csvDescriptor"),
    Kind.TABLE: ("columnIds", "isSearchEnabled"),
    Kind.ENTITY_VIEW: _VIEW_FIELDS,
    Kind.SUBMISSION_VIEW: _VIEW_FIELDS,
    Kind.DATASET: ("columnIds", "isSearchEnabled", "items"),
    Kind.DATASET_COLLECTION: ("columnIds", "isSearchEnabled", "items"),
    Kind.MATERIALIZED_VIEW: ("columnIds", "isSearchEnabled", "definingSQL"),
    Kind.VIRTUAL_TABLE: ("columnIds", "definingSQL"),
    Kind.LINK: ("linksTo", "linksToClassName"),
    Kind.DOCKER_REPOSITORY: ("repositoryName", "isManaged"),
}
"""The members of a body that only its kind has; everything else a request says is ignored (contract 0.3)."""


def body_of(entity: Entity, version: Version) -> Json:
    """The full body of one version; members may be null."""
    is_current = version is entity.versions[-1]
    body: Json = {
        "id": entity.id,
        "name": entity.name,
        "description": version.description,
        "parentId": entity.parent_id,
        # Only the current version shows the real one (contract 6.3)
        "etag": entity.etag if is_current else ZERO_ETAG,
        "concreteType": entity.kind.concrete_type,
        "createdOn": entity.created_on,
        "createdBy": entity.created_by,
        "modifiedOn": version.modified_on,
        "modifiedBy": version.modified_by,
    }
    if entity.kind.is_versionable:
        body["versionNumber"] = version.number
        body["versionLabel"] = version.label
        body["versionComment"] = version.comment
        body["isLatestVersion"] = is_current
    if entity.kind.has_own_handle:
        body["dataFileHandleId"] = version.handle_id
    body.update(version.fields)
    return body


def header_of(world: "World", entity: Entity, version: Version | None = None) -> Json:
    """The EntityHeader of a version, by default of the current one."""
    shown = version or entity.versions[-1]
    return {
        "id": entity.id,
        "name": entity.name,
        "type": entity.kind.concrete_type,
        "versionNumber": shown.number,
        "versionLabel": shown.label,
        "isLatestVersion": shown is entity.versions[-1],
        "benefactorId": number_of(world.access.benefactor_of(world, entity.id)),
        "createdOn": entity.created_on,
        "modifiedOn": shown.modified_on,
        "createdBy": entity.created_by,
        "modifiedBy": shown.modified_by,
    }


ROOT_HEADER: Json = {
    "id": ROOT_ID,
    "name": "root",
    "type": Kind.FOLDER.concrete_type,
    "versionNumber": 1,
    "versionLabel": "1",
    "isLatestVersion": True,
    "benefactorId": number_of(ROOT_ID),
}


def version_info_of(world: "World", entity: Entity, version: Version) -> Json:
    """The VersionInfo of one version: it never names the handle."""
    handle = world.handles.get(version.handle_id) if version.handle_id else None
    size = handle.content_size if handle else None
    return {
        "id": entity.id,
        "versionNumber": version.number,
        "versionLabel": version.label,
        "versionComment": version.comment,
        "isLatestVersion": version is entity.versions[-1],
        "modifiedBy": version.modified_by,
        "modifiedByPrincipalId": version.modified_by,
        "modifiedOn": version.modified_on,
        "contentSize": None if size is None else str(size),
        "contentMd5": handle.content_md5 if handle else None,
    }


def own_fields_in(kind: Kind, body: Json) -> Json:
    """Those members of a request's body that belong to this kind alone."""
    return {name: body[name] for name in OWN_FIELDS.get(kind, ()) if body.get(name) is not None}
