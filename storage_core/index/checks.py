"""What a deep verification looks at, and what it came to.

A check is noted with its result, so that a verification that was broken off goes on where it was. The results of the
last one stay until the next begins.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import pyarrow as pa

from storage_core.index.database import Database, arrow_table
from storage_core.index.rows import PlaceKind, Step, association, entity_id_of, numbers, verify_work
from storage_core.model.checks import (
    BytesCheck,
    ByteScope,
    BytesDiffer,
    BytesOutcome,
    BytesUnread,
    CellsCheck,
    CheckFinding,
    CheckReport,
    CheckResult,
    ChecksAhead,
    PlaceCheck,
    PlaceOutcome,
)
from storage_core.model.copies import ProofRung, ProvenCopy
from storage_core.model.ids import ColumnId, FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, TableCell
from storage_core.model.repoints import Drifted
from storage_core.model.settings import MigrationSettings
from storage_core.model.tallies import Tally
from storage_core.model.works import Verified, VerifyFailed

GOES_ON_FOR = timedelta(days=1)
"""A verification that was broken off longer ago than this begins anew: what it saw is no news any more."""

_PLACE, _BYTES = "place", "bytes"
_COMPLETE = "deep_check_complete"

# Places that earlier looks found changed or damaged are looked at again: they may have been put right.
_CHECKABLE = """item.to_handle is not null and item.place <> 'none' and (
    item.status in ('MIGRATED', 'DRIFTED') or (item.status = 'ERRORED' and item.reason = 'READ_BACK_DIFFERS'))"""

_TO_CHECK = f"{_CHECKABLE} and item.item_id not in (select number from checked where what = '{_PLACE}')"  # noqa: S608 - constants

# A place that somebody changed does not refer to the object any more.
_USES_OBJECT = f"({_CHECKABLE}) and item.status <> 'DRIFTED'"

_COLUMNS = """item.item_id, item.to_handle, item.entity, item.kind, item.file_size, item.md5,
    coalesce(item.new_version, item.version), item.row_id, item.col_id"""

_FILES = f"""
select {_COLUMNS} from item where item.item_id > ? and item.place <> '{PlaceKind.CELL}' and {_TO_CHECK}
order by item.item_id limit ?
"""  # noqa: S608 - constants
_CELLS = f"""
select {_COLUMNS} from item where item.item_id > ? and item.place = '{PlaceKind.CELL}' and {_TO_CHECK}
order by item.item_id limit ?
"""  # noqa: S608 - constants

_PLACES_AHEAD = f"""
select count(*) filter (place <> '{PlaceKind.CELL}'), count(*) filter (place = '{PlaceKind.CELL}'),
    count(distinct entity) filter (place = '{PlaceKind.CELL}')
from item where {_TO_CHECK}
"""  # noqa: S608 - constants

_WEAK = ", ".join(f"'{rung}'" for rung in ProofRung if rung < ProofRung.REREAD)

# One entity through which the copy may be read; whether places of it are known to be damaged.
_USED = f"""
select item.from_handle, item.to_handle, min(item.entity) as entity, arg_min(item.kind, item.entity) as kind,
    bool_or(item.step = '{Step.DAMAGED}') as is_damaged
from item where {_USES_OBJECT} group by item.from_handle, item.to_handle
"""  # noqa: S608 - constants

_OBJECTS = f"""
from copy join ({_USED}) used on used.from_handle = copy.from_handle and used.to_handle = copy.to_handle
where copy.status = 'PROVEN' and copy.copy_id not in (select number from checked where what = '{_BYTES}')
    and (? or used.is_damaged or copy.proof in ({_WEAK}))
"""  # noqa: S608 - constants

_OBJECTS_TO_READ = f"""
select copy.copy_id, copy.from_handle, copy.to_handle, copy.md5, copy.proof, used.entity, used.kind {_OBJECTS}
    and copy.copy_id > ? order by copy.copy_id limit ?
