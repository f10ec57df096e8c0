"""What wikis and previews come to, and how the index tells of it. Pure."""

from collections.abc import Iterable, Sequence

from storage_core.model.handles import FileHandle
from storage_core.model.holders import Held, HolderKind, PreviewSeen, WikiSeen
from storage_core.model.ids import FileHandleId, StorageLocationId

HELD_EVENT = "held elsewhere"
COUNTED_EVENT = "other owners counted"


def held_by(wikis: Iterable[WikiSeen], previews: Iterable[PreviewSeen]) -> tuple[Held, ...]:
    """Distinct handles by kind of holder and storage location."""
    attached: dict[FileHandleId, FileHandle] = {one.id: one for wiki in wikis for one in wiki.attachments}
    by_location: dict[StorageLocationId, list[FileHandle]] = {}
    for handle in attached.values():
        by_location.setdefault(handle.storage_location_id, []).append(handle)
    found = [
        Held(
            kind=HolderKind.WIKI,
            location_id=location,
            handles=len(handles),
            size_bytes=sum(handle.size_bytes or 0 for handle in handles),
        )
        for location, handles in sorted(by_location.items())
    ]
    shown: dict[StorageLocationId, set[FileHandleId]] = {}
    for seen in previews:
        if seen.preview is not None:
            shown.setdefault(seen.location_id, set()).add(seen.preview)
    return (
        *found,
        *(
            Held(kind=HolderKind.PREVIEW, location_id=location, handles=len(ids), size_bytes=None)
            for location, ids in sorted(shown.items())
        ),
    )


def counted_text(wikis: Sequence[WikiSeen], previews: Sequence[PreviewSeen]) -> str:
    """What was looked at and what could not be seen, in a sentence that the report repeats."""
    with_pages = [wiki for wiki in wikis if wiki.pages]
    hidden_wikis = sum(wiki.is_hidden for wiki in wikis)
    hidden = sum(seen.is_hidden for seen in previews)
    told = [
        f"looked for wikis of {len(wikis):,} projects and folders",
        f"{len(with_pages):,} have one, with {sum(wiki.pages for wiki in with_pages):,} pages in all",
        f"looked for previews of {len(previews):,} old handles",
    ]
    told += [f"{hidden_wikis:,} wikis may not be read"] if hidden_wikis else []
    told += [f"{hidden:,} old handles can no longer be seen, so their previews are not known"] if hidden else []
    return "; ".join(told)


def held_text(held: Held) -> str:
    """One line of the journal; reports read it back by its form."""
    size = "unknown" if held.size_bytes is None else str(held.size_bytes)
    return f"{held.kind}; storage location {held.location_id}; {held.handles} handles; {size} bytes"
