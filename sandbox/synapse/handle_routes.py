"""Reading, deleting and copying file handles (contract 7.3 to 7.5, 6.3)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.associations import Association, association_in, may_download_through, require_object_known
from sandbox.synapse.entities import Entity, Version
from sandbox.synapse.entity_reads import readable
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.proxy_urls import sign_proxy_url

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

LARGEST_BATCH = 100
URL_SECONDS = 30


class Failure(StrEnum):
    """Why one entry of a batch has no handle."""

    NOT_FOUND = "NOT_FOUND"
    UNAUTHORIZED = "UNAUTHORIZED"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the caller of a batch asked to be told."""

    handles: bool
    urls: bool
    preview_urls: bool


def presigned_url(world: "World", handle: Handle) -> str:
    """An address from which the bytes can be had for 30 seconds; refuses with 400 where there is none."""
    if handle.kind is HandleKind.EXTERNAL and handle.external_url is not None:
        return handle.external_url
    if handle.kind in {HandleKind.S3, HandleKind.GOOGLE_CLOUD} and handle.bucket and handle.key:
        return world.objects.presign_get(
            handle.bucket,
            handle.key,
            content_type=handle.content_type,
            disposition=f"attachment; filename={handle.file_name}",
            expires_seconds=URL_SECONDS,
        )
    if handle.kind is HandleKind.PROXY and handle.storage_location_id is not None:
        location = world.locations.require(handle.storage_location_id)
        return sign_proxy_url(location, handle, now=world.clock.now(), expires_seconds=URL_SECONDS)
    raise Refused(400, f"A pre-signed URL cannot be made for a file handle of type {handle.kind}")


def handles_of(world: "World", version: Version) -> list[Handle]:
    """The handle of a version and its preview; a handle that is its own preview comes twice (contract 8.7)."""
    handle = world.handles.get(version.handle_id) if version.handle_id else None
    if handle is None:
        return []
    preview = world.handles.get(handle.preview_id) if handle.preview_id else None
    return [handle, preview] if preview else [handle]


def _batch(world: "World", call: Call) -> Answer:
    entries = call.body.get("requestedFiles")
    if not isinstance(entries, list) or not 1 <= len(entries) <= LARGEST_BATCH:
        raise Refused(400, f"requestedFiles must hold 1 to {LARGEST_BATCH} entries")
    wanted = _Wanted(
        handles=bool(call.body.get("includeFileHandles")),
        urls=bool(call.body.get("includePreSignedURLs")),
        preview_urls=bool(call.body.get("includePreviewPreSignedURLs")),
    )
    if not (wanted.handles or wanted.urls or wanted.preview_urls):
        raise Refused(400, "At least one of includeFileHandles, includePreSignedURLs must be true")
    # all entries are understood first: one malformed id fails the whole batch (contract 7.3)
    associations = [association_in(entry) for entry in entries]
    for association in associations:
        require_object_known(association)
    return Answer(
        status=201,
        json={"requestedFiles": [_entry(world, call.user, wanted, association) for association in associations]},
    )


def _entry(world: "World", user: "User", wanted: _Wanted, association: Association) -> Json:
    entry: Json = {"fileHandleId": association.handle_id}
    handle = _handle_or_failure(world, user, association)
    if isinstance(handle, Failure):
        entry["failureCode"] = handle.value
        return entry
    if wanted.handles:
        entry["fileHandle"] = handle.as_json()
    # the service never touches an object store, and signs everything else
    if wanted.urls and handle.kind is not HandleKind.OBJECT_STORE:
        entry["preSignedURL"] = presigned_url(world, handle)
    preview = world.handles.get(handle.preview_id) if handle.preview_id else None
    if wanted.preview_urls and preview is not None:
        entry["previewPreSignedURL"] = presigned_url(world, preview)
    return entry


def _handle_or_failure(world: "World", user: "User", association: Association) -> Handle | Failure:
    handle = world.handles.get(association.handle_id)
    if handle is not None and (handle.created_by == user.id or user.is_administrator):
        return handle
    if not may_download_through(world, user, association):
        return Failure.UNAUTHORIZED
    return handle or Failure.NOT_FOUND


def _mine(world: "World", call: Call) -> Handle:
    """The handle of the path when the caller made it."""
    handle = world.handles.require(call.path["id"])
    if call.user.is_administrator:
        return handle
    return world.handles.require_created_by(handle.id, call.user.id)


def _get(world: "World", call: Call) -> Answer:
    return Answer(json=_mine(world, call).as_json())


def _url(world: "World", call: Call) -> Answer:
    return _pointing_to(presigned_url(world, _mine(world, call)), call)


def _file(world: "World", call: Call) -> Answer:
    association = association_in(
        {
            "fileHandleId": call.path["id"],
            "associateObjectId": call.query.get("fileAssociateId"),
            "associateObjectType": call.query.get("fileAssociateType"),
        }
    )
    handle = _handle_or_failure(world, call.user, association)
    if handle is Failure.NOT_FOUND:
        raise Refused(404, f"The file handle could not be found for id: {association.handle_id}")
    if isinstance(handle, Failure):
        raise Refused(403, f"You are not authorized to download file handle {association.handle_id}")
    return _pointing_to(presigned_url(world, handle), call)


