"""Copies: made from the items once indexing is complete, then copied and proven."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from storage_core.index.adopted import use_adopted_copies
from storage_core.index.database import Database, arrow_table
from storage_core.index.rows import SOURCE_COLUMNS, copy_request, copy_source, numbers, proof_work
from storage_core.index.withdrawn import note_withdrawn
from storage_core.model.copies import Copied, CopyFailed, CopyRequest, EtagMeaning, ProvenCopy, SourceWithdrawn
from storage_core.model.engines import ANY_SIZE, CopyChoice, CopySource, SizeRange
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION, StorageLocationId
from storage_core.model.settings import MigrationSettings
from storage_core.model.tallies import Tally
from storage_core.model.works import CopyDiscarded, EtagLearnt, ProofWork
from storage_core.plan.parts import SERVICE_LIMITS

_NEW_COPIES = """
create or replace temp table new_copy as
select row_number() over (order by first_item) as number, first_item from (
    select min(item_id) as first_item from item
    where status = 'INDEXED' and step = 'WAITING'
        and not exists (select 1 from copy where copy.from_handle = item.from_handle)
    group by from_handle
)
"""

_INSERT_COPIES = """
insert into copy (copy_id, from_handle, from_location, file_size, md5, status, to_handle, engine, proof, parts,
    attempts, discard_previous, reason, detail, updated_at)
select ? + number, from_handle, from_location, file_size, md5, 'PENDING', null, null, null, null, 0, false, null, null,
    ?
from new_copy join item on item.item_id = new_copy.first_item
where number between ? and ? and item.item_id between ? and ? order by number
"""

_INSERT_SOURCES = """
insert into copy_source
select ? + number, entity, kind, handle_kind, concrete_type, file_name, content_type, bucket, object_key, created_by,
    handle_status, address
from new_copy join item on item.item_id = new_copy.first_item
    join item_facts on item_facts.item_id = new_copy.first_item
where number between ? and ? and item.item_id between ? and ? and item_facts.item_id between ? and ? order by number
"""

_COPIES_AT_ONCE = 50_000
"""Copies are made from the items in stretches: what a join of millions of them keeps in memory grows with them."""

_DROP_UNUSED = """
delete from copy where status = 'PENDING' and not exists (
    select 1 from item where item.from_handle = copy.from_handle and item.status = 'INDEXED'
)
"""

_READY = """
update item set step = 'READY' from copy
where item.from_handle = copy.from_handle and item.status = 'INDEXED' and item.step = 'WAITING'
    and copy.status = 'PROVEN'
"""

_ALREADY_FAILED = """
update item set status = 'ERRORED', step = 'SETTLED', reason = copy.reason, detail = copy.detail, updated_at = ?
from copy
where item.from_handle = copy.from_handle and item.status = 'INDEXED' and item.step = 'WAITING'
    and copy.status = 'FAILED'
"""

# The limit is taken over numbers alone, the other columns are fetched for its rows only: five times faster.
_PENDING_COPIES = f"""
with claimed as (
    select copy_id from copy
    where copy_id > ? and status = 'PENDING' and coalesce(file_size, 0) > ? and coalesce(file_size, 0) <= ? {{within}}
    order by copy_id limit ?
)
select c.copy_id, c.discard_previous, c.engine, c.part_size_bytes, c.begun, {SOURCE_COLUMNS}
from claimed join copy c on c.copy_id = claimed.copy_id join copy_source s on s.copy_id = claimed.copy_id
order by c.copy_id
"""  # noqa: S608 - a list of column names, no outside text

_PENDING_PROOFS = f"""
with claimed as (select copy_id from copy where copy_id > ? and status = 'COPIED' {{within}} order by copy_id limit ?)
select c.copy_id, c.to_handle, c.engine, c.attempts, e.part_count, e.part_size_bytes, e.part_etags, e.source_etag,
    e.hashed_md5, e.source_checksum, e.new_checksum, e.may_be_twice, {SOURCE_COLUMNS}
from claimed join copy c on c.copy_id = claimed.copy_id join copy_source s on s.copy_id = claimed.copy_id
    join copy_evidence e on e.copy_id = claimed.copy_id
