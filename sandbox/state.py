"""The whole world as JSON: what tests compare before and after."""

from typing import Any

from sandbox.objects.records import StoredObject
from sandbox.objects.store import ObjectStore
from sandbox.synapse.entities import Entity, Version
from sandbox.synapse.world import World

Json = dict[str, Any]


def state_of(world: World) -> Json:
    """Entities with all versions, settings and access lists, handles, locations, activities, tables, objects: by id."""
    return {
        "entities": {entity.id: _entity(world, entity) for entity in world.entities.all()},
        "handles": {handle.id: handle.as_json() for handle in world.handles.all()},
        "locations": {str(location.id): location.as_json() for location in world.locations.all()},
        "activities": {activity.id: activity.as_json() for activity in world.entities.activities.all()},
        "messages": [message.as_json() for message in world.messages.sent],
        "tables": world.tables.as_json(),
        "objects": _objects(world.objects),
    }


def _entity(world: World, entity: Entity) -> Json:
    acl = world.access.own_acl(entity.id)
    setting = world.settings.of(entity.id)
    return {
        "kind": entity.kind.value,
        "name": entity.name,
        "parentId": entity.parent_id,
        "etag": entity.etag,
        "createdBy": entity.created_by,
        "createdOn": entity.created_on,
        "inTrash": entity.in_trash,
        "acl": acl.as_json() if acl else None,
        "setting": setting.as_json() if setting else None,
        "versions": [_version(version) for version in entity.versions],
    }


def _version(version: Version) -> Json:
    return {
        "number": version.number,
        "label": version.label,
        "comment": version.comment,
        "description": version.description,
        "handleId": version.handle_id,
        "modifiedBy": version.modified_by,
        "modifiedOn": version.modified_on,
        "activityId": version.activity_id,
        "annotations": version.annotations,
        "fields": version.fields,
    }


def _objects(objects: ObjectStore) -> Json:
    return {
        bucket.name: {key: _object(bucket.objects[key]) for key in bucket.sorted_keys()} for bucket in objects.buckets()
    }


def _object(stored: StoredObject) -> Json:
    return {
        "size": stored.size,
        "etag": stored.etag,
        "md5": stored.content.whole_digest(),
        "isVirtual": not stored.content.is_real,
        "partSizes": list(stored.part_sizes),
        "storageClass": stored.attributes.storage_class,
    }