def _pointing_to(url: str, call: Call) -> Answer:
    if call.flag("redirect", default=True):
        return Answer(status=307, location=url)
    return Answer(text=url)


def _of_entity(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return _listed(world, call.user, entity, entity.current)


def _of_version(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return _listed(world, call.user, entity, entity.require_version_named(call.path["version"]))


def _listed(world: "World", user: "User", entity: Entity, version: Version) -> Answer:
    if not world.access.may_download(world, user, entity.id):
        raise Refused(403, f"You lack {Right.DOWNLOAD} access to the requested entity: {entity.id}.")
    return Answer(json={"list": [handle.as_json() for handle in handles_of(world, version)]})


def _delete(world: "World", call: Call) -> Answer:
    """Remove the record, and the object too by the service's flawed count (contract 7.4)."""
    handle = world.handles.get(call.path["id"])
    if handle is None:
        return Answer()
    _mine(world, call)
    # entity versions hold their handles, also in the trash, and messages theirs; table cells do not
    if world.entities.holders_of(handle.id) or any(sent.handle_id == handle.id for sent in world.messages.sent):
        raise Refused(409, "Cannot delete a file handle that is still referenced")
    preview = world.handles.get(handle.preview_id) if handle.preview_id else None
    for doomed in {handle.id: handle, **({preview.id: preview} if preview else {})}.values():
        _remove_with_object(world, doomed)
    return Answer()


def _remove_with_object(world: "World", handle: Handle) -> None:
    world.handles.remove(handle.id)
    if handle.kind not in {HandleKind.S3, HandleKind.GOOGLE_CLOUD} or handle.bucket is None or handle.key is None:
        return
    # counted after the row is gone, and one remaining user is taken for none: the hazard of contract 7.4
    if world.handles.uses_of_object(handle.bucket, handle.key) <= 1:
        world.objects.delete(handle.bucket, handle.key)


def _copy_one(world: "World", call: Call) -> Answer:
    handle = _mine(world, call)
    if handle.kind is not HandleKind.S3:
        raise Refused(400, "Only S3 file handles can be copied")
    return Answer(status=201, json=_copied(world, call.user, handle, call.body).as_json())


def _copy_many(world: "World", call: Call) -> Answer:
    requests = call.body.get("copyRequests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= LARGEST_BATCH:
        raise Refused(400, f"copyRequests must hold 1 to {LARGEST_BATCH} entries")
    associations = [association_in(request.get("originalFile") or {}) for request in requests]
    ids = [association.handle_id for association in associations]
    if len(set(ids)) < len(ids):
        raise Refused(400, "Each file handle may be copied once in a request")
    results = [
        _copy_entry(world, call.user, association, request)
        for association, request in zip(associations, requests, strict=True)
    ]
    return Answer(json={"copyResults": results})


def _copy_entry(world: "World", user: "User", association: Association, request: Json) -> Json:
    result: Json = {"originalFileHandleId": association.handle_id}
    handle = _handle_or_failure(world, user, association)
    if isinstance(handle, Failure):
        result["failureCode"] = handle.value
    else:
        names = {"fileName": request.get("newFileName"), "contentType": request.get("newContentType")}
        result["newFileHandle"] = _copied(world, user, handle, names).as_json()
    return result


def _copied(world: "World", user: "User", handle: Handle, names: Json) -> Handle:
    """A new record for the same object, owned by the caller, without preview."""
    return world.handles.add(
        world,
        kind=handle.kind,
        created_by=user.id,
        file_name=names.get("fileName") or handle.file_name,
        content_type=names.get("contentType") or handle.content_type,
        content_md5=handle.content_md5,
        content_size=handle.content_size,
        storage_location_id=handle.storage_location_id,
        bucket=handle.bucket,
        key=handle.key,
        external_url=handle.external_url,
        endpoint_url=handle.endpoint_url,
        file_path=handle.file_path,
    )


_READ_CONTENT = (Scope.VIEW, Scope.DOWNLOAD)
_WRITE = (Scope.VIEW, Scope.MODIFY)
_FILEHANDLES_OF_VERSION = "/entity/{id}/version/{version}/filehandles"
ROUTES = (
    Route(base=Base.FILE, method="POST", template="/fileHandle/batch", handler=_batch, scopes=_READ_CONTENT),
    Route(base=Base.FILE, method="GET", template="/fileHandle/{id}", handler=_get, scopes=(Scope.VIEW,)),
    Route(base=Base.FILE, method="DELETE", template="/fileHandle/{id}", handler=_delete, scopes=(Scope.MODIFY,)),
    Route(base=Base.FILE, method="GET", template="/fileHandle/{id}/url", handler=_url, scopes=(Scope.DOWNLOAD,)),
    Route(base=Base.FILE, method="GET", template="/file/{id}", handler=_file, scopes=(Scope.DOWNLOAD,)),
    Route(base=Base.FILE, method="POST", template="/fileHandle/{id}/copy", handler=_copy_one, scopes=_WRITE),
    Route(base=Base.FILE, method="POST", template="/filehandles/copy", handler=_copy_many, scopes=_WRITE),
    Route(base=Base.REPO, method="GET", template="/entity/{id}/filehandles", handler=_of_entity, scopes=(Scope.VIEW,)),
    Route(base=Base.REPO, method="GET", template=_FILEHANDLES_OF_VERSION, handler=_of_version, scopes=(Scope.VIEW,)),
)