order by c.copy_id
"""  # noqa: S608 - a list of column names, no outside text

_CHOSEN = """
update copy set engine = choice.engine, part_size_bytes = choice.part_size_bytes, begun = true, updated_at = ?
from choice where copy.copy_id = choice.copy_id and copy.status = 'PENDING' and copy.engine is null
"""

# Where the bytes are read is all that a choice depends on; the sample is the first of its kind.
_SOURCES = f"""
with kinds as (
    select min(c.copy_id) as copy_id, c.engine, count(*) as copies, coalesce(sum(c.file_size), 0)::bigint as size_bytes,
        sum(case when c.file_size > ? then ceil(c.file_size / ?) else 1 end)::bigint as parts
    from copy c join copy_source s using (copy_id)
    where c.status = 'PENDING'
    group by c.engine, s.bucket, s.handle_kind, c.from_location = {DEFAULT_STORAGE_LOCATION}
)
select kinds.engine, kinds.copies, kinds.size_bytes, kinds.parts, {SOURCE_COLUMNS}
from kinds join copy c using (copy_id) join copy_source s using (copy_id) order by kinds.copy_id
"""  # noqa: S608 - constants, no outside text

_COPIED = """
update copy set status = 'COPIED', to_handle = made.to_handle, engine = made.engine, parts = made.part_count,
    discard_previous = false, proof = null, reason = null, detail = null, updated_at = ?
from made where copy.copy_id = made.copy_id and copy.status = 'PENDING'
returning copy.copy_id, copy.file_size
"""

_FAILED = """
update copy set status = 'FAILED', reason = bad.reason, detail = bad.detail, updated_at = ?,
    discard_previous = copy.discard_previous or bad.reason in ('BYTES_DIFFER', 'SIZE_DIFFERS')
from bad where copy.copy_id = bad.copy_id and copy.status in ('PENDING', 'COPIED')
"""

_FAIL_ITEMS = """
update item set status = 'ERRORED', step = 'SETTLED', reason = bad.reason, detail = bad.detail, updated_at = ?
from bad join copy on copy.copy_id = bad.copy_id
where item.from_handle = copy.from_handle and copy.status = 'FAILED' and item.status = 'INDEXED'
    and item.step = 'WAITING'
"""

_PROVEN = """
update copy set status = 'PROVEN', to_handle = good.to_handle, proof = good.proof, reason = null, detail = null,
    updated_at = ?
from good where copy.copy_id = good.copy_id and copy.status = 'COPIED' returning copy.copy_id, copy.file_size
"""

_READY_NOW = """
update item set step = 'READY' from good join copy on copy.copy_id = good.copy_id
where item.from_handle = copy.from_handle and copy.status = 'PROVEN' and item.status = 'INDEXED'
    and item.step = 'WAITING'
"""

_DISCARDED = """
update copy set status = 'PENDING', discard_previous = true, attempts = copy.attempts + 1, to_handle = null,
    detail = worse.detail, updated_at = ?
