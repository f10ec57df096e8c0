"""The index as a plan sees it, and what a person may ask of it: confirm, retry, look again."""

from storage_core.index.database import Database
from storage_core.index.rows import UNKNOWN_ACTIVITY, numbers
from storage_core.model.items import REASONS, ItemStatus, ReasonClass, ReasonCode
from storage_core.model.plans import StatusCount, WorkAhead
from storage_core.model.settings import MigrationSettings
from storage_core.plan.parts import GIB, LONG_COPY_BYTES, SERVICE_LIMITS, plan_parts

_COUNTS = """
select status, reason, count(*), coalesce(sum(file_size), 0)::bigint from item group by all order by status, reason
"""

_COPIES = """
select count(*), count(*) filter (where file_size > ?), coalesce(sum(file_size), 0)::bigint from copy
where status = 'PENDING'
"""

_LARGE_COPIES = """
select file_size, count(*) from copy where status = 'PENDING' and file_size > ? group by file_size
"""

_PLACES = """
select count(*) filter (where step <> 'REPOINTED'),
    count(distinct entity) filter (where step <> 'REPOINTED'),
    count(*),
    coalesce(bit_xor(hash(item_id, entity, version, row_id, col_id, from_handle, file_size)), 0),
    coalesce(sum(hash(from_handle, item_id, file_size, entity, version) % 4294967296), 0)::bigint
from item where status = 'INDEXED'
"""

_CELLS = """
select count(*), count(distinct item.entity), count(distinct item.entity) filter (s.entity is null)
from item left join table_snapshot s on s.entity = item.entity
where status = 'INDEXED' and step <> 'REPOINTED' and place = 'cell'
"""

_ONLY_UNJUDGED = "copy.to_handle is not null and copy.reason in ('SERVICE_FAULT', 'S3_FAULT', 'PROOF_TOO_WEAK')"

# A copy that was made and could not be judged is judged again, with the evidence it has. One that was judged bad
# must not be met again: Synapse would answer the same request with the same handle, and without any evidence.
_RETRY_COPIES = f"""
update copy set reason = null, detail = null, updated_at = ?,
    status = case when {_ONLY_UNJUDGED} then 'COPIED' else 'PENDING' end,
    discard_previous = copy.discard_previous or (copy.to_handle is not null and not ({_ONLY_UNJUDGED})),
    to_handle = case when {_ONLY_UNJUDGED} then copy.to_handle end,
    engine = case when {_ONLY_UNJUDGED} then copy.engine end,
    part_size_bytes = case when {_ONLY_UNJUDGED} then copy.part_size_bytes end
from wanted where copy.copy_id = wanted.number
"""  # noqa: S608 - put together from constants

# A source is read by the right to one place that refers to it. That place may have been deleted or closed since,
# and another one be open: so each retry asks in the name of the next place, all around.
_ASK_ELSEWHERE = """
update copy_source set entity = door.entity, entity_kind = door.kind
from (
    select copy_id, arg_min(entity, turn) as entity, arg_min(kind, turn) as kind
    from (
        select s.copy_id, i.entity, i.kind,
            i.entity + case when i.entity > s.entity then 0 else 4611686018427387904 end as turn
        from wanted join copy c on c.copy_id = wanted.number join copy_source s on s.copy_id = c.copy_id
            join item i on i.from_handle = c.from_handle
        where c.reason in ('NO_DOWNLOAD_ACCESS', 'GONE') and i.status in ('INDEXED', 'ERRORED')
    )
    group by copy_id
) door
where copy_source.copy_id = door.copy_id
"""

_RETRY_ITEMS = """
update item set status = 'INDEXED', reason = null, detail = null, updated_at = ?, step = case
        when item.to_handle is not null then 'REPOINTED' when x.status = 'PROVEN' then 'READY' else 'WAITING' end
from (
    select i.item_id, c.status from item i join wanted on i.item_id = wanted.number
        left join copy c on c.from_handle = i.from_handle
) x
where item.item_id = x.item_id
"""

_LOOK_AGAIN = "update found set state = 'PENDING' from wanted where found.entity = wanted.number"

_REOPEN = """
update found set state = 'PENDING'
where state = 'FAILED' or (state = 'DONE' and kind in ('project', 'folder', 'table')) or (
    state = 'DONE' and exists (
        select 1 from item where item.entity = found.entity and item.status in ('DRIFTED', 'ERRORED')
    )
)
returning seq
"""

_UNKNOWN_PROVENANCE = f"""
select distinct item.entity from item join item_facts using (item_id)
where item.status = 'INDEXED' and item.place = 'new' and item.to_handle is null
    and item_facts.activity_id = '{UNKNOWN_ACTIVITY}'
"""  # noqa: S608 - a constant


