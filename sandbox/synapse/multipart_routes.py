"""The four calls of a multipart upload or copy: start, sign, add, complete; all of them answer 201 (contract 8)."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from sandbox.objects.records import Attributes
from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import SYNAPSE_BUCKET
from sandbox.synapse.multipart import Upload, UploadPlan
from sandbox.synapse.multipart_requests import CopyRequest, UploadRequest, read_start_request
from sandbox.synapse.multipart_starts import plan_copy, plan_upload

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

ADDRESS_LIVES_SECONDS = 15 * 60


def start(world: "World", call: Call) -> Answer:
    """Begin, resume or re-use: the same request of the same user belongs to the same upload (contract 8.3)."""
    call.user.require_signed_in()
    request = read_start_request(call.body)
    if not call.flag("forceRestart"):
        earlier = world.uploads.earlier(world, call.user.id, request.request_hash)
        # neither the permission nor the source's ETag is looked at again (contract 8.3)
        if earlier is not None and (not earlier.is_completed or _result_is_there(world, earlier)):
            return Answer(status=201, json=earlier.as_json())
    plan = _plan(world, call.user, request)
    s3_upload_id = _start_in_s3(world, plan)
    upload = world.uploads.add(world, call.user.id, request.request_hash, plan, s3_upload_id)
    return Answer(status=201, json=upload.as_json())


def sign(world: "World", call: Call) -> Answer:
    """Addresses to send parts to, 15 minutes each; a completed upload is not refused here (contract 8.5)."""
    upload = _upload(world, call)
    numbers = call.body.get("partNumbers")
    if not isinstance(numbers, list) or not numbers:
        raise Refused(400, "partNumbers must have at least one entry")
    parts = [_part_number(upload, number) for number in numbers]
    content_type = call.body.get("contentType")
    return Answer(
        status=201,
        json={"partPresignedUrls": [_signed_part(world, upload, number, content_type) for number in parts]},
    )


def add(world: "World", call: Call) -> Answer:
    """Count a part as sent. A plain part is checked, a copied one is taken at its word (contract 8.6)."""
    upload = _upload(world, call)
    number = _part_number(upload, call.path["part_number"])
    md5 = call.query.get("partMD5Hex")
    if not md5:
        raise Refused(400, "partMD5Hex is required")
    if upload.is_completed:
        raise Refused(400, f"Upload {upload.id} is already completed")
    world.uploads.touch(world, upload)
    answer: Json = {"uploadId": upload.id, "partNumber": number}
    problem = None if upload.plan.source else _problem_with_part(world, upload, number, md5)
    if problem is not None:
        # a failed add turns the part back to missing, and is no error of HTTP's (contract 8.6)
        upload.added.pop(number, None)
        return Answer(status=201, json=answer | {"addPartState": "ADD_FAILED", "errorMessage": problem})
    upload.added[number] = md5
    return Answer(status=201, json=answer | {"addPartState": "ADD_SUCCESS"})


def complete(world: "World", call: Call) -> Answer:
    """Compose the object and make its file handle; a repeat gives the same answer (contract 8.7)."""
    upload = _upload(world, call)
    if not upload.is_completed:
        missing = upload.plan.part_count - len(upload.added)
        if missing:
            raise Refused(400, f"Missing {missing} part(s). All parts must be added before an upload can be completed")
        world.uploads.finish(world, upload, _join(world, call.user, upload).id)
    return Answer(status=201, json=upload.as_json())


def _plan(world: "World", user: "User", request: UploadRequest | CopyRequest) -> UploadPlan:
    if isinstance(request, CopyRequest):
        return plan_copy(world, user, request)
    return plan_upload(world, user, request)


def _result_is_there(world: "World", upload: Upload) -> bool:
    try:
        world.objects.head(upload.plan.bucket, upload.plan.key)
    except S3Refusal:
        return False
    return True


def _start_in_s3(world: "World", plan: UploadPlan) -> str:
    attributes = Attributes(
        content_type=plan.content_type or "application/octet-stream",
        disposition=f"attachment; filename=\"{plan.file_name}\"; filename*=utf-8''{quote(plan.file_name)}",
        storage_class="INTELLIGENT_TIERING" if plan.bucket == SYNAPSE_BUCKET else "STANDARD",
        acl="bucket-owner-full-control",
    )
    try:
        return world.objects.start_upload_with(plan.bucket, plan.key, attributes).id
    except S3Refusal as refusal:
        raise Refused(502, refusal.message) from refusal


def _upload(world: "World", call: Call) -> Upload:
    call.user.require_signed_in()
    return world.uploads.require(world, call.path["upload_id"], call.user.id)


def _part_number(upload: Upload, given: object) -> int:
    if isinstance(given, bool) or not str(given).isdecimal() or not 1 <= int(str(given)) <= upload.plan.part_count:
        raise Refused(400, f"Part numbers must be between 1 and {upload.plan.part_count}, not {given}")
    return int(str(given))


def _signed_part(world: "World", upload: Upload, number: int, content_type: str | None) -> Json:
    plan = upload.plan
    if plan.source is None:
        address, headers = world.objects.presign_put_part(
            plan.bucket,
            plan.key,
            upload.s3_upload_id,
            number,
            content_type=content_type,
            expires_seconds=ADDRESS_LIVES_SECONDS,
        )
    else:
        first_byte, last_byte = plan.range_of(number)
        address, headers = world.objects.presign_copy_part(
            plan.bucket,
            plan.key,
            upload.s3_upload_id,
            number,
            source_bucket=plan.source.bucket,
            source_key=plan.source.key,
            first_byte=first_byte,
            last_byte=last_byte,
            source_etag=plan.source.etag,
            content_type=content_type,
            expires_seconds=ADDRESS_LIVES_SECONDS,
        )
    return {"partNumber": number, "uploadPresignedUrl": address, "signedHeaders": headers or None}


def _problem_with_part(world: "World", upload: Upload, number: int, md5: str) -> str | None:
    """Why a plain part cannot be added, None when it can: it must be new, and its ETag the MD5 (contract 8.6)."""
    try:
        part = world.objects.upload(upload.plan.bucket, upload.plan.key, upload.s3_upload_id).parts.get(number)
    except S3Refusal as refusal:
        return refusal.message
    # the service moves a part away when it is added, so one that was added before is no longer found
    if part is None or upload.settled.get(number) is part:
        return f"Part {number} was not uploaded"
    if part.etag != md5.lower():
        return f"The MD5 of part {number} is not {md5}"
    upload.settled[number] = part
    return None


def _join(world: "World", user: "User", upload: Upload) -> Handle:
    plan = upload.plan
    try:
        stored = world.objects.complete_upload(plan.bucket, plan.key, upload.s3_upload_id, sorted(upload.added.items()))
    except S3Refusal as refusal:
        # every failure of S3 at this step, passing ones included, is a 400 (contract 8.7)
        raise Refused(400, f"{refusal.message} (Service: Amazon S3; Error Code: {refusal.code})") from refusal
    is_google = world.locations.require(plan.location_id).kind is LocationClass.GOOGLE_CLOUD
    handle = world.handles.add(
        world,
        kind=HandleKind.GOOGLE_CLOUD if is_google else HandleKind.S3,
        created_by=user.id,
        file_name=plan.file_name,
        content_type=plan.content_type,
        content_md5=plan.md5,  # the source's or the declared one, never computed (contract 8.7)
        content_size=stored.size,
        storage_location_id=plan.location_id,
        bucket=plan.bucket,
        key=plan.key,
    )
    return handle if plan.wants_preview else world.handles.change(handle.id, preview_id=handle.id)


def _route(method: str, template: str, handler: Callable[["World", Call], Answer]) -> Route:
    return Route(base=Base.FILE, method=method, template=template, handler=handler, scopes=(Scope.VIEW, Scope.MODIFY))


ROUTES = (
    _route("POST", "/file/multipart", start),
    _route("POST", "/file/multipart/{upload_id}/presigned/url/batch", sign),
    _route("PUT", "/file/multipart/{upload_id}/add/{part_number}", add),
    _route("PUT", "/file/multipart/{upload_id}/complete", complete),
)
