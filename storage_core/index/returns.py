"""Places that are changed back to their old handles.

A place is claimed while it refers to a new handle; changed back it is ROLLED_BACK at once, with the step RETURNED
until it was read back, so that a run that is killed in between knows what is left.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from storage_core.index.database import Database, arrow_table
from storage_core.index.rows import PlaceKind, association, entity_id_of, numbers, proven_copy
from storage_core.model.ids import ColumnId, FileHandleId, PrincipalId, StorageLocationId
from storage_core.model.places import FileVersion, TableCell
from storage_core.model.repoints import Drifted, Repointed, RepointFailed, RepointOutcome, SwapCellHandle
from storage_core.model.returns import HandleOutcome, HandleToReturn, OldHandle, ReturnRefused, ReturnsAhead
from storage_core.model.settings import MigrationSettings
from storage_core.model.tallies import Tally
from storage_core.model.works import CellsWork, RepointWork, Verified, VerifyFailed, VerifyWork
from storage_core.plan.repointing import take_back

_REFERS_TO_NEW = """item.to_handle is not null and item.step in ('SETTLED', 'DAMAGED')
    and item.status in ('MIGRATED', 'ERRORED')
    and exists (select 1 from copy c where c.from_handle = item.from_handle and c.to_handle = item.to_handle
        and c.status = 'PROVEN')"""

# Read through a place that still refers to the old handle, if there is one: an older version, or a table.
_OLD_HANDLES = f"""
select copy.copy_id, copy.from_handle, s.created_by, door.entity, door.kind
from copy join copy_source s on s.copy_id = copy.copy_id
    join (
        select from_handle, arg_min(entity, turn) as entity, arg_min(kind, turn) as kind
        from (
            select from_handle, entity, kind, case place when 'new' then 0 when 'cell' then 1 else 2 end as turn
            from item where {_REFERS_TO_NEW}
        )
        group by from_handle
    ) door on door.from_handle = copy.from_handle
where copy.copy_id > ? and copy.copy_id not in (select copy_id from return_handle)
order by copy.copy_id limit ?
"""  # noqa: S608 - a constant

_COLUMNS = """item.item_id, item.entity, coalesce(item.new_version, item.version), item.row_id, item.col_id,
    copy.copy_id, item.from_handle, item.to_handle, copy.proof, r.handle"""

_READY = f"""
select {_COLUMNS} from item join copy on copy.from_handle = item.from_handle
    join return_handle r on r.copy_id = copy.copy_id
where {_REFERS_TO_NEW} and item.item_id > ?
"""  # noqa: S608 - a constant

_VERSIONS = f"{_READY} and item.place <> '{PlaceKind.CELL}' order by item.item_id limit ?"
_REST_OF_ENTITY = f"{_READY} and item.entity = ? and item.place <> '{PlaceKind.CELL}' order by item.item_id"
_CELLS = f"{_READY} and item.place = '{PlaceKind.CELL}' order by item.item_id limit ?"

_NOW_AT = """
select item.item_id, r.handle, item.from_handle, item.file_size
from item join good on item.item_id = good.number join copy on copy.from_handle = item.from_handle
    join return_handle r on r.copy_id = copy.copy_id
"""

_RETURNED = """
update item set status = 'ROLLED_BACK', step = 'RETURNED', reason = null, detail = back.detail, updated_at = ?
from back where item.item_id = back.item_id
"""

_STAYED = """
update item set status = bad.status, step = 'SETTLED', reason = bad.reason, detail = bad.detail, updated_at = ?
from bad where item.item_id = bad.item_id
"""

_TO_READ_BACK = """
select item.item_id, r.handle, item.entity, item.kind, item.from_location, item.file_size, item.md5
from item join copy on copy.from_handle = item.from_handle join return_handle r on r.copy_id = copy.copy_id
where item.step = 'RETURNED' and item.item_id > ? order by item.item_id limit ?
"""

_READ_BACK = """
update item set step = 'SETTLED', updated_at = ? from good
where item.item_id = good.number and item.step = 'RETURNED' returning item.file_size
"""

_PLACES_OF_COPIES = f"""
select item.item_id, refused.reason, refused.detail
from item join copy on copy.from_handle = item.from_handle join refused on refused.item_id = copy.copy_id
where {_REFERS_TO_NEW}
"""  # noqa: S608 - a constant

_AHEAD = f"""
select count(*), coalesce(sum(file_size), 0)::bigint, count(*) filter (place = 'cell'),
    count(distinct entity) filter (place = 'cell'), count(*) filter (place <> 'new'),
    coalesce(bit_xor(hash(item_id, entity, from_handle, to_handle)), 0)