"""

_OBJECTS_AHEAD = f"select count(*), coalesce(sum(copy.file_size), 0)::bigint {_OBJECTS}"

_STANDS_AGAIN = f"""
update item set status = 'MIGRATED', reason = null, detail = null, updated_at = ? from good
where item.item_id = good.number and item.status in ('DRIFTED', 'ERRORED') and item.step <> '{Step.DAMAGED}'
returning item.item_id
"""  # noqa: S608 - constants

_STANDS_NO_MORE = f"""
update item set status = bad.status, step = '{Step.SETTLED}', reason = bad.reason, detail = bad.detail, updated_at = ?
from bad where item.item_id = bad.number and (item.step <> '{Step.DAMAGED}' or bad.status = 'DRIFTED')
"""  # noqa: S608 - constants

_DAMAGED = f"""
update item set status = 'ERRORED', step = '{Step.DAMAGED}', reason = 'READ_BACK_DIFFERS', detail = bad.detail,
    updated_at = ?
from bad join copy on copy.copy_id = bad.number
where item.from_handle = copy.from_handle and item.to_handle = copy.to_handle and {_USES_OBJECT}
returning item.item_id, item.detail
"""  # noqa: S608 - constants

_WHOLE_AGAIN = f"""
update item set status = 'MIGRATED', step = 'SETTLED', reason = null, detail = null, updated_at = ?
from good join copy on copy.copy_id = good.number
where item.from_handle = copy.from_handle and item.to_handle = copy.to_handle and item.step = '{Step.DAMAGED}'
returning item.item_id
"""  # noqa: S608 - constants

_RAISED = """
update copy set proof = higher.rung, updated_at = ? from higher
where copy.copy_id = higher.number and copy.status = 'PROVEN' and copy.proof <> higher.rung
returning copy.copy_id, copy.proof
"""

_FINDINGS = f"""
select checked.result, item.entity, coalesce(item.new_version, item.version), item.row_id, item.col_name,
    item.to_handle, checked.reason, checked.detail
from checked join item on item.item_id = checked.number
where checked.what = '{_PLACE}' and checked.result <> 'good' order by item.item_id
"""  # noqa: S608 - constants
_OBJECT_FINDINGS = f"""
select checked.result, used.entity, copy.to_handle, checked.reason, checked.detail
from checked join copy on copy.copy_id = checked.number
    join ({_USED}) used on used.from_handle = copy.from_handle and used.to_handle = copy.to_handle
