"""Places that are changed and read back."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from storage_core.index.database import Database, arrow_table
from storage_core.index.rows import ReadyPlace, change_of, entity_id_of, numbers, verify_work
from storage_core.model.repoints import Drifted, Repointed, RepointFailed, RepointOutcome
from storage_core.model.settings import MigrationSettings
from storage_core.model.tallies import Tally
from storage_core.model.works import RepointWork, Verified, VerifyFailed, VerifyWork

_IS_READY = "status = 'INDEXED' and step = 'READY' and place in ('version', 'new')"

_READY_IDS = f"""
select item_id, entity from item where item_id > ? and {_IS_READY} {{within}} order by item_id limit ?
"""  # noqa: S608 - a constant

_REST_OF_ENTITY = f"""
select item_id, entity from item where item_id > ? and entity = ? and {_IS_READY} {{within}} order by item_id
"""  # noqa: S608 - a constant

_READY_PLACES = """
select item.item_id, item.entity, item.place, item.version, f.etag, f.body, f.activity_id,
    copy.copy_id, copy.from_handle, copy.to_handle, copy.proof
from item join wanted on item.item_id = wanted.number
    join item_facts f on f.item_id = wanted.number
    join copy on copy.from_handle = item.from_handle
where copy.status = 'PROVEN' order by item.item_id
"""

# Two statements: as one, DuckDB joins all items with all copies first, which takes ten times as long.
_NEW_HANDLES = """
select item.item_id, copy.to_handle from item join wanted on item.item_id = wanted.number
    join copy on copy.from_handle = item.from_handle
where item.status = 'INDEXED' and item.step = 'READY' and copy.status = 'PROVEN'
"""

_REPOINTED = """
update item set to_handle = swapped.to_handle, new_version = swapped.new_version, step = 'REPOINTED', reason = null,
    detail = null, updated_at = ?