from item where {_REFERS_TO_NEW}
"""  # noqa: S608 - a constant

_HANDLES_AHEAD = f"""
select count(distinct copy.copy_id) filter (s.created_by is not distinct from ?),
    count(distinct copy.copy_id) filter (s.created_by is distinct from ?)
from item join copy on copy.from_handle = item.from_handle join copy_source s on s.copy_id = copy.copy_id
where {_REFERS_TO_NEW}
"""  # noqa: S608 - a constant

_BAD_SCHEMA = pa.schema(
    [("item_id", pa.int64()), ("status", pa.string()), ("reason", pa.string()), ("detail", pa.string())]
)
_HANDLE_SCHEMA = pa.schema([("copy_id", pa.int64()), ("handle", pa.int64())])


class _Ready(NamedTuple):
    item_id: int
    entity: int
    version: int
    row_id: int | None
    col_id: int | None
    copy_id: int
    from_handle: int
    to_handle: int
    proof: str | None
    handle: int


class ReturnTables:
    """Implements ports.returns.ReturnLedger."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def returns_ahead(self, user: PrincipalId | None) -> ReturnsAhead:
        """See ports.returns.ReturnLedger."""
        ((places, size, cells, tables, in_place, mixed),) = self._database.rows(_AHEAD)
        ((own, other),) = self._database.rows(_HANDLES_AHEAD, [user, user])
        ((unverified,),) = self._database.rows("select count(*) from item where step = 'RETURNED'")
        ((changed,),) = self._database.rows(
            "select count(*) from item where status = 'DRIFTED' and to_handle is not null"
        )
        ((first,),) = self._database.rows("select min(recorded_at) from journal where event = 'repointed'")
        return ReturnsAhead(
            places=places,
            size_bytes=size,
            cells=cells,
            tables=tables,
            in_place=in_place,
            own_handles=own,
            other_handles=other,
            unverified=unverified,
            changed_since=changed,
            first_change=first,
            fingerprint=f"{places:x}-{unverified:x}-{mixed:016x}",
        )

    def pending_old_handles(self, *, after: int, limit: int) -> tuple[OldHandle, ...]:
        """See ports.returns.ReturnLedger."""
        return tuple(
            OldHandle(
                copy_id=copy_id,
                association=association(FileHandleId(str(handle)), entity, kind),
                owner=None if owner is None else PrincipalId(owner),
            )
            for copy_id, handle, owner, entity, kind in self._database.rows(_OLD_HANDLES, [after, limit])
        )

    def record_old_handles(self, outcomes: Sequence[HandleOutcome]) -> Tally:
        """See ports.returns.ReturnLedger."""
        ready = [(one.copy_id, int(one.handle)) for one in outcomes if isinstance(one, HandleToReturn)]
        refused = [one for one in outcomes if isinstance(one, ReturnRefused)]
        with self._database.transaction():
            if ready:
                table = arrow_table(_HANDLE_SCHEMA, ready)
                self._database.rows("insert into return_handle select * from ready", ready=table)
            rows = [(one.copy_id, "", one.reason.value, one.detail) for one in refused]
            held = self._database.rows(_PLACES_OF_COPIES, refused=arrow_table(_BAD_SCHEMA, rows)) if rows else []
            self._stay([(item_id, "ERRORED", reason, detail) for item_id, reason, detail in held])
        return Tally(done=len(ready), failed=len(held))

    def pending_returns(self, *, after: int, limit: int) -> tuple[RepointWork, ...]:
        """See ports.returns.ReturnLedger."""
        found = [_Ready(*row) for row in self._database.rows(_VERSIONS, [after, limit])]
        if len(found) == limit:
            whole = [ready for ready in found if ready.entity != found[-1].entity]
            rest = self._database.rows(_REST_OF_ENTITY, [after, found[-1].entity]) if not whole else []
            found = whole or [_Ready(*row) for row in rest]
        by_entity: dict[int, list[_Ready]] = {}
        for ready in found:
            by_entity.setdefault(ready.entity, []).append(ready)
        return tuple(_versions(entity, places) for entity, places in by_entity.items())

    def pending_cell_returns(self, *, after: int, limit: int) -> tuple[CellsWork, ...]:
        """See ports.returns.ReturnLedger."""
        by_table: dict[int, list[_Ready]] = {}
        for row in self._database.rows(_CELLS, [after, limit]):
            ready = _Ready(*row)
            by_table.setdefault(ready.entity, []).append(ready)
        works = [
            CellsWork(last_item_id=cells[-1].item_id, table_id=entity_id_of(table), changes=tuple(map(_cell, cells)))
            for table, cells in by_table.items()
        ]
        return tuple(sorted(works, key=lambda work: work.last_item_id))

    def record_returns(self, outcomes: Sequence[RepointOutcome]) -> Tally:
        """See ports.returns.ReturnLedger."""
        done = [one.item_id for one in outcomes if isinstance(one, Repointed)]
        drifted = [one for one in outcomes if isinstance(one, Drifted)]
        failed = [one for one in outcomes if isinstance(one, RepointFailed)]
        with self._database.transaction():
            changed = self._database.rows(_NOW_AT, good=numbers(done)) if done else []
            if changed:
                rows = [(item, "", "", _detail(handle, source)) for item, handle, source, _ in changed]
                self._database.rows(_RETURNED, [self._database.now()], back=arrow_table(_BAD_SCHEMA, rows))
            self._database.journal(
                [("rolled back", "item", item, f"refers to handle {handle} again") for item, handle, *_ in changed]
            )
            self._stay(
                [(one.item_id, "DRIFTED", one.reason.value, one.detail) for one in drifted]
                + [(one.item_id, "ERRORED", one.reason.value, one.detail) for one in failed]
            )
        size = sum(size or 0 for *_, size in changed)
        return Tally(done=len(changed), drifted=len(drifted), failed=len(failed), size_bytes=size)

    def pending_return_checks(self, *, after: int, limit: int) -> tuple[VerifyWork, ...]:
        """See ports.returns.ReturnLedger."""
        return tuple(
            VerifyWork(
                item_id=item_id,
                association=association(FileHandleId(str(handle)), entity, kind),
                destination=StorageLocationId(location),
                size_bytes=size,
                md5=md5,
            )
            for item_id, handle, entity, kind, location, size, md5 in self._database.rows(_TO_READ_BACK, [after, limit])
        )

    def record_return_checks(self, outcomes: Sequence[Verified | VerifyFailed]) -> Tally:
        """See ports.returns.ReturnLedger."""
        good = [one.item_id for one in outcomes if isinstance(one, Verified)]
        bad = [one for one in outcomes if isinstance(one, VerifyFailed)]
        with self._database.transaction():
            sizes = self._database.rows(_READ_BACK, [self._database.now()], good=numbers(good)) if good else []
            self._database.journal([("verified", "item", item_id, "read back as rolled back") for item_id in good])
            self._stay([(one.item_id, "ERRORED", one.reason.value, one.detail) for one in bad])
        return Tally(done=len(good), failed=len(bad), size_bytes=sum(size or 0 for (size,) in sizes))

    def _stay(self, bad: Sequence[tuple[int, str, str, str]]) -> None:
        """Note places that are not rolled back, and why."""
        if bad:
            self._database.rows(_STAYED, [self._database.now()], bad=arrow_table(_BAD_SCHEMA, bad))
            self._database.journal(
                [("not rolled back", "item", item_id, f"{reason}: {detail}") for item_id, _, reason, detail in bad]
            )


def _detail(handle: int, source: int) -> str | None:
    return None if handle == source else f"refers to file handle {handle}, a record of the same object as {source}"


def _versions(entity: int, places: Sequence[_Ready]) -> RepointWork:
    """A version that the migration added is changed back in place, like any other."""
    entity_id = entity_id_of(entity)
    return RepointWork(
        last_item_id=places[-1].item_id,
        entity_id=entity_id,
        changes=tuple(
            take_back(
                ready.item_id,
                FileVersion(entity_id=entity_id, version=ready.version),
                proven_copy(ready.copy_id, ready.from_handle, ready.to_handle, ready.proof),
                FileHandleId(str(ready.handle)),
            )
            for ready in places
        ),
    )


def _cell(ready: _Ready) -> SwapCellHandle:
    if ready.row_id is None:
        raise ValueError(f"item {ready.item_id} is a cell without a row")
    place = TableCell(
        table_id=entity_id_of(ready.entity),
        row_id=ready.row_id,
        column_id=ColumnId(str(ready.col_id)),
        row_version=ready.version,
    )
    copy = proven_copy(ready.copy_id, ready.from_handle, ready.to_handle, ready.proof)
    return take_back(ready.item_id, place, copy, FileHandleId(str(ready.handle)))
