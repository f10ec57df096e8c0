"""A new index from an old one of synapseclient."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from storage_core.errors import IndexUnusable, UsageError
from storage_core.index.adoption import OldIndex, read_old_index
from storage_core.index.database import utc_now
from storage_core.index.opening import open_index, resolved


def import_old_index(old: Path, new: Path, *, now: Callable[[], datetime] = utc_now) -> OldIndex:
    """Make the index *new*, bound to the settings of *old*, from what can be trusted of it. *old* stays as it is.

    Raises:
        UsageError: there is no *old*, or no folder for *new*.
        IndexUnusable: *old* is no index of synapseclient's, or *new* is there already.
        IndexInUse: a process has *new* open.
    """
    target = resolved(new)
    if target.exists() and target.stat().st_size > 0:
        raise IndexUnusable(
            f"{new} is there already.", fix="Give a path where there is none: an import starts a new index."
        )
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent}.", fix="Make it, or give another path for the index.")
    imported = read_old_index(old, room=target.parent)
    with open_index(target, imported.adoption.settings, create=True, now=now) as index:
        index.adopt(imported.adoption, told=_told(old, imported))
        index.remember("adopted_from_sha256", imported.sha256)
    return imported


def _told(old: Path, imported: OldIndex) -> str:
    """What an auditor wants to find again."""
    adoption, counts = imported.adoption, imported.adoption.counts
    return (
        f"from {old.name} (SHA-256 {imported.sha256}), made by {adoption.maker}: {counts.rows} rows, of them"
        f" {counts.repeated} repeated; {counts.containers} containers, {counts.waiting} places waiting,"
        f" {counts.migrated} migrated, {counts.already_there} already there, {counts.not_migrated} failed to migrate,"
        f" {counts.not_indexed} entities failed to be indexed; carried over: {len(adoption.versions)} finished"
        f" versions, {len(adoption.copies)} copies; everything else is looked at again"
    )
