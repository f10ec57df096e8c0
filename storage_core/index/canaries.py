"""Items that go through everything before the others are touched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from storage_core.index.database import Claims, Database
from storage_core.index.plan import status_count
from storage_core.index.rows import Step, numbers
from storage_core.model.canaries import CanaryCandidate, CanaryResult, RungCount
from storage_core.model.copies import ProofRung
from storage_core.model.settings import MigrationSettings

_COUNTS = """
select status, reason, count(*), coalesce(sum(file_size), 0)::bigint from item semi join canary using (item_id)
group by all order by status, reason
"""

_RUNGS = """
select copy.proof, count(*) from item semi join canary using (item_id) join copy using (from_handle)
where item.status = 'MIGRATED' and copy.proof is not null group by copy.proof
"""

_WAITS = f"item.status = 'INDEXED' and item.step in ('{Step.WAITING}', '{Step.READY}')"

# Only the first few of those that are alike are wanted, in an order that has nothing to do with where they lie.
_CANDIDATES = f"""
with used as (
    select from_handle, count(*) as items, arg_min(kind, item_id) as used_by from item where {_WAITS}
    group by from_handle
), ranked as (
    select copy.copy_id, used.used_by, copy.from_location || ' ' || s.handle_kind as origin,
        length(coalesce(copy.file_size, 0)::varchar) as size_band, coalesce(copy.file_size, 0) as size_bytes,
        used.items, count(*) over alike as alike,
        row_number() over (alike order by used.items > ?, md5(copy.from_handle::varchar)) as turn
    from used join copy using (from_handle) join copy_source s using (copy_id)
    where copy.status in ('PENDING', 'COPIED', 'PROVEN') and copy.copy_id not in (select copy_id from canary)
    window alike as (partition by used.used_by, origin, size_band)
)
select copy_id, used_by, origin, size_band, size_bytes, items, alike from ranked where turn <= ?
order by used_by, origin, size_band, turn
"""  # noqa: S608 - constants

_ADD = f"""
insert into canary select item.item_id, copy.copy_id
from wanted join copy on copy.copy_id = wanted.number join item using (from_handle) where {_WAITS}
returning item_id
"""  # noqa: S608 - constants

_ONLY = Claims(
    copies="and copy_id in (select copy_id from canary)", items="and item_id in (select item_id from canary)"
)

_SECONDS, _CALLS, _AGREED = "canary_seconds", "canary_calls", "canary_agreed"


class CanaryTables:
    """Implements ports.canaries.CanaryLedger."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def canary(self) -> CanaryResult:
        """See ports.canaries.CanaryLedger."""
        facts = dict(self._database.rows("select key, value from fact where key like 'canary\\_%' escape '\\'"))
        rungs = [RungCount(rung=ProofRung(proof), items=items) for proof, items in self._database.rows(_RUNGS)]
        return CanaryResult(
            counts=tuple(status_count(*row) for row in self._database.rows(_COUNTS)),
            rungs=tuple(sorted(rungs, key=lambda one: one.rung, reverse=True)),
            seconds=float(facts.get(_SECONDS, 0)),
            calls=int(facts.get(_CALLS, 0)),
            is_agreed=_AGREED in facts,
        )

    def canary_candidates(self, *, at_most: int) -> tuple[CanaryCandidate, ...]:
        """See ports.canaries.CanaryLedger."""
        return tuple(
            CanaryCandidate(
                copy_id=copy_id,
                used_by=used_by,
                origin=origin,
                size_band=size_band,
                size_bytes=size_bytes,
                items=items,
                alike=alike,
            )
            for copy_id, used_by, origin, size_band, size_bytes, items, alike in self._database.rows(
                _CANDIDATES, [at_most, at_most]
            )
        )

    def add_to_canary(self, copies: Sequence[int]) -> None:
        """See ports.canaries.CanaryLedger."""
        if copies:
            with self._database.transaction():
                added = self._database.rows(_ADD, wanted=numbers(list(copies)))
                told = f"{len(added)} items of {len(copies)} copies go first"
                self._database.journal([("canary chosen", None, None, told)])

    @contextmanager
    def only_canary(self) -> Iterator[None]:
        """See ports.canaries.CanaryLedger."""
        self._database.claims = _ONLY
        try:
            yield
        finally:
            self._database.claims = Claims()

    def note_canary_run(self, *, seconds: float, calls: int) -> None:
        """See ports.canaries.CanaryLedger."""
        before = self.canary()
        with self._database.transaction():
            self._put(_SECONDS, str(round(before.seconds + seconds, 3)))
            self._put(_CALLS, str(before.calls + calls))
            self._database.journal([("canary ended", None, None, f"{before.verdict}: {_told(before)}")])

    def agree_to_go_on(self, by: str) -> None:
        """See ports.canaries.CanaryLedger."""
        with self._database.transaction():
            self._put(_AGREED, by)
            self._database.journal([("canary agreed to", None, None, f"the others follow, says {by}")])

    def _put(self, key: str, value: str) -> None:
        self._database.rows("delete from fact where key = ?", [key])
        self._database.rows("insert into fact values (?, ?)", [key, value])


def _told(result: CanaryResult) -> str:
    return ", ".join(f"{count.items} {count.reason or count.status}" for count in result.counts)