from swapped where item.item_id = swapped.item_id and item.status = 'INDEXED' and item.step = 'READY'
returning item.file_size
"""

_STOPPED = """
update item set status = bad.status, step = 'SETTLED', reason = bad.reason, detail = bad.detail, updated_at = ?
from bad where item.item_id = bad.item_id and item.status = 'INDEXED' and item.step = bad.step
"""

_TO_VERIFY = """
select item_id, to_handle, entity, kind, file_size, md5 from item
where item_id > ? and status = 'INDEXED' and step = 'REPOINTED' {within} order by item_id limit ?
"""

_VERIFIED = """
update item set status = 'MIGRATED', step = 'SETTLED', reason = null, detail = null, updated_at = ?
from good where item.item_id = good.number and item.status = 'INDEXED' and item.step = 'REPOINTED'
returning item.file_size
"""

_SWAPPED_SCHEMA = pa.schema([("item_id", pa.int64()), ("new_version", pa.int32()), ("to_handle", pa.int64())])
_BAD_SCHEMA = pa.schema(
    [
        ("item_id", pa.int64()),
        ("status", pa.string()),
        ("step", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


class RepointTables:
    """Implements ports.RepointLedger, but for what is about tables alone."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def pending_repoints(self, *, after: int, limit: int) -> tuple[RepointWork, ...]:
        """See ports.RepointLedger. Table cells are not claimed here: they are changed in bulk, by table."""
        found = self._ready(after, limit)
        if not found:
            return ()
        wanted = numbers([item_id for item_id, _ in found])
        works: list[RepointWork] = []
        run: list[ReadyPlace] = []
        for row in self._database.rows(_READY_PLACES, wanted=wanted):
            ready = ReadyPlace(*row)
            if run and run[0].entity != ready.entity:
                works.append(_work(run))
                run = []
            run.append(ready)
        if run:
            works.append(_work(run))
        return tuple(works)

    def record_repoints(self, outcomes: Sequence[RepointOutcome]) -> Tally:
        """See ports.RepointLedger."""
        done = [outcome for outcome in outcomes if isinstance(outcome, Repointed)]
        drifted = [outcome for outcome in outcomes if isinstance(outcome, Drifted)]
        failed = [outcome for outcome in outcomes if isinstance(outcome, RepointFailed)]
        with self._database.transaction():
            size = self._note_repointed(done)
            self._stop(
                [(one.item_id, "DRIFTED", "READY", one.reason.value, one.detail) for one in drifted]
                + [(one.item_id, "ERRORED", "READY", one.reason.value, one.detail) for one in failed]
            )
            told = [("drifted", one) for one in drifted] + [("repoint failed", one) for one in failed]
            self._database.journal([(event, "item", one.item_id, f"{one.reason}: {one.detail}") for event, one in told])
        return Tally(done=len(done), drifted=len(drifted), failed=len(failed), size_bytes=size)

    def pending_verifications(self, *, after: int, limit: int) -> tuple[VerifyWork, ...]:
        """See ports.RepointLedger."""
        rows = self._claimed(_TO_VERIFY, [after, limit])
        return tuple(verify_work(row, self._settings.destination) for row in rows)

    def record_verifications(self, outcomes: Sequence[Verified | VerifyFailed]) -> Tally:
        """See ports.RepointLedger."""
        good = [outcome.item_id for outcome in outcomes if isinstance(outcome, Verified)]
        bad = [outcome for outcome in outcomes if isinstance(outcome, VerifyFailed)]
        with self._database.transaction():
            sizes = self._database.rows(_VERIFIED, [self._database.now()], good=numbers(good)) if good else []
            self._stop([(one.item_id, "ERRORED", "REPOINTED", one.reason.value, one.detail) for one in bad])
            self._database.journal(
                [("verified", "item", item_id, "read back as written") for item_id in good]
                + [("verify failed", "item", one.item_id, f"{one.reason}: {one.detail}") for one in bad]
            )
        return Tally(done=len(good), failed=len(bad), size_bytes=sum(size or 0 for (size,) in sizes))

    def _ready(self, after: int, limit: int) -> list[tuple[int, int]]:
        """Numbers and entities of about *limit* places; one row more tells whether the last entity goes on."""
        found = [(item_id, entity) for item_id, entity in self._claimed(_READY_IDS, [after, limit + 1])]
        if len(found) <= limit:
            return found
        if found[-1][1] != found[-2][1]:
            return found[:-1]
        return found + [(item_id, entity) for item_id, entity in self._claimed(_REST_OF_ENTITY, found[-1])]

    def _claimed(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """Rows of a statement that offers items, as far as they may be claimed now."""
        return self._database.rows(sql.format(within=self._database.claims.items), parameters)

    def _note_repointed(self, done: Sequence[Repointed]) -> int:
        if not done:
            return 0
        wanted = numbers([one.item_id for one in done])
        handles = dict(self._database.rows(_NEW_HANDLES, wanted=wanted))
        changed = [one for one in done if one.item_id in handles]
        swapped = [(one.item_id, one.new_version, handles[one.item_id]) for one in changed]
        sizes = self._database.rows(_REPOINTED, [self._database.now()], swapped=arrow_table(_SWAPPED_SCHEMA, swapped))
        self._database.journal(
            [("repointed", "item", one.item_id, _telling(one, handles[one.item_id])) for one in changed]
        )
        return sum(size or 0 for (size,) in sizes)

    def _stop(self, bad: Sequence[tuple[int, str, str, str, str]]) -> None:
        if bad:
            self._database.rows(_STOPPED, [self._database.now()], bad=arrow_table(_BAD_SCHEMA, bad))


def _work(run: Sequence[ReadyPlace]) -> RepointWork:
    return RepointWork(
        last_item_id=run[-1].item_id,
        entity_id=entity_id_of(run[0].entity),
        changes=tuple(change_of(ready) for ready in run),
    )


def _telling(done: Repointed, to_handle: int) -> str:
    version = "" if done.new_version is None else f" in new version {done.new_version}"
    met = ", found done by an earlier try" if done.found_done else ""
    return f"now refers to handle {to_handle}{version}{met}"
