"""File entities and handles that a transfer makes: JSON and records (contract 6.5, 6.7, 7.6, 7.7)."""

import json

from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.transfers import (
    AddressedFile,
    ContentFacts,
    FileChange,
    FileState,
    GoogleCloudObject,
    NewFile,
    ObjectStoreObject,
    ProxiedFile,
    Registrable,
    S3Object,
)
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields
from storage_core.synapse.wire_handles import PREFIX

_FILE_ENTITY = "org.sagebionetworks.repo.model.FileEntity"
# a version added on top gets its own (contract 6.5)
_OF_ONE_VERSION = frozenset({"versionLabel", "versionComment"})


def new_file(new: NewFile) -> JsonObject:
    """Describe a file entity."""
    body: JsonObject = {
        "concreteType": _FILE_ENTITY,
        "name": new.name,
        "parentId": new.parent_id,
        "dataFileHandleId": new.handle_id,
        "description": new.description,
        "versionComment": new.version_comment,
    }
    return _without_nulls(body)


def changed_file(change: FileChange) -> JsonObject:
    """The whole body as it was read, fields we do not know included, with the new content."""
    body = json.loads(change.body.json_text)
    if not isinstance(body, dict):
        raise TypeError(f"the body of {change.entity_id} is no JSON object")
    dropped = _OF_ONE_VERSION if change.is_new_version else frozenset()
    kept = {name: value for name, value in body.items() if name not in dropped}
    new: JsonObject = {
        "dataFileHandleId": change.handle_id,
        "etag": change.etag,
        "description": change.description,
        "versionComment": change.version_comment,
    }
    return {**kept, **_without_nulls(new)}


def read_file_state(answer: Answer) -> FileState:
    """Read what a change made of an entity."""
    fields = Fields.of(answer)
    handle_id = fields.optional_id("dataFileHandleId")
    return FileState(
        entity_id=EntityId(fields.id("id")),
        version=fields.optional_whole("versionNumber") or 1,
        handle_id=FileHandleId(handle_id) if handle_id else None,
        etag=fields.optional_text("etag") or "",
    )


def registration(registrable: Registrable, facts: ContentFacts) -> tuple[str, JsonObject]:
    """Where to send the description of bytes that are in their place, and the description (contract 7.6, 7.7)."""
    common: JsonObject = {
        "fileName": facts.file_name,
        "contentType": facts.content_type,
        "contentSize": facts.size_bytes,
        "contentMd5": facts.md5,
    }
    path, own = _own_part(registrable)
    return path, _without_nulls({**common, **own})


def _own_part(registrable: Registrable) -> tuple[str, JsonObject]:
    match registrable:
        case S3Object():
            return "/externalFileHandle/s3", _in_bucket("S3FileHandle", registrable)
        case GoogleCloudObject():
            return "/externalFileHandle/googleCloud", _in_bucket("GoogleCloudFileHandle", registrable)
        case ObjectStoreObject():
            return "/externalFileHandle", {
                "concreteType": f"{PREFIX}ExternalObjectStoreFileHandle",
                "storageLocationId": registrable.location_id,
                "fileKey": registrable.key,
            }
        case AddressedFile():
            return "/externalFileHandle", {
                "concreteType": f"{PREFIX}ExternalFileHandle",
                "storageLocationId": registrable.location_id,
                "externalURL": registrable.url,
            }
        case ProxiedFile():
            # the class is registered like the others, under a path of its own word (client's documentation)
            return "/externalFileHandle/proxy", {
                "concreteType": f"{PREFIX}ProxyFileHandle",
                "storageLocationId": registrable.location_id,
                "filePath": registrable.path,
            }


def _in_bucket(kind: str, registrable: S3Object | GoogleCloudObject) -> JsonObject:
    return {
        "concreteType": f"{PREFIX}{kind}",
        "storageLocationId": registrable.location_id,
        "bucketName": registrable.bucket,
        "key": registrable.key,
    }


def _without_nulls(body: JsonObject) -> JsonObject:
    return {name: value for name, value in body.items() if value is not None}
