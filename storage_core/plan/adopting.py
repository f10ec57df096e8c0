"""What an index of the existing client is worth. Pure.

It knows no names, MD5s, etags or bodies, and not what it left out, so the tree is walked again and files are read again
(decision 0013). Two things are kept: versions that are certainly at the destination are not read, and copies
that were made are not made twice. Whatever else the old index says, Synapse is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from storage_core.model.adoptions import (
    Adoption,
    FinishedCopy,
    FinishedVersion,
    Maker,
    OldCounts,
    OldKind,
    OldRow,
    OldStatus,
)
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, parse_entity_id, parse_storage_location_id
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus
from storage_core.model.places import FileVersion
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.plan.parts import MIB

_CONTAINERS = frozenset({OldKind.PROJECT, OldKind.FOLDER})
_DONE = frozenset({OldStatus.MIGRATED, OldStatus.ALREADY_MIGRATED})
_S3_HANDLE = "org.sagebionetworks.repo.model.file.S3FileHandle"

_SMALLEST_PART_BYTES = 100 * MIB
_PARTS_AT_MOST = 10_000

_Place = tuple[EntityId, OldKind, int | None, int | None, str | None]

_WORTH = (OldStatus.ERRORED, OldStatus.INDEXED, OldStatus.ALREADY_MIGRATED, OldStatus.MIGRATED)
"""Of two rows for one place the one further on counts: it was written when something had been done."""


def settings_of(told: Mapping[str, object]) -> MigrationSettings:
    """The settings of an old index; numbers may be texts, and no source locations may be null (import rule 7).

    Raises:
        KeyError: one is missing.
        ValueError, TypeError, UsageError: one is none that the client writes.
    """
    sources = told["source_storage_location_ids"] or []
    if not isinstance(sources, list):
        raise TypeError(f"source_storage_location_ids is {sources!r}")
    destination = parse_storage_location_id(str(told["dest_storage_location_id"]))
    named = dict.fromkeys(parse_storage_location_id(str(source)) for source in sources)
    return MigrationSettings(
        roots=(parse_entity_id(str(told["root_id"])),),
        destination=destination,
        # the client let the destination be a source as well: nothing in it moves, and our own runs refuse it
        source_location_ids=tuple(one for one in named if one != destination) or tuple(named),
        strategy=FileVersionStrategy(str(told["file_version_strategy"])),
        include_tables=bool(told["include_table_files"]),
    )


def adopt(settings: MigrationSettings, maker: Maker, rows: Iterable[OldRow]) -> Adoption:
    """Decide what to carry over."""
    everything = list(rows)
    folded = _folded(everything)
    counts = replace(_counted(folded), rows=len(everything), repeated=len(everything) - len(folded))
    return Adoption(
        settings=settings,
        maker=maker,
        counts=counts,
        versions=_finished_versions(settings, maker, folded),
        copies=_finished_copies(folded),
    )


def places_of_finished(
    header: EntityHeader,
    parent_id: EntityId | None,
    finished: Sequence[FinishedVersion],
    settings: MigrationSettings,
) -> tuple[IndexedItem, ...]:
    """The items of a file that need not be read: all its versions that count are known to be at the destination.

    Empty when it has to be read: the listing shows a newer version, or nothing certain is known of one of them.
    """
    known = {one.version: one for one in finished}
    counting = range(1, header.version + 1) if settings.strategy is FileVersionStrategy.ALL else (header.version,)
    if header.kind is not EntityKind.FILE or any(version not in known for version in counting):
        return ()
    return tuple(_item(header, parent_id, known[version], settings) for version in counting)


def _item(
    header: EntityHeader, parent_id: EntityId | None, one: FinishedVersion, settings: MigrationSettings
) -> IndexedItem:
    handle = FileHandle(
        id=one.handle,
        kind=HandleKind.S3,
        concrete_type=_S3_HANDLE,
        storage_location_id=settings.destination,
        size_bytes=one.size_bytes,
    )
    facts = ItemFacts(
        entity_id=header.id,
        parent_id=parent_id,
        name=header.name,
        place=FileVersion(entity_id=header.id, version=one.version),
        handle_id=one.handle,
        handle=handle,
    )
    detail = None if one.source is None else f"synapseclient had put it in the place of handle {one.source}"
    return IndexedItem(facts=facts, status=ItemStatus.ALREADY_MIGRATED, detail=detail)


def _folded(rows: Iterable[OldRow]) -> list[OldRow]:
    """Each place once: the old table's key is not enforced where it holds nulls (import rule 8)."""
    by_place: dict[_Place, OldRow] = {}
    for row in rows:
        place = (row.entity_id, row.kind, row.version, row.row_id, row.column_id)
        known = by_place.get(place)
        if known is None or _WORTH.index(row.status) > _WORTH.index(known.status):
            by_place[place] = row
    return list(by_place.values())