class PlanTables:
    """Implements ports.PlanLedger, but for `publish`."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    @property
    def settings(self) -> MigrationSettings:
        """See ports.PlanLedger."""
        return self._settings

    def is_indexed(self) -> bool:
        """See ports.PlanLedger."""
        rows = self._database.rows(
            "select 1 from marker where name = 'indexed'"
            " and not exists (select 1 from found where state in ('PENDING', 'FAILED', 'COUNTED'))"
        )
        return bool(rows)

    def counts(self) -> tuple[StatusCount, ...]:
        """See ports.PlanLedger."""
        return tuple(status_count(*row) for row in self._database.rows(_COUNTS))

    def ahead(self) -> WorkAhead:
        """See ports.PlanLedger. Every INDEXED place is still to be verified, whether changed already or not."""
        ((copies, large_copies, size),) = self._database.rows(_COPIES, [LONG_COPY_BYTES])
        large = self._database.rows(_LARGE_COPIES, [5 * GIB])
        ((repoints, entities, verifications, mixed, added),) = self._database.rows(_PLACES)
        ((cells, tables, snapshots),) = self._database.rows(_CELLS)
        return WorkAhead(
            copies=copies,
            large_copies=large_copies,
            copy_bytes=size,
            parts=copies + sum((_parts(file_size) - 1) * count for file_size, count in large),
            repoints=repoints,
            repoint_entities=entities,
            verifications=verifications,
            cells=cells,
            tables=tables,
            snapshots=snapshots,
            fingerprint=f"{verifications:x}-{mixed:016x}-{added:x}",
        )

    def unknown_provenance(self) -> int:
        """See ports.PlanLedger."""
        return len(self._database.rows(_UNKNOWN_PROVENANCE))

    def confirm(self, plan_hash: str, *, by: str) -> None:
        """See ports.PlanLedger."""
        with self._database.transaction():
            self._database.rows("delete from marker where name = 'confirmed_plan'")
            self._database.rows("insert into marker values ('confirmed_plan', ?)", [plan_hash])
            self._database.journal([("plan confirmed", None, None, f"{plan_hash} by {by}")])

    def confirmed_plan(self) -> str | None:
        """See ports.PlanLedger."""
        rows = self._database.rows("select value from marker where name = 'confirmed_plan'")
        return str(rows[0][0]) if rows else None

    def note(self, event: str, detail: str) -> None:
        """See ports.PlanLedger."""
        with self._database.transaction():
            self._database.journal([(event, None, None, detail)])

    def remember(self, key: str, value: str) -> None:
        """See ports.PlanLedger."""
        with self._database.transaction():
            self._database.rows("delete from fact where key = ?", [key])
            self._database.rows("insert into fact values (?, ?)", [key, value])

    def recall(self, key: str) -> str | None:
        """See ports.PlanLedger."""
        rows = self._database.rows("select value from fact where key = ?", [key])
        return str(rows[0][0]) if rows else None

    def retry(self, classes: frozenset[ReasonClass]) -> int:
        """See ports.PlanLedger."""
        reasons = [code.value for code, reason in REASONS.items() if reason.kind in classes]
        with self._database.transaction():
            now = self._database.now()
            copies = self._numbers("select copy_id from copy where status = 'FAILED' and reason in ?", reasons)
            # Places that were never read have no handle to try again: their entity is looked into again.
            readable = "handle_kind is not null and item.status = 'ERRORED' and step <> 'DAMAGED' and item.reason in ?"
            items = self._numbers(f"select item_id from item join item_facts using (item_id) where {readable}", reasons)  # noqa: S608
            unread = "handle_kind is null and item.status = 'ERRORED' and item.reason in ?"
            entities = self._numbers(
                f"select distinct entity from item join item_facts using (item_id) where {unread}",  # noqa: S608
                reasons,
            )
            if copies:
                self._database.rows(_ASK_ELSEWHERE, wanted=numbers(copies))
                self._database.rows(_RETRY_COPIES, [now], wanted=numbers(copies))
            if items:
                self._database.rows(_RETRY_ITEMS, [now], wanted=numbers(items))
            if entities:
                self._database.rows(_LOOK_AGAIN, wanted=numbers(entities))
                self._database.rows("delete from marker where name = 'indexed'")
            told = f"{len(items)} items, {len(copies)} copies and {len(entities)} entities are tried again"
            self._database.journal([("retry", None, None, f"{told}: {', '.join(sorted(classes))}")])
        return len(items) + len(entities)

    def reopen_for_reindex(self) -> int:
        """See ports.PlanLedger."""
        with self._database.transaction():
            reopened = self._database.rows(_REOPEN)
            self._database.rows("delete from marker where name = 'indexed'")
            self._database.journal([("index again", None, None, f"{len(reopened)} entities are looked into again")])
        return len(reopened)

    def reopen_unknown_provenance(self) -> int:
        """See ports.WalkLedger."""
        entities = [int(number) for (number,) in self._database.rows(_UNKNOWN_PROVENANCE)]
        if entities:
            with self._database.transaction():
                self._database.rows(_LOOK_AGAIN, wanted=numbers(entities))
                self._database.rows("delete from marker where name = 'indexed'")
                told = f"{len(entities)} files are read again, for their provenance"
                self._database.journal([("index again", None, None, told)])
        return len(entities)

    def _numbers(self, sql: str, reasons: list[str]) -> list[int]:
        return [int(number) for (number,) in self._database.rows(sql, [reasons])]


def status_count(status: str, reason: str | None, items: int, size_bytes: int) -> StatusCount:
    """One row of the counts."""
    return StatusCount(
        status=ItemStatus(status),
        reason=None if reason is None else ReasonCode(reason),
        items=items,
        size_bytes=size_bytes,
    )


def _parts(size_bytes: int) -> int:
    """Parts of one large copy; what is too large for any copy counts as the largest that is not."""
    return plan_parts(min(size_bytes, SERVICE_LIMITS.largest_object_bytes)).count
