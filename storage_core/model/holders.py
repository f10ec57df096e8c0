"""Owners of file handles that no migration moves: wiki pages, and previews."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId


class HolderKind(StrEnum):
    """Who holds a handle, in the words of reports."""

    WIKI = "wiki attachments"
    PREVIEW = "previews"


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiSeen:
    """The wiki of one entity. Without pages: it has none. `is_hidden`: the caller may not read it."""

    owner_id: EntityId
    pages: int = 0
    attachments: tuple[FileHandle, ...] = ()
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSeen:
    """What is known of the preview of one old handle; `preview` is None when it has none.

    Attributes:
        is_hidden: the old handle cannot be seen any more, so nobody knows.
    """

    of: FileHandleId
    location_id: StorageLocationId
    preview: FileHandleId | None = None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Distinct handles of one kind of holder in one storage location; `size_bytes` is None where nobody knows it."""

    kind: HolderKind
    location_id: StorageLocationId
    handles: int
    size_bytes: int | None