where checked.what = '{_BYTES}' and checked.result <> 'good' order by copy.copy_id
"""  # noqa: S608 - constants

_CHECKED_SCHEMA = pa.schema(
    [
        ("what", pa.string()),
        ("number", pa.int64()),
        ("result", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("checked_at", pa.timestamp("us")),
    ]
)
_BAD_SCHEMA = pa.schema(
    [("number", pa.int64()), ("status", pa.string()), ("reason", pa.string()), ("detail", pa.string())]
)
_RUNG_SCHEMA = pa.schema([("number", pa.int64()), ("rung", pa.string())])


class _Check(NamedTuple):
    """A row of `checked`, but for its time."""

    what: str
    number: int
    result: CheckResult
    reason: ReasonCode | None = None
    detail: str | None = None


class CheckTables:
    """Implements ports.checks.CheckLedger."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def begin_checks(self) -> bool:
        """See ports.checks.CheckLedger. What could not be read is tried again."""
        since = self._database.now() - GOES_ON_FOR
        is_complete = bool(self._database.rows("select 1 from marker where name = ?", [_COMPLETE]))
        ((oldest,),) = self._database.rows("select min(checked_at) from checked")
        goes_on = not is_complete and oldest is not None and oldest >= since
        with self._database.transaction():
            self._database.rows("delete from marker where name = ?", [_COMPLETE])
            kept = "result <> 'unread'" if goes_on else "false"
            self._database.rows(f"delete from checked where not ({kept})")  # noqa: S608 - a constant
            began = "goes on" if goes_on else "begins"
            self._database.journal([("deep verification", None, None, began)])
        return goes_on

    def checks_ahead(self, scope: ByteScope) -> ChecksAhead:
        """See ports.checks.CheckLedger."""
        ((files, cells, tables),) = self._database.rows(_PLACES_AHEAD)
        objects, size = 0, 0
        if scope is not ByteScope.NONE:
            ((objects, size),) = self._database.rows(_OBJECTS_AHEAD, [scope is ByteScope.ALL])
        return ChecksAhead(files=files, cells=cells, tables=tables, objects=objects, size_bytes=size)

    def pending_place_checks(self, *, after: int, limit: int) -> tuple[PlaceCheck, ...]:
        """See ports.checks.CheckLedger."""
        return tuple(self._place_check(row) for row in self._database.rows(_FILES, [after, limit]))

    def pending_cell_checks(self, *, after: int, limit: int) -> tuple[CellsCheck, ...]:
        """See ports.checks.CheckLedger. Cells of one table stand together, since they were indexed together."""
        works: list[CellsCheck] = []
        run: list[PlaceCheck] = []
        for row in self._database.rows(_CELLS, [after, limit]):
            check = self._place_check(row)
            if run and run[0].work.association.object_id != check.work.association.object_id:
                works.append(_cells(run))
                run = []
            run.append(check)
        return (*works, _cells(run)) if run else ()

    def record_place_checks(self, outcomes: Sequence[PlaceOutcome]) -> Tally:
        """See ports.checks.CheckLedger."""
        good = [one.item_id for one in outcomes if isinstance(one, Verified)]
        drifted = [one for one in outcomes if isinstance(one, Drifted)]
        failed = [one for one in outcomes if isinstance(one, VerifyFailed)]
        damaged = [one for one in failed if one.reason is ReasonCode.READ_BACK_DIFFERS]
        unread = [one for one in failed if one.reason is not ReasonCode.READ_BACK_DIFFERS]
        with self._database.transaction():
            self._note(
                [_Check(_PLACE, item_id, CheckResult.GOOD) for item_id in good]
                + [_Check(_PLACE, one.item_id, CheckResult.DRIFTED, one.reason, one.detail) for one in drifted]
                + [_Check(_PLACE, one.item_id, CheckResult.DIFFERS, one.reason, one.detail) for one in damaged]
                + [_Check(_PLACE, one.item_id, CheckResult.UNREAD, one.reason, one.detail) for one in unread]
            )
            self._stand_again(good)
            self._stand_no_more(
                [(one.item_id, "DRIFTED", one.reason.value, one.detail) for one in drifted]
                + [(one.item_id, "ERRORED", one.reason.value, one.detail) for one in damaged]
            )
        return Tally(done=len(good), drifted=len(drifted), failed=len(failed))

    def pending_byte_checks(self, scope: ByteScope, *, after: int, limit: int) -> tuple[BytesCheck, ...]:
        """See ports.checks.CheckLedger."""
        if scope is ByteScope.NONE:
            return ()
        return tuple(
            BytesCheck(
                copy_id=copy_id,
                source=FileHandleId(str(source)),
                association=association(FileHandleId(str(handle)), entity, kind),
                md5=md5,
                rung=ProofRung(rung),
            )
            for copy_id, source, handle, md5, rung, entity, kind in self._database.rows(
                _OBJECTS_TO_READ, [scope is ByteScope.ALL, after, limit]
            )
        )

    def record_byte_checks(self, outcomes: Sequence[BytesOutcome]) -> Tally:
        """See ports.checks.CheckLedger."""
        whole = [one for one in outcomes if isinstance(one, ProvenCopy)]
        damaged = [one for one in outcomes if isinstance(one, BytesDiffer)]
        unread = [one for one in outcomes if isinstance(one, BytesUnread)]
        with self._database.transaction():
            self._note(
                [_Check(_BYTES, one.copy_id, CheckResult.GOOD) for one in whole]
                + [
                    _Check(_BYTES, one.copy_id, CheckResult.DIFFERS, ReasonCode.READ_BACK_DIFFERS, one.detail)
                    for one in damaged
                ]
                + [_Check(_BYTES, one.copy_id, CheckResult.UNREAD, one.reason, one.detail) for one in unread]
            )
            self._prove_again(whole)
            self._damage(damaged)
        return Tally(done=len(whole), failed=len(damaged) + len(unread))

    def end_checks(self) -> CheckReport:
        """See ports.checks.CheckLedger."""
        counts = self._database.rows("select what, result, count(*) from checked group by what, result")
        report = CheckReport(
            places={CheckResult(result): count for what, result, count in counts if what == _PLACE},
            objects={CheckResult(result): count for what, result, count in counts if what == _BYTES},
            findings=(*self._place_findings(), *self._object_findings()),
        )
        with self._database.transaction():
            self._database.rows("insert into marker values (?, 'yes')", [_COMPLETE])
            told = ", ".join(f"{count} {what} checks {result}" for what, result, count in sorted(counts))
            self._database.journal([("deep verification", None, None, f"ended: {told or 'nothing to look at'}")])
        return report

    # -- places ---------------------------------------------------------------------------------

    def _place_check(self, row: tuple[Any, ...]) -> PlaceCheck:
        version, row_id, column_id = row[6:]
        entity_id = entity_id_of(row[2])
        place: FileVersion | TableCell = FileVersion(entity_id=entity_id, version=version)
        if row_id is not None:
            place = TableCell(
                table_id=entity_id, row_id=row_id, column_id=ColumnId(str(column_id)), row_version=version
            )
        return PlaceCheck(work=verify_work(row[:6], self._settings.destination), place=place)

    def _stand_again(self, good: Sequence[int]) -> None:
        if good:
            changed = self._database.rows(_STANDS_AGAIN, [self._database.now()], good=numbers(good))
            self._database.journal(
                [("verified", "item", item_id, "refers to its new handle again") for (item_id,) in changed]
            )

    def _stand_no_more(self, bad: Sequence[tuple[int, str, str, str]]) -> None:
        if bad:
            self._database.rows(_STANDS_NO_MORE, [self._database.now()], bad=arrow_table(_BAD_SCHEMA, bad))
            self._database.journal(
                [
                    (
                        "changed since" if status == "DRIFTED" else "verify failed",
                        "item",
                        item_id,
                        f"{reason}: {detail}",
                    )
                    for item_id, status, reason, detail in bad
                ]
            )

    # -- objects --------------------------------------------------------------------------------

    def _prove_again(self, whole: Sequence[ProvenCopy]) -> None:
        if not whole:
            return
        now = self._database.now()
        higher = arrow_table(_RUNG_SCHEMA, [(one.copy_id, one.rung.value) for one in whole])
        raised = self._database.rows(_RAISED, [now], higher=higher)
        healed = self._database.rows(_WHOLE_AGAIN, [now], good=numbers([one.copy_id for one in whole]))
        self._database.journal(
            [("proven again", "copy", copy_id, f"read and hashed: {rung}") for copy_id, rung in raised]
            + [("verified", "item", item_id, "its object has the recorded MD5 again") for (item_id,) in healed]
        )

    def _damage(self, damaged: Sequence[BytesDiffer]) -> None:
        if not damaged:
            return
        bad = [(one.copy_id, "", "", one.detail) for one in damaged]
        hit = self._database.rows(_DAMAGED, [self._database.now()], bad=arrow_table(_BAD_SCHEMA, bad))
        self._database.journal(
            [("object damaged", "copy", one.copy_id, one.detail) for one in damaged]
            + [("verify failed", "item", item_id, f"READ_BACK_DIFFERS: {detail}") for item_id, detail in hit]
        )

    # -- results --------------------------------------------------------------------------------

    def _note(self, checks: Sequence[_Check]) -> None:
        """Checks are noted once; a second note of the same takes the place of the first."""
        now = self._database.now()
        rows = [(*one[:2], one.result.value, one.reason, one.detail, now) for one in checks]
        table = arrow_table(_CHECKED_SCHEMA, rows)
        self._database.rows(
            "delete from checked using noted where checked.what = noted.what and checked.number = noted.number",
            noted=table,
        )
        self._database.rows("insert into checked select * from noted", noted=table)

    def _place_findings(self) -> list[CheckFinding]:
        return [
            CheckFinding(
                result=CheckResult(result),
                entity_id=entity_id_of(entity),
                place=f"version {version}" if row_id is None else f"row {row_id}, column {column}",
                handle=FileHandleId(str(handle)),
                reason=None if reason is None else ReasonCode(reason),
                detail=detail or "",
            )
            for result, entity, version, row_id, column, handle, reason, detail in self._database.rows(_FINDINGS)
        ]

    def _object_findings(self) -> list[CheckFinding]:
        return [
            CheckFinding(
                result=CheckResult(result),
                entity_id=entity_id_of(entity),
                place="object",
                handle=FileHandleId(str(handle)),
                reason=None if reason is None else ReasonCode(reason),
                detail=detail or "",
            )
            for result, entity, handle, reason, detail in self._database.rows(_OBJECT_FINDINGS)
        ]


def _cells(checks: Sequence[PlaceCheck]) -> CellsCheck:
    return CellsCheck(
        last_item_id=checks[-1].item_id, table_id=checks[0].work.association.object_id, checks=tuple(checks)
    )
