"""Has a file say about itself what it shall: annotations and provenance. Safe to repeat at any point."""

from contextlib import suppress
from dataclasses import replace

from storage_core.errors import AnswerLost, PreconditionFailed
from storage_core.model.entities import FileSnapshot
from storage_core.model.ids import ActivityId, FileHandleId
from storage_core.model.transfers import FileChange, FileState, UploadOrder, UploadResult
from storage_core.model.trees import FileDetails, Provenance, WantedMetadata
from storage_core.plan.metadata import MetadataChanges, changes_of
from storage_core.ports.transfers import Files

_MOST_TRIES = 4


async def activity_for(provenance: Provenance | None, files: Files) -> ActivityId | None:
    """An activity that says so, for a version about to be made. One call; None without one."""
    return None if provenance is None else await files.create_activity(provenance)


async def annotate_placed(state: FileState, changes: MetadataChanges, wanted: WantedMetadata, files: Files) -> None:
    """Give a version that was just made, with its provenance, its annotations. One call where any are wanted.

    What others wrote meanwhile stays: then the file is read again first.
    """
    if changes.annotations is None:
        return
    if state.etag:
        try:
            await files.annotate(state.entity_id, state.etag, changes.annotations)
        except (AnswerLost, PreconditionFailed):
            pass  # somebody was faster, or it is done without our knowing: reading tells
        else:
            return
    await change_metadata(await files.details(state.entity_id), wanted, files)


async def apply_metadata(details: FileDetails, order: UploadOrder, files: Files) -> tuple[FileDetails, UploadResult]:
    """Have a file whose content stays say what the order wants; the newest version, and what was done to it."""
    if order.metadata.is_empty:
        return details, UploadResult.UNCHANGED
    if order.is_metadata_versioned:
        newest = await _version_metadata(details, order.metadata, files)
        return (details, UploadResult.UNCHANGED) if newest is None else (newest, UploadResult.NEW_VERSION)
    is_changed = await change_metadata(details, order.metadata, files)
    return details, UploadResult.UPDATED if is_changed else UploadResult.UNCHANGED


async def change_metadata(details: FileDetails, wanted: WantedMetadata, files: Files) -> bool:
    """Change the newest version where it does not say what is wanted; whether it did not. At most three calls.

    Raises:
        UsageError: see `plan.metadata.changes_of`.
        PreconditionFailed: somebody keeps changing it.
    """
    differed = False
    for _ in range(_MOST_TRIES - 1):
        changes = changes_of(details, wanted)
        if changes.is_empty:
            return differed
        differed = True
        try:
            await _write(details.snapshot, changes, files)
        except (AnswerLost, PreconditionFailed):
            details = await files.details(details.snapshot.entity_id)
        else:
            return True
    await _write(details.snapshot, changes_of(details, wanted), files)
    return True


async def _version_metadata(details: FileDetails, wanted: WantedMetadata, files: Files) -> FileDetails | None:
    """Put a version of the same content on top that says what is wanted, and give it back; None where all is said.

    The new version keeps what is not wanted otherwise, provenance included.
    """
    changes = changes_of(details, wanted)
    if changes.is_empty:
        return None
    present = details.snapshot
    kept = None if details.provenance == Provenance() else details.provenance
    change = FileChange(
        entity_id=present.entity_id,
        etag=present.etag,
        body=present.body,
        handle_id=FileHandleId(present.handle_id or ""),
        activity_id=await activity_for(changes.provenance or kept, files),
    )
    version = present.version
    with suppress(AnswerLost):  # made or not: the newest version is given what is wanted either way
        version = (await files.change_file(change)).version
    newest = await files.details(present.entity_id)
    await change_metadata(newest, wanted, files)
    return replace(newest, snapshot=replace(newest.snapshot, version=max(version, newest.snapshot.version)))


async def _write(present: FileSnapshot, changes: MetadataChanges, files: Files) -> None:
    # first the one that notices changes of others: the other has no etag
    if changes.annotations is not None:
        await files.annotate(present.entity_id, present.etag, changes.annotations)
    if changes.provenance is not None:
        await files.attach_activity(present.entity_id, await files.create_activity(changes.provenance))