def _counted(rows: Sequence[OldRow]) -> OldCounts:
    places = [row for row in rows if row.kind not in _CONTAINERS]
    errored = [row for row in rows if row.status is OldStatus.ERRORED]
    return OldCounts(
        containers=len(rows) - len(places) - sum(row.kind in _CONTAINERS for row in errored),
        waiting=sum(row.status is OldStatus.INDEXED for row in places),
        migrated=sum(row.status is OldStatus.MIGRATED for row in places),
        already_there=sum(row.status is OldStatus.ALREADY_MIGRATED for row in places),
        not_indexed=sum(row.from_handle is None for row in errored),
        not_migrated=sum(row.from_handle is not None for row in errored),
    )


def _finished_versions(
    settings: MigrationSettings, maker: Maker, rows: Sequence[OldRow]
) -> tuple[FinishedVersion, ...]:
    """Versions that were changed in place, or needed no change.

    None under strategy new, whose rows do not say which version was added; and none of an `all` index of the models,
    which gives every version the handle of the newest (import rule 4).
    """
    is_mistaken = settings.strategy is FileVersionStrategy.ALL and maker is Maker.MODELS
    if settings.strategy not in {FileVersionStrategy.LATEST, FileVersionStrategy.ALL} or is_mistaken:
        return ()
    return tuple(
        FinishedVersion(
            entity_id=row.entity_id,
            version=row.version,
            handle=handle,
            source=row.from_handle if row.status is OldStatus.MIGRATED else None,
            size_bytes=row.size_bytes,
        )
        for row in rows
        if row.kind is OldKind.FILE and row.version is not None and (handle := _handle_now(row)) is not None
    )


def _handle_now(row: OldRow) -> FileHandleId | None:
    """The handle of a finished place; None while it is not finished, or when the row does not say."""
    if row.status not in _DONE:
        return None
    return row.to_handle if row.status is OldStatus.MIGRATED else row.from_handle


def _finished_copies(rows: Sequence[OldRow]) -> tuple[FinishedCopy, ...]:
    """One copy per source handle. The client attached each of them somewhere, so none is an orphan."""
    copies: dict[FileHandleId, FinishedCopy] = {}
    for row in rows:
        is_known = row.from_handle is not None and row.to_handle is not None and bool(row.size_bytes)
        if row.status is OldStatus.MIGRATED and is_known and row.from_handle not in copies:
            copy = _copy_of(row)
            copies[copy.source] = copy
    return tuple(copies.values())


def _copy_of(row: OldRow) -> FinishedCopy:
    size = row.size_bytes or 0
    return FinishedCopy(
        source=FileHandleId(str(row.from_handle)),
        new=FileHandleId(str(row.to_handle)),
        size_bytes=size,
        # the size that the client asks for
        part_size_bytes=max(_SMALLEST_PART_BYTES, -(-size // _PARTS_AT_MOST)),
    )
