"""What a fresh upload or copy must satisfy, in the service's order, and the plan that comes of it (contract 8.4)."""

from typing import TYPE_CHECKING

from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.associations import may_download
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Refused
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import DEFAULT_LOCATION_ID, Location
from sandbox.synapse.multipart import CopySource, UploadPlan, count_parts
from sandbox.synapse.multipart_requests import CopyRequest, UploadRequest, require_file_name

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

_S3_CLASSES = {LocationClass.SYNAPSE_S3, LocationClass.EXTERNAL_S3}
_CLOUD_HANDLES = {HandleKind.S3, HandleKind.GOOGLE_CLOUD}


def plan_upload(world: "World", user: "User", request: UploadRequest) -> UploadPlan:
    """The plan of a plain upload; anybody may upload to any location that takes multipart uploads."""
    location = world.locations.require(request.location_id)
    if location.kind not in {*_S3_CLASSES, LocationClass.GOOGLE_CLOUD}:
        raise Refused(400, f"Multipart upload is not supported for storage location {location.id}")
    return UploadPlan(
        file_name=request.file_name,
        content_type=request.content_type,
        md5=request.md5,
        size_bytes=request.size_bytes,
        part_size_bytes=request.part_size_bytes,
        location_id=location.id,
        bucket=_bucket_of(location),
        key=_fresh_key(world, user, location, request.file_name),
        wants_preview=request.wants_preview,
    )


def plan_copy(world: "World", user: "User", request: CopyRequest) -> UploadPlan:
    """The plan of a copy, once every check of contract 8.4 has passed in its order."""
    location = world.locations.require(request.location_id)
    handle = _readable_source(world, user, request)
    if location.created_by != user.id and not user.is_administrator:
        raise Refused(403, f"The user does not own the destination storage location {location.id}")
    size_bytes, md5 = _size_and_md5(handle)
    if (handle.storage_location_id or DEFAULT_LOCATION_ID) == location.id:
        raise Refused(400, f"The source file is already in the destination storage location {location.id}")
    if handle.kind not in _CLOUD_HANDLES:
        raise Refused(400, "The source file must be stored in a cloud bucket")
    if location.kind not in _S3_CLASSES:
        raise Refused(400, f"Copying to storage location {location.id} is not supported")
    source = _source_object(world, handle)
    file_name = request.file_name or require_file_name(handle.file_name)
    _require_same_region(world, handle, source, _bucket_of(location))
    count_parts(size_bytes, request.part_size_bytes)
    return UploadPlan(
        file_name=file_name,
        content_type=handle.content_type,
        md5=md5,
        size_bytes=size_bytes,
        part_size_bytes=request.part_size_bytes,
        location_id=location.id,
        bucket=_bucket_of(location),
        key=_fresh_key(world, user, location, file_name),
        wants_preview=request.wants_preview,
        source=source,
    )


def _readable_source(world: "World", user: "User", request: CopyRequest) -> Handle:
    source = request.source
    handle = world.handles.get(source.handle_id)
    if handle is None or not may_download(world, user, handle, source.object_type, source.object_id):
        raise Refused(403, f"You may not download file handle {source.handle_id} through {source.object_id}")
    return handle


def _size_and_md5(handle: Handle) -> tuple[int, str]:
    if handle.content_size is None or not handle.content_md5:
        raise Refused(400, "The source file must have a content size and an MD5")
    return handle.content_size, handle.content_md5


def _source_object(world: "World", handle: Handle) -> CopySource:
    """Read the source's ETag, as the service does with a HEAD; what AWS refuses is a 502, except an unknown bucket."""
    bucket, key = handle.bucket or "", handle.key or ""
    try:
        stored = world.objects.head(bucket, key)
    except S3Refusal as refusal:
        raise Refused(400 if refusal.code == "NoSuchBucket" else 502, refusal.message) from refusal
    return CopySource(handle_id=handle.id, bucket=bucket, key=key, etag=stored.etag)


def _require_same_region(world: "World", handle: Handle, source: CopySource, destination: str) -> None:
    if handle.kind is not HandleKind.S3:
        raise Refused(400, "Only files stored in S3 can be copied to S3")
    if source.bucket == destination:
        return
    if _region_of(world, source.bucket) != _region_of(world, destination):
        raise Refused(400, "Copying between buckets in different AWS regions is not supported")


def _region_of(world: "World", bucket: str) -> str:
    try:
        return world.objects.bucket(bucket).region
    except S3Refusal as refusal:
        raise Refused(400, refusal.message) from refusal


def _bucket_of(location: Location) -> str:
    return location.bucket or ""


def _fresh_key(world: "World", user: "User", location: Location, file_name: str) -> str:
    prefix = f"{location.base_key}/" if location.base_key else ""
    return f"{prefix}{user.id}/{world.ids.uuid()}/{file_name}"
