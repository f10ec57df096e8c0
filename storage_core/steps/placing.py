"""Makes a file entity refer to a handle: a new one, or a new version of one that is there."""

from dataclasses import dataclass, replace

from storage_core.errors import AnswerLost, Conflict, PreconditionFailed, UsageError
from storage_core.model.entities import EntityKind, FileSnapshot
from storage_core.model.ids import ActivityId, EntityId, FileHandleId
from storage_core.model.transfers import FileChange, FileState, NewFile, UploadResult
from storage_core.model.trees import FileDetails
from storage_core.ports.transfers import Files

_MOST_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a handle is to appear; `activity_id` says how the version came about."""

    container_id: EntityId
    name: str
    description: str | None = None
    version_comment: str | None = None
    activity_id: ActivityId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entity that refers to the handle.

    Attributes:
        state: its etag is known only where nobody can have changed the entity since *present* was read.
    """

    state: FileState
    result: UploadResult


async def find_file(name: str, container_id: EntityId, files: Files) -> FileSnapshot | None:
    """The newest version of the file of that name; None when the name is free. One or two calls.

    Raises:
        UsageError: something else has that name.
    """
    found = await files.child_named(name, container_id)
    return None if found is None else await read_file(found, files)


async def read_file(entity_id: EntityId, files: Files, *, version: int | None = None) -> FileSnapshot:
    """A version of a file. One call.

    Raises:
        UsageError: it is no file.
    """
    return _require_file(await files.file(entity_id, version=version))


async def read_details(entity_id: EntityId, files: Files) -> FileDetails:
    """The newest version of a file with annotations and provenance. One call.

    Raises:
        UsageError: it is no file.
    """
    found = await files.details(entity_id)
    _require_file(found.snapshot)
    return found


def _require_file(found: FileSnapshot) -> FileSnapshot:
    if found.kind is EntityKind.FILE:
        return found
    raise UsageError(f"{found.entity_id} ({found.name}) is a {found.kind}, no file.", fix="Give the id of a file.")


async def place_handle(handle_id: FileHandleId, place: Place, present: FileSnapshot | None, files: Files) -> Placed:
    """Have the entity refer to the handle. One call, and some more when somebody else works on it too.

    *present* is the entity as it was read, None when the name was free. Whatever somebody changed meanwhile is kept:
    a changed entity is read again, and the new content becomes a version on top of it.

    Raises:
        PreconditionFailed, Conflict: somebody keeps changing it, or making and removing it.
    """
    placed = await _placed(handle_id, place, present, files)
    if placed.result is UploadResult.NEW_VERSION and place.version_comment is not None:
        await _comment(placed.state.entity_id, place.version_comment, files)
        return replace(placed, state=replace(placed.state, etag=""))
    return placed


async def _placed(handle_id: FileHandleId, place: Place, present: FileSnapshot | None, files: Files) -> Placed:
    for tried in range(_MOST_TRIES - 1):
        try:
            placed = await _place_once(handle_id, place, present, files)
            return placed if tried == 0 else replace(placed, state=replace(placed.state, etag=""))
        except (AnswerLost, Conflict, PreconditionFailed):
            # done without our knowing it, or somebody was faster: as it is now tells
            present = await _present_now(place, present, files)
            if present is not None and present.handle_id == handle_id:
                state = FileState(entity_id=present.entity_id, version=present.version, handle_id=handle_id)
                result = UploadResult.CREATED if present.version == 1 else UploadResult.NEW_VERSION
                return Placed(state=state, result=result)
    placed = await _place_once(handle_id, place, present, files)
    return replace(placed, state=replace(placed.state, etag=""))


async def _place_once(handle_id: FileHandleId, place: Place, present: FileSnapshot | None, files: Files) -> Placed:
    if present is None:
        new = NewFile(
            parent_id=place.container_id,
            name=place.name,
            handle_id=handle_id,
            description=place.description,
            version_comment=place.version_comment,
            activity_id=place.activity_id,
        )
        return Placed(state=await files.create_file(new), result=UploadResult.CREATED)
    change = FileChange(
        entity_id=present.entity_id,
        etag=present.etag,
        body=present.body,
        handle_id=handle_id,
        description=place.description,
        activity_id=place.activity_id,
    )
    return Placed(state=await files.change_file(change), result=UploadResult.NEW_VERSION)


async def _comment(entity_id: EntityId, comment: str, files: Files) -> None:
    """Write the comment of the version that was just added: sent along with other content it is lost (contract 6.5)."""
    present = await read_file(entity_id, files)
    if present.handle_id is not None:
        await files.change_file(
            FileChange(
                entity_id=entity_id,
                etag=present.etag,
                body=present.body,
                handle_id=present.handle_id,
                is_new_version=False,
                version_comment=comment,
            )
        )


async def _present_now(place: Place, present: FileSnapshot | None, files: Files) -> FileSnapshot | None:
    if present is not None:
        return await read_file(present.entity_id, files)
    return await find_file(place.name, place.container_id, files)
