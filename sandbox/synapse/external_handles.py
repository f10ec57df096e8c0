"""File handles for content that is already somewhere: registered, not uploaded (contract 7.6, 7.7)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.access import Right
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.location_types import LocationClass, is_url
from sandbox.synapse.locations import Location, location_id_of, require_creator
from sandbox.synapse.multipart_requests import require_md5

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

NOT_SET = "NOT_SET"
LONGEST_KEY = 700


def register_object(
    world: "World", user: "User", body: Json, *, kind: HandleKind, location_class: LocationClass
) -> Handle:
    """A handle for an object in the user's own bucket; its MD5 is taken as sent, never compared (contract 7.6)."""
    if body.get("concreteType") != kind:
        raise Refused(400, f"concreteType must be {kind}")
    location = _location(world, body)
    if location.kind is not location_class:
        raise Refused(400, f"Storage location {location.id} is not of the type that such a file handle needs")
    require_creator(user, location)
    bucket, key = _text(body, "bucketName"), _text(body, "key")
    if bucket != location.bucket:
        raise Refused(400, f"bucketName must be the bucket of storage location {location.id}")
    if len(key) > LONGEST_KEY:
        raise Refused(400, f"key must not have more than {LONGEST_KEY} characters")
    # the prefix counts for STS-enabled locations only (contract 7.6)
    if location.sts_enabled and not key.startswith(location.base_key or ""):
        raise Refused(400, f"key must start with the base key of storage location {location.id}")
    md5 = require_md5(body.get("contentMd5"))
    size_bytes = _object_size(world, bucket, key)
    given = _size(body)
    return world.handles.add(
        world,
        kind=kind,
        created_by=user.id,
        content_md5=md5,
        content_size=size_bytes if given is None else given,
        storage_location_id=location.id,
        bucket=bucket,
        key=key,
        preview_id=body.get("previewId"),
        file_name=body.get("fileName") or NOT_SET,
        content_type=body.get("contentType") or NOT_SET,
    )


def register_url(world: "World", user: "User", body: Json) -> Handle:
    """A handle for an address; nothing behind it is looked at."""
    if not is_url(body.get("externalURL")):
        raise Refused(400, "externalURL is required and must be a valid URL")
    location = None if body.get("storageLocationId") is None else _location(world, body)
    if location is not None and location.sts_enabled:
        raise Refused(400, "An external file handle cannot be in an STS-enabled storage location")
    return world.handles.add(
        world,
        kind=HandleKind.EXTERNAL,
        created_by=user.id,
        external_url=body["externalURL"],
        content_md5=body.get("contentMd5"),
        content_size=_size(body),
        storage_location_id=location.id if location else None,
        file_name=body.get("fileName") or NOT_SET,
        content_type=body.get("contentType") or NOT_SET,
    )


def register_in_object_store(world: "World", user: "User", body: Json) -> Handle:
    """A handle for an object in a store that the service never touches; bucket and address are the location's."""
    location = _location(world, body)
    if location.kind is not LocationClass.OBJECT_STORE:
        raise Refused(400, f"Storage location {location.id} is not an external object store")
    return world.handles.add(
        world,
        kind=HandleKind.OBJECT_STORE,
        created_by=user.id,
        endpoint_url=location.fields["endpointUrl"],
        bucket=location.bucket,
        key=_text(body, "fileKey"),
        content_md5=require_md5(body.get("contentMd5")),
        content_size=_required_size(body),
        storage_location_id=location.id,
        file_name=body.get("fileName") or NOT_SET,
        content_type=body.get("contentType") or NOT_SET,
    )


def register_behind_proxy(world: "World", user: "User", body: Json) -> Handle:
    """A handle for a path behind a proxy: for the location's creator and whoever may create in its benefactor."""
    location = _location(world, body)
    if location.kind is not LocationClass.PROXY:
        raise Refused(400, f"Storage location {location.id} is not a proxy")
    benefactor = location.fields.get("benefactorId")
    if location.created_by != user.id:
        if not benefactor:
            require_creator(user, location)
        world.access.require(world, user, str(benefactor), Right.CREATE)
    return world.handles.add(
        world,
        kind=HandleKind.PROXY,
        created_by=user.id,
        file_path=_text(body, "filePath"),
        file_name=_text(body, "fileName"),
        content_type=_text(body, "contentType"),
        content_md5=require_md5(body.get("contentMd5")),
        content_size=_required_size(body),
        storage_location_id=location.id,
    )


_BY_CLASS: dict[str, Callable[["World", "User", Json], Handle]] = {
    HandleKind.EXTERNAL: register_url,
    HandleKind.OBJECT_STORE: register_in_object_store,
    HandleKind.PROXY: register_behind_proxy,
}


def _post_external(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    register = _BY_CLASS.get(str(call.body.get("concreteType")))
    if register is None:
        raise Refused(400, f"Not an external file handle: {call.body.get('concreteType')}")
    return Answer(json=register(world, call.user, call.body).as_json())


def _post_proxy(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    return Answer(json=register_behind_proxy(world, call.user, call.body).as_json())


def _post_s3(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    handle = register_object(world, call.user, call.body, kind=HandleKind.S3, location_class=LocationClass.EXTERNAL_S3)
    return Answer(json=handle.as_json())


def _post_google(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    handle = register_object(
        world, call.user, call.body, kind=HandleKind.GOOGLE_CLOUD, location_class=LocationClass.GOOGLE_CLOUD
    )
    return Answer(json=handle.as_json())


def _location(world: "World", body: Json) -> Location:
    if body.get("storageLocationId") is None:
        raise Refused(400, "storageLocationId is required")
    return world.locations.require(location_id_of(body["storageLocationId"]))


def _object_size(world: "World", bucket: str, key: str) -> int:
    """The size S3 tells; the service looks with its own role, and 400 is all it says when it cannot see the object."""
    try:
        return world.objects.head(bucket, key).size
    except S3Refusal as refusal:
        raise Refused(400, f"Unable to access the object at {bucket}/{key}: {refusal.message}") from refusal


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(400, f"{name} is required")
    return value


def _size(body: Json) -> int | None:
    value = body.get("contentSize")
    if value is None:
        return None
    if isinstance(value, bool) or not str(value).isdecimal():
        raise Refused(400, f"contentSize must be a number, not {value}")
    return int(value)


def _required_size(body: Json) -> int:
    size_bytes = _size(body)
    if size_bytes is None:
        raise Refused(400, "contentSize is required")
    return size_bytes


def _route(template: str, handler: Callable[["World", Call], Answer]) -> Route:
    return Route(base=Base.FILE, method="POST", template=template, handler=handler, scopes=(Scope.VIEW, Scope.MODIFY))


ROUTES = (
    _route("/externalFileHandle", _post_external),
    _route("/externalFileHandle/s3", _post_s3),
    _route("/externalFileHandle/googleCloud", _post_google),
    _route("/externalFileHandle/proxy", _post_proxy),
)
