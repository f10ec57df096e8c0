"""Bringing archived bytes back: a job over up to 1,000 file handles (contract 7.8)."""

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.handles import Handle
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope
from sandbox.synapse.jobs import outcome_of

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

KIND = "fileHandleRestore"
MOST_HANDLES = 1_000
_RESPONSE = "org.sagebionetworks.repo.model.file.FileHandleRestoreResponse"
_THAWED = "INTELLIGENT_TIERING"


class RestoreStatus(StrEnum):
    """What became of one handle."""

    NOT_FOUND = "NOT_FOUND"
    UNAUTHORIZED = "UNAUTHORIZED"
    FAILED = "FAILED"
    NO_ACTION = "NO_ACTION"
    RESTORED = "RESTORED"
    RESTORING = "RESTORING"


def restore(world: "World", user: "User", body: Json) -> Json:
    """Restore each handle of the request on its own; 400 for none or too many."""
    ids = body.get("fileHandleIds")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_HANDLES:
        raise Refused(400, f"fileHandleIds must have between 1 and {MOST_HANDLES} entries")
    return {"concreteType": _RESPONSE, "restoreResults": [_result(world, user, str(entry)) for entry in ids]}


def _result(world: "World", user: "User", handle_id: str) -> Json:
    status, message = _restore_one(world, user, world.handles.get(handle_id))
    return {"fileHandleId": handle_id, "status": status.value, "statusMessage": message}


def _restore_one(world: "World", user: "User", handle: Handle | None) -> tuple[RestoreStatus, str | None]:
    if handle is None:
        return RestoreStatus.NOT_FOUND, None
    if handle.created_by != user.id and not user.is_administrator:
        return RestoreStatus.UNAUTHORIZED, "Only the creator of a file handle may restore it"
    if handle.status == "AVAILABLE":
        return RestoreStatus.NO_ACTION, "The file handle is available"
    try:
        still_frozen = _thaw(world, handle)
    except S3Refusal as refusal:
        return RestoreStatus.FAILED, refusal.message
    if still_frozen:
        return RestoreStatus.RESTORING, "The restore was requested; ask again later"
    world.handles.change(handle.id, status="AVAILABLE")
    return RestoreStatus.RESTORED, None


def _thaw(world: "World", handle: Handle) -> bool:
    """Start taking the object out of the archive; False when it was not in there.

    The object store takes hours for it. Here the next request finds the work done: the wait has no lesson in it,
    that a first request only starts the work has.
    """
    bucket, key = handle.bucket or "", handle.key or ""
    stored = world.objects.head(bucket, key)
    if not stored.attributes.needs_restore:
        return False
    thawed = replace(stored, attributes=replace(stored.attributes, storage_class=_THAWED))
    world.objects.bucket(bucket).put(key, thawed)
    return True


def _start(world: "World", call: Call) -> Answer:
    return world.jobs.start(world, call.user, KIND, call.body, lambda: restore(world, call.user, call.body))


_SCOPES = (Scope.VIEW, Scope.MODIFY)
ROUTES = (
    Route(base=Base.FILE, method="POST", template="/fileHandle/restore/async/start", handler=_start, scopes=_SCOPES),
    Route(
        base=Base.FILE,
        method="GET",
        template="/fileHandle/restore/async/get/{token}",
        handler=outcome_of("token"),
        scopes=_SCOPES,
    ),
)
