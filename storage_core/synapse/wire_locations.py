"""Storage locations, upload destinations and project settings: JSON and records (contract 2, 3, 4)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION, EntityId, PrincipalId, StorageLocationId
from storage_core.model.transfers import UploadDestination
from storage_core.model.upload_settings import UploadSetting
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields

_PROJECT_PREFIX = "org.sagebionetworks.repo.model.project."
_KINDS = {
    "S3StorageLocationSetting": LocationKind.SYNAPSE_S3,
    "ExternalS3StorageLocationSetting": LocationKind.EXTERNAL_S3,
    "ExternalGoogleCloudStorageLocationSetting": LocationKind.EXTERNAL_GOOGLE_CLOUD,
    "ExternalObjectStorageLocationSetting": LocationKind.EXTERNAL_OBJECT_STORE,
    "ProxyStorageLocationSettings": LocationKind.PROXY,
    "S3UploadDestination": LocationKind.SYNAPSE_S3,
    "ExternalS3UploadDestination": LocationKind.EXTERNAL_S3,
    "ExternalGoogleCloudUploadDestination": LocationKind.EXTERNAL_GOOGLE_CLOUD,
    "ExternalObjectStoreUploadDestination": LocationKind.EXTERNAL_OBJECT_STORE,
}
_BY_PROTOCOL = {UploadType.SFTP: LocationKind.EXTERNAL_SFTP, UploadType.HTTPS: LocationKind.EXTERNAL_HTTPS}


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLocationBody:
    """A storage location as JSON text, for sending (without id) or as it came (with every field)."""

    json_text: str


def read_location(fields: Fields) -> LocationFacts:
    """Read a storage location or an upload destination; what we do not know is UNKNOWN."""
    concrete_type = fields.optional_text("concreteType") or ""
    text = fields.optional_text("uploadType")
    upload_type = UploadType(text) if text in set(UploadType) else UploadType.NONE
    location_id = fields.optional_whole("storageLocationId")
    created_by = fields.optional_id("createdBy")
    return LocationFacts(
        id=DEFAULT_STORAGE_LOCATION if location_id is None else StorageLocationId(location_id),
        kind=_kind(concrete_type, upload_type),
        upload_type=upload_type,
        bucket=fields.optional_text("bucket"),
        base_key=fields.optional_text("baseKey"),
        sts_enabled=fields.flag("stsEnabled"),
        created_by=PrincipalId(created_by) if created_by else None,
        concrete_type=concrete_type,
        endpoint_url=fields.optional_text("endpointUrl"),
        url=fields.optional_text("url"),
    )


def read_destination(fields: Fields, entity_id: EntityId) -> UploadDestination:
    """Read an upload destination with everything an upload needs (contract 4)."""
    facts = read_location(fields)
    return UploadDestination(
        entity_id=entity_id,
        location_id=facts.id,
        kind=facts.kind,
        upload_type=facts.upload_type,
        bucket=facts.bucket,
        base_key=facts.base_key,
        sts_enabled=facts.sts_enabled,
        endpoint_url=facts.endpoint_url,
        url=facts.url,
        banner=fields.optional_text("banner"),
    )


def _kind(concrete_type: str, upload_type: UploadType) -> LocationKind:
    name = concrete_type.rpartition(".")[2]
    if name in {"ExternalStorageLocationSetting", "ExternalUploadDestination"}:
        return _BY_PROTOCOL.get(upload_type, LocationKind.UNKNOWN)
    return _KINDS.get(name, LocationKind.UNKNOWN)


def read_location_body(answer: Answer) -> StorageLocationBody:
    """Keep the whole object, for codecs that know its type."""
    return StorageLocationBody(json_text=json.dumps(answer.body))


def read_location_bodies(answer: Answer) -> tuple[StorageLocationBody, ...]:
    """Keep each object of a list whole."""
    return tuple(StorageLocationBody(json_text=json.dumps(entry.raw)) for entry in Fields.of(answer).inners("list"))


def location_request(body: StorageLocationBody) -> JsonObject:
    """Turn the text into an object to send."""
    parsed = json.loads(body.json_text)
    if not isinstance(parsed, dict):
        raise TypeError("a storage location is a JSON object")
    return parsed


def read_location_ids(answer: Answer) -> tuple[StorageLocationId, ...]:
    """Read the ids of an effective list; its order says nothing (contract 4)."""
    return tuple(StorageLocationId(entry.whole("storageLocationId")) for entry in Fields.of(answer).inners("list"))


def setting_request(setting: UploadSetting) -> JsonObject:
    """Write a setting, to be created (no id) or to replace the stored one."""
    body: JsonObject = {
        "concreteType": f"{_PROJECT_PREFIX}UploadDestinationListSetting",
        "projectId": setting.entity_id,
        "settingsType": "upload",
        "locations": list[int](setting.location_ids),
    }
    if setting.id is not None:
        body |= {"id": setting.id, "etag": setting.etag}
    return body


def read_setting(answer: Answer) -> UploadSetting | None:
    """Read a setting; an empty answer means there is none on that very entity."""
    if not answer.body:
        return None
    fields = Fields.of(answer)
    return UploadSetting(
        entity_id=EntityId(fields.id("projectId")),
        location_ids=_location_ids(fields.wholes("locations")),
        id=fields.id("id"),
        etag=fields.optional_text("etag"),
    )


def _location_ids(numbers: Sequence[int]) -> tuple[StorageLocationId, ...]:
    return tuple(StorageLocationId(number) for number in numbers)