from worse where copy.copy_id = worse.copy_id and copy.status = 'COPIED'
"""

REGISTERED_AGAIN = "registered again"
_TWIN = "Synapse may hold a second record of the same object, which nothing refers to and which does no harm"

_MADE_SCHEMA = pa.schema(
    [
        ("copy_id", pa.int64()),
        ("to_handle", pa.int64()),
        ("engine", pa.string()),
        ("part_count", pa.int32()),
        ("part_size_bytes", pa.int64()),
        ("part_etags", pa.string()),
        ("source_etag", pa.string()),
        ("hashed_md5", pa.string()),
        ("source_checksum", pa.string()),
        ("new_checksum", pa.string()),
        ("may_be_twice", pa.bool_()),
    ]
)
_CHOICE_SCHEMA = pa.schema([("copy_id", pa.int64()), ("engine", pa.string()), ("part_size_bytes", pa.int64())])
_BAD_SCHEMA = pa.schema([("copy_id", pa.int64()), ("reason", pa.string()), ("detail", pa.string())])
_GOOD_SCHEMA = pa.schema([("copy_id", pa.int64()), ("to_handle", pa.int64()), ("proof", pa.string())])
_WORSE_SCHEMA = pa.schema([("copy_id", pa.int64()), ("detail", pa.string())])


class CopyTables:
    """Implements ports.CopyLedger, and `finish_indexing`, which makes the copies."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def finish_indexing(self) -> None:
        """See ports.WalkLedger. A handle that has a copy keeps it, so nothing is ever copied twice."""
        with self._database.transaction():
            now = self._database.now()
            self._database.rows(_NEW_COPIES)
            ((count,),) = self._database.rows("select count(*) from new_copy")
            before = self._database.take_numbers("copy", count) - 1
            for first in range(1, count + 1, _COPIES_AT_ONCE):
                self._insert_copies(before, (first, first + _COPIES_AT_ONCE - 1), now)
            self._database.rows("drop table new_copy")
            self._database.rows(_DROP_UNUSED)
            use_adopted_copies(self._database, now)
            self._database.rows(_READY)
            self._database.rows(_ALREADY_FAILED, [now])
            self._mark_indexed(count)

    def _insert_copies(self, before: int, stretch: tuple[int, int], now: datetime) -> None:
        ((lowest, highest),) = self._database.rows(
            "select min(first_item), max(first_item) from new_copy where number between ? and ?", stretch
        )
        self._database.rows(_INSERT_COPIES, [before, now, *stretch, lowest, highest])
        self._database.rows(_INSERT_SOURCES, [before, *stretch, lowest, highest, lowest, highest])

    def _mark_indexed(self, new_copies: int) -> None:
        already = self._database.rows("select 1 from marker where name = 'indexed'")
        if not already:
            self._database.rows("insert into marker values ('indexed', 'yes')")
            self._database.journal([("indexed", None, None, f"indexing is complete; {new_copies} copies to be made")])

    def pending_copies(self, *, after: int, limit: int, sizes: SizeRange = ANY_SIZE) -> tuple[CopyRequest, ...]:
        """See ports.CopyLedger."""
        sql = _PENDING_COPIES.format(within=self._database.claims.copies)
        rows = self._database.rows(sql, [after, sizes.above_bytes, sizes.up_to_bytes, limit])
        return tuple(copy_request(row, self._settings.destination) for row in rows)

    def copy_sources(self) -> tuple[CopySource, ...]:
        """See ports.PlanLedger. Parts as the service would be asked for them."""
        rows = self._database.rows(
            _SOURCES, [SERVICE_LIMITS.single_part_bytes, float(SERVICE_LIMITS.several_parts_bytes)]
        )
        return tuple(copy_source(row) for row in rows)

    def record_choices(self, choices: Sequence[CopyChoice]) -> None:
        """See ports.CopyLedger."""
        if choices:
            chosen = [(one.copy_id, one.engine.value, one.part_size_bytes) for one in choices]
            with self._database.transaction():
                self._database.rows(_CHOSEN, [self._database.now()], choice=arrow_table(_CHOICE_SCHEMA, chosen))

    def record_copies(self, outcomes: Sequence[Copied | CopyFailed | SourceWithdrawn]) -> Tally:
        """See ports.CopyLedger. Outcomes of copies that are not PENDING any more change nothing."""
        copied = [outcome for outcome in outcomes if isinstance(outcome, Copied)]
        failed = [outcome for outcome in outcomes if isinstance(outcome, CopyFailed)]
        withdrawn = [outcome for outcome in outcomes if isinstance(outcome, SourceWithdrawn)]
        with self._database.transaction():
            size = self._note_copied(copied)
            self._note_failed(failed)
            stopped = note_withdrawn(self._database, withdrawn)
        return Tally(done=len(copied), failed=len(failed), size_bytes=size) + stopped

    def pending_proofs(self, *, after: int, limit: int) -> tuple[ProofWork, ...]:
        """See ports.CopyLedger."""
        sql = _PENDING_PROOFS.format(within=self._database.claims.copies)
        return tuple(proof_work(row) for row in self._database.rows(sql, [after, limit]))

    def record_proofs(self, outcomes: Sequence[ProvenCopy | CopyFailed | CopyDiscarded | EtagLearnt]) -> Tally:
        """See ports.CopyLedger. A discarded copy is not counted: it will be, when its next try is judged."""
        proven = [outcome for outcome in outcomes if isinstance(outcome, ProvenCopy)]
        failed = [outcome for outcome in outcomes if isinstance(outcome, CopyFailed)]
        discarded = [outcome for outcome in outcomes if isinstance(outcome, CopyDiscarded)]
        learnt = [outcome for outcome in outcomes if isinstance(outcome, EtagLearnt)]
        with self._database.transaction():
            size = self._note_proven(proven)
            self._note_failed(failed)
            self._note_discarded(discarded)
            self._note_learnt(learnt)
        return Tally(done=len(proven), failed=len(failed), size_bytes=size)

    def etag_meaning(self, location_id: StorageLocationId) -> EtagMeaning:
        """See ports.CopyLedger."""
        rows = self._database.rows("select meaning from etag_meaning where location = ?", [location_id])
        return EtagMeaning(rows[0][0]) if rows else EtagMeaning.UNKNOWN

    def _note_copied(self, copied: Sequence[Copied]) -> int:
        if not copied:
            return 0
        made = arrow_table(
            _MADE_SCHEMA,
            [
                (
                    one.copy_id,
                    int(one.new),
                    one.engine.value,
                    one.evidence.part_count,
                    one.evidence.part_size_bytes,
                    ",".join(one.evidence.part_etags),
                    one.evidence.source_etag,
                    one.evidence.hashed_md5,
                    one.evidence.source_checksum,
                    one.evidence.new_checksum,
                    one.evidence.may_be_twice,
                )
                for one in copied
            ],
        )
        changed = dict(self._database.rows(_COPIED, [self._database.now()], made=made))
        taken = numbers(list(changed))
        self._database.rows("delete from copy_evidence using taken where copy_id = taken.number", taken=taken)
        self._database.rows(
            "insert into copy_evidence by name select made.* exclude (to_handle, engine)"
            " from made semi join taken on made.copy_id = taken.number",
            made=made,
            taken=taken,
        )
        self._database.journal(
            [
                ("copied", "copy", one.copy_id, f"handle {one.source} -> {one.new} by {one.engine}")
                for one in copied
                if one.copy_id in changed
            ]
            + [
                (REGISTERED_AGAIN, "copy", one.copy_id, f"handle {one.new} was asked for more than once; {_TWIN}")
                for one in copied
                if one.copy_id in changed and one.evidence.may_be_twice
            ]
        )
        return sum(size or 0 for size in changed.values())

    def _note_failed(self, failed: Sequence[CopyFailed]) -> None:
        if not failed:
            return
        bad = arrow_table(_BAD_SCHEMA, [(one.copy_id, one.reason.value, one.detail) for one in failed])
        now = self._database.now()
        self._database.rows(_FAILED, [now], bad=bad)
        self._database.rows(_FAIL_ITEMS, [now], bad=bad)
        self._database.journal(
            [("copy failed", "copy", one.copy_id, f"handle {one.source}: {one.reason}: {one.detail}") for one in failed]
        )

    def _note_proven(self, proven: Sequence[ProvenCopy]) -> int:
        if not proven:
            return 0
        good = arrow_table(_GOOD_SCHEMA, [(one.copy_id, int(one.new), one.rung.value) for one in proven])
        changed = self._database.rows(_PROVEN, [self._database.now()], good=good)
        self._database.rows(_READY_NOW, good=good)
        self._database.journal(
            [("proven", "copy", one.copy_id, f"handle {one.source} -> {one.new} by {one.rung}") for one in proven]
        )
        return sum(size or 0 for _, size in changed)

    def _note_discarded(self, discarded: Sequence[CopyDiscarded]) -> None:
        if not discarded:
            return
        worse = arrow_table(_WORSE_SCHEMA, [(one.copy_id, one.detail) for one in discarded])
        had = dict(
            self._database.rows("select copy_id, to_handle from copy semi join worse using (copy_id)", worse=worse)
        )
        self._database.rows(_DISCARDED, [self._database.now()], worse=worse)
        self._database.journal(
            [
                ("copy discarded", "copy", one.copy_id, f"handle {one.source} -> {had.get(one.copy_id)}: {one.detail}")
                for one in discarded
            ]
        )

    def _note_learnt(self, learnt: Sequence[EtagLearnt]) -> None:
        for one in learnt:
            self._database.rows("delete from etag_meaning where location = ?", [one.location_id])
            self._database.rows("insert into etag_meaning values (?, ?)", [one.location_id, one.meaning.value])
        self._database.journal(
            [("etags learnt", "location", one.location_id, f"ETags are {one.meaning}") for one in learnt]
        )
