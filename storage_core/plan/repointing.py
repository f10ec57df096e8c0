"""What to send for a place, and what a refusal means. Only a proven copy can be asked for."""

from typing import assert_never, overload

from storage_core.model.copies import ProvenCopy
from storage_core.model.entities import FileSnapshot
from storage_core.model.ids import FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, NewVersion, Place, TableCell
from storage_core.model.repoints import (
    AddVersion,
    Drifted,
    KeptEntity,
    Repoint,
    Repointed,
    RepointFailed,
    RepointOutcome,
    SwapCellHandle,
    SwapVersionHandle,
)


@overload
def repoint(item_id: int, place: TableCell, copy: ProvenCopy) -> SwapCellHandle: ...
@overload
def repoint(
    item_id: int, place: FileVersion | NewVersion, copy: ProvenCopy, kept: KeptEntity | None = None
) -> SwapVersionHandle | AddVersion: ...
def repoint(item_id: int, place: Place, copy: ProvenCopy, kept: KeptEntity | None = None) -> Repoint:
    """Say which change to send for a place; it names what it expects, so that a faster change is noticed.

    The only maker of changes (a test looks): a place is repointed to a proven copy, or not at all.

    Args:
        kept: needed for a new version, of no use otherwise.

    Raises:
        ValueError: a new version was indexed without etag or body. A bug, never bad input.
    """
    match place:
        case FileVersion():
            return SwapVersionHandle(item_id=item_id, place=place, expect=copy.source, new=copy.new)
        case NewVersion():
            if kept is None:
                raise ValueError(f"item {item_id} was indexed without etag or body")
            return AddVersion(
                item_id=item_id,
                place=place,
                expect=copy.source,
                new=copy.new,
                etag=kept.etag,
                body=kept.body,
                activity_id=kept.activity_id,
            )
        case TableCell():
            return SwapCellHandle(item_id=item_id, place=place, expect=copy.source, new=copy.new)
        case _:
            assert_never(place)


@overload
def take_back(item_id: int, place: TableCell, copy: ProvenCopy, onto: FileHandleId) -> SwapCellHandle: ...
@overload
def take_back(item_id: int, place: FileVersion, copy: ProvenCopy, onto: FileHandleId) -> SwapVersionHandle: ...
def take_back(
    item_id: int, place: FileVersion | TableCell, copy: ProvenCopy, onto: FileHandleId
) -> SwapVersionHandle | SwapCellHandle:
    """The same change with the handles exchanged: from the copy back to its source.

    Args:
        onto: the copy's source, or another record of the very same object.
    """
    match place:
        case FileVersion():
            return SwapVersionHandle(item_id=item_id, place=place, expect=copy.new, new=onto)
        case TableCell():
            return SwapCellHandle(item_id=item_id, place=place, expect=copy.new, new=onto)
        case _:
            assert_never(place)


def explain_refused_swap(change: SwapVersionHandle, found: FileHandleId | None) -> RepointOutcome:
    """Tell the two meanings of a 412 apart, now that the version was read again (contract 6.6).

    Args:
        found: the handle the version has now.
    """
    if found == change.new:
        return Repointed(item_id=change.item_id, found_done=True)
    if found == change.expect:
        return RepointFailed(
            item_id=change.item_id,
            reason=ReasonCode.REFUSED,
            detail=f"Synapse refused handle {change.new} for this version although it still has {change.expect}: "
            "it says their MD5s differ",
        )
    return Drifted(
        item_id=change.item_id,
        reason=ReasonCode.HANDLE_CHANGED,
        detail=f"expected handle {change.expect}, found {found}",
    )


def explain_refused_version(change: AddVersion, found: FileSnapshot) -> RepointOutcome:
    """Say what a refused or unanswered new version came to, now that the entity was read again (contract 13.6)."""
    if found.handle_id == change.new:
        return Repointed(item_id=change.item_id, new_version=found.version, found_done=True)
    if found.handle_id != change.expect:
        return Drifted(
            item_id=change.item_id,
            reason=ReasonCode.HANDLE_CHANGED,
            detail=f"expected handle {change.expect}, found {found.handle_id} in version {found.version}",
        )
    return Drifted(
        item_id=change.item_id,
        reason=ReasonCode.ENTITY_CHANGED,
        detail=f"the entity's etag is {found.etag}, it was {change.etag} when indexed",
    )
