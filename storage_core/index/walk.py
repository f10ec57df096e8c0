"""The walk's tables: what was found, and what looking into it showed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from storage_core.index.adopted import finished_versions
from storage_core.index.database import Database, arrow_table
from storage_core.index.rows import (
    FACTS_SCHEMA,
    FILE_ITEM,
    FOUND_SCHEMA,
    ITEM_SCHEMA,
    TABLE_ITEM,
    State,
    Step,
    entity_number,
    facts_row,
    found_entity,
    handle_number,
    numbers,
    optional_entity_number,
    place_columns,
)
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.ids import EntityId
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus, ReasonCode
from storage_core.model.settings import MigrationSettings
from storage_core.model.tallies import Tally
from storage_core.model.works import (
    CountedContainer,
    CountsAgree,
    Described,
    FilesSeen,
    FoundEntity,
    Listed,
    LookFailed,
)
from storage_core.plan.adopting import places_of_finished
from storage_core.plan.listing import disposition

_FILE_KINDS = (EntityKind.FILE, EntityKind.RECORD_SET)

_PENDING = """
select seq, entity, parent, name, kind, version from found
where seq > ? and state = 'PENDING' and kind in (?, ?) order by seq limit ?
"""

_COUNTED = """
select seq, found.entity, parent, name, kind, version, counted.files from found join counted using (entity)
where state = 'COUNTED' order by seq
"""

_PENDING_BY_ENTITY = """
select seq, entity, parent, name, kind, version from found
where entity > ? and state = 'PENDING' and kind = ? order by entity limit ?
"""

_CLOSE = "update found set state = ? from closed where found.seq = closed.number"

_KNOWN = """
select found.entity, found.seq, found.version, found.state from found join met on found.entity = met.number
"""

_SEEN_AGAIN = """
update found set version = again.version, state = 'PENDING' from again
where found.seq = again.seq and not exists (
    select 1 from item where item.entity = again.entity and item.new_version = again.version
)
"""

_OLD_ITEMS = """
select item_id, item.entity, version, row_id, col_id, from_handle, to_handle, new_version, status, step, place
from item join met on item.entity = met.number
"""


class Settled(NamedTuple):
    """An item that a new look must not replace: the place was changed by us already."""

    item_id: int
    entity: int
    version: int | None
    row_id: int | None
    col_id: int | None
    from_handle: int | None
    to_handle: int | None
    new_version: int | None
    status: str
    step: str
    place: str

    @property
    def is_kept(self) -> bool:
        """Whether it tells what we did, which no new look can tell again."""
        return self.status in {ItemStatus.MIGRATED, ItemStatus.ROLLED_BACK} or self.step in {
            Step.REPOINTED,
            Step.DAMAGED,
        }

    def is_as_left(self, item: IndexedItem) -> bool:
        """Whether *item* is this very place, seen again as we left it."""
        rolled_back = self.status == ItemStatus.ROLLED_BACK
        left_with = self.from_handle if rolled_back else self.to_handle
        return handle_number(item.facts.handle_id) == left_with and self.is_at(item)

    def is_at(self, item: IndexedItem) -> bool:
        """Whether *item* is this place, whatever it refers to by now."""
        place = place_columns(item.facts.place)
        newest = self.version if self.new_version is None else self.new_version
        same_cell = (place.row_id, place.col_id) == (self.row_id, self.col_id)
        # A changed row has a new version, so cells are told apart by row and column only.
        same_version = place.version in {self.version, newest} or place.row_id is not None
        return same_cell and same_version


class NewItem(NamedTuple):
    """An item about to be stored, with the kind of entity it belongs to."""

    kind: EntityKind
    item: IndexedItem


class WalkTables:
    """Implements ports.WalkLedger, but for tables and for `finish_indexing`."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def add_roots(self, roots: Sequence[EntityHeader]) -> None:
        """See ports.WalkLedger."""
        with self._database.transaction():
            self._meet([(None, root) for root in roots])

    def pending_containers(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """See ports.WalkLedger."""
        return self._pending((EntityKind.PROJECT, EntityKind.FOLDER), after, limit)

    def pending_files(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """See ports.WalkLedger."""
        return self._pending(_FILE_KINDS, after, limit)

    def count_pending_files(self) -> int:
        """See ports.WalkLedger."""
        rows = self._database.rows(
            "select count(*) from found where state = 'PENDING' and kind = ?", [EntityKind.FILE.value]
        )
        return int(rows[0][0]) + sum(one.files for one in self.pending_counted())

    def pending_counted(self) -> tuple[CountedContainer, ...]:
        """See ports.WalkLedger."""
        return tuple(
            CountedContainer(found=found_entity(row[:6]), files=row[6]) for row in self._database.rows(_COUNTED)
        )

    def record_files_seen(self, outcomes: Sequence[FilesSeen | CountsAgree]) -> Tally:
        """See ports.WalkLedger."""
        seen = [outcome for outcome in outcomes if isinstance(outcome, FilesSeen)]
        settled = [seq for outcome in outcomes if isinstance(outcome, CountsAgree) for seq in outcome.seqs]
        with self._database.transaction():
            self._reopen_indexing()
            skipped = self._meet(pair for one in seen for pair in one.children)
            self._close(settled, State.DONE)
        return Tally(done=sum(len(one.children) for one in seen) - skipped, skipped=skipped)

    def pending_shown_files(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """See ports.WalkLedger."""
        rows = self._database.rows(_PENDING_BY_ENTITY, [after, EntityKind.FILE.value, limit])
        return tuple(found_entity(row) for row in rows)

    def record_listings(self, outcomes: Sequence[Listed | LookFailed]) -> Tally:
        """See ports.WalkLedger."""
        listed = [outcome for outcome in outcomes if isinstance(outcome, Listed)]
        failed = [outcome for outcome in outcomes if isinstance(outcome, LookFailed)]
        with self._database.transaction():
            self._reopen_indexing()
            skipped = self._meet((one.container_id, child) for one in listed for child in one.children)
            self._close([one.seq for one in listed if not one.unlisted_files], State.DONE)
            self._note_counts([one for one in listed if one.unlisted_files])
            self._replace_items([one.container_id for one in listed], ())
            tally = self._record_failures(failed)
        return tally + Tally(done=len(listed), skipped=skipped)

    def record_descriptions(self, outcomes: Sequence[Described | LookFailed]) -> Tally:
        """See ports.WalkLedger."""
        described = [outcome for outcome in outcomes if isinstance(outcome, Described)]
        failed = [outcome for outcome in outcomes if isinstance(outcome, LookFailed)]
        with self._database.transaction():
            self._reopen_indexing()
            kinds = self._kinds([one.seq for one in described])
            items = [NewItem(kinds[one.seq], item) for one in described for item in one.items]
            self._replace_items([one.entity_id for one in described], items)
            self._close([one.seq for one in described], State.DONE)
            tally = self._record_failures(failed)
            if described:
                told = f"{len(described)} entities were read, {len(items)} places in them"
                self._database.journal([("described", None, None, told)])
        return tally + tally_of(items)

    # -- entities -------------------------------------------------------------------------------

    def _pending(self, kinds: tuple[EntityKind, EntityKind], after: int, limit: int) -> tuple[FoundEntity, ...]:
        rows = self._database.rows(_PENDING, [after, *(kind.value for kind in kinds), limit])
        return tuple(found_entity(row) for row in rows)

    def _meet(self, met: Iterable[tuple[EntityId | None, EntityHeader]]) -> int:
        """Note entities once each; return how many of the new ones are left alone."""
        once: dict[EntityId, tuple[EntityId | None, EntityHeader]] = {}
        for parent_id, header in met:
            once.setdefault(header.id, (parent_id, header))
        if not once:
            return 0
        known = self._known(once)
        self._see_again(known, once)
        fresh = [pair for entity_id, pair in once.items() if entity_number(entity_id) not in known]
        return self._add(fresh)

    def _known(self, met: Iterable[EntityId]) -> dict[int, tuple[int, int, str]]:
        rows = self._database.rows(_KNOWN, met=numbers([entity_number(entity_id) for entity_id in met]))
        return {entity: (seq, version, state) for entity, seq, version, state in rows}

    def _see_again(
        self,
        known: dict[int, tuple[int, int, str]],
        met: dict[EntityId, tuple[EntityId | None, EntityHeader]],
    ) -> None:
        """Have entities read again whose listed version is another one, unless we ourselves added it."""
        again = []
        for _, header in met.values():
            seen = known.get(entity_number(header.id))
            if seen is not None and seen[1] != header.version and seen[2] == State.DONE and _has_versions(header.kind):
                again.append((seen[0], entity_number(header.id), None, "", "", header.version, ""))
        if again:
            self._database.rows(_SEEN_AGAIN, again=arrow_table(FOUND_SCHEMA, again))

    def _add(self, fresh: Sequence[tuple[EntityId | None, EntityHeader]]) -> int:
        first = self._database.take_numbers("found", len(fresh))
        rows: list[tuple[Any, ...]] = []
        left: list[NewItem] = []
        for seq, (parent_id, header) in enumerate(fresh, start=first):
            verdict = disposition(header.kind, self._settings)
            state = State.PENDING
            if isinstance(verdict, ReasonCode):
                state = State.LEFT
                left.append(_placeless(header.kind, header.id, parent_id, header.name, verdict, None))
            parent = optional_entity_number(parent_id)
            rows.append((seq, entity_number(header.id), parent, header.name, header.kind.value, header.version, state))
        if rows:
            self._database.rows("insert into found select * from fresh", fresh=arrow_table(FOUND_SCHEMA, rows))
        self._insert_items(left)
        self._settle_finished(dict(enumerate(fresh, start=first)))
        return len(left)

    def _settle_finished(self, fresh: Mapping[int, tuple[EntityId | None, EntityHeader]]) -> None:
        """Spare the reading of files that an earlier tool is known to have finished (see plan/adopting.py)."""
        known = finished_versions(self._database, [header.id for _, header in fresh.values()])
        items: list[NewItem] = []
        seqs: list[int] = []
        for seq, (parent_id, header) in fresh.items():
            places = places_of_finished(header, parent_id, known.get(header.id, ()), self._settings)
            if places:
                items += [NewItem(header.kind, place) for place in places]
                seqs.append(seq)
        self._insert_items(items)
        self._close(seqs, State.DONE)

    def _note_counts(self, listed: Sequence[Listed]) -> None:
        if not listed:
            return
        counted = numbers([entity_number(one.container_id) for one in listed])
        self._database.rows("delete from counted using again where counted.entity = again.number", again=counted)
        for one in listed:
            self._database.rows(
                "insert into counted values (?, ?)", [entity_number(one.container_id), one.unlisted_files]
            )
        self._close([one.seq for one in listed], State.COUNTED)

    def _close(self, seqs: Sequence[int], state: str) -> None:
        if seqs:
            self._database.rows(_CLOSE, [state], closed=numbers(seqs))

    def _kinds(self, seqs: Sequence[int]) -> dict[int, EntityKind]:
        rows = self._database.rows(
            "select seq, kind from found join wanted on found.seq = wanted.number", wanted=numbers(seqs)
        )
        return {seq: EntityKind(kind) for seq, kind in rows}

    def _record_failures(self, failed: Sequence[LookFailed]) -> Tally:
        """An entity that is gone is reported so and settled; any other failure keeps it for the next retry."""
        if not failed:
            return Tally()
        kinds = self._kinds([one.seq for one in failed])
        gone = [one for one in failed if one.reason is ReasonCode.GONE]
        items = [
            _placeless(kinds[one.seq], one.entity_id, one.parent_id, one.name, one.reason, one.detail) for one in failed
        ]
        self._remove_placeless([one.entity_id for one in failed])
        self._insert_items(items)
        self._close([one.seq for one in failed], State.FAILED)
        self._close([one.seq for one in gone], State.DONE)
        self._database.journal(
            [("look failed", "entity", entity_number(one.entity_id), f"{one.reason}: {one.detail}") for one in failed]
        )
        return Tally(failed=len(failed) - len(gone), skipped=len(gone))

    def _reopen_indexing(self) -> None:
        self._database.rows("delete from marker where name = 'indexed'")

    # -- items ----------------------------------------------------------------------------------

    def _replace_items(self, entity_ids: Sequence[EntityId], items: Sequence[NewItem]) -> None:
        """Store *items* in place of what an earlier look left; what we have changed already stays as it is."""
        met = numbers([entity_number(entity_id) for entity_id in entity_ids])
        kept: dict[int, list[Settled]] = {}
        removed: list[int] = []
        for row in self._database.rows(_OLD_ITEMS, met=met):
            old = Settled(*row)
            if old.is_kept:
                kept.setdefault(old.entity, []).append(old)
            else:
                removed.append(old.item_id)
        self._remove(removed)
        fresh = [new for new in items if not _is_among(kept, new.item)]
        self._supersede(
            old for new in fresh for old in kept.get(entity_number(new.item.facts.entity_id), ()) if old.is_at(new.item)
        )
        self._insert_items(fresh)

    def _supersede(self, overtaken: Iterable[Settled]) -> None:
        """Remove what we did to places that somebody has changed since: each place is told of once, as it is now."""
        gone = {old.item_id: old for old in overtaken}
        self._remove(list(gone))
        self._database.journal(
            [
                ("superseded", "item", old.item_id, f"was {old.status} with handle {old.to_handle}; changed since")
                for old in gone.values()
            ]
        )

    def _remove_placeless(self, entity_ids: Sequence[EntityId]) -> None:
        met = numbers([entity_number(entity_id) for entity_id in entity_ids])
        old = [Settled(*row) for row in self._database.rows(_OLD_ITEMS, met=met)]
        self._remove([one.item_id for one in old if one.place == "none"])

    def _remove(self, item_ids: Sequence[int]) -> None:
        if item_ids:
            gone = numbers(item_ids)
            self._database.rows("delete from item using gone where item.item_id = gone.number", gone=gone)
            self._database.rows("delete from item_facts using gone where item_facts.item_id = gone.number", gone=gone)

    def _insert_items(self, items: Sequence[NewItem]) -> None:
        if not items:
            return
        first, now = self._database.take_numbers("item", len(items)), self._database.now()
        hot = [_item_row(item_id, new, now) for item_id, new in enumerate(items, start=first)]
        cold = [facts_row(item_id, new.item) for item_id, new in enumerate(items, start=first)]
        self._database.rows("insert into item select * from hot", hot=arrow_table(ITEM_SCHEMA, hot))
        self._database.rows("insert into item_facts select * from cold", cold=arrow_table(FACTS_SCHEMA, cold))
        # one line for all of them: `why` finds an item's own moment in it
        self._database.journal([("indexed", "item", first, f"to item {first + len(items) - 1}, recorded")])


def _has_versions(kind: EntityKind) -> bool:
    return not kind.is_container


def _is_among(kept: dict[int, list[Settled]], item: IndexedItem) -> bool:
    return any(old.is_as_left(item) for old in kept.get(entity_number(item.facts.entity_id), ()))


def _placeless(
    kind: EntityKind, entity_id: EntityId, parent_id: EntityId | None, name: str, reason: ReasonCode, detail: str | None
) -> NewItem:
    """An item for an entity that has no place: it was left alone, is gone, or could not be looked into."""
    facts = ItemFacts(entity_id=entity_id, parent_id=parent_id, name=name, place=None)
    left_alone = detail is None or reason is ReasonCode.GONE
    status = ItemStatus.SKIPPED if left_alone else ItemStatus.ERRORED
    return NewItem(kind, IndexedItem(facts=facts, status=status, reason=reason, detail=detail))


def item_kind(kind: EntityKind) -> str:
    """What the column `kind` says: file, table, or the entity's own kind for what holds neither."""
    if kind in _FILE_KINDS:
        return FILE_ITEM
    return TABLE_ITEM if kind is EntityKind.TABLE else kind.value


def _item_row(item_id: int, new: NewItem, now: datetime) -> tuple[Any, ...]:
    item, facts, handle = new.item, new.item.facts, new.item.facts.handle
    place = place_columns(facts.place)
    return (
        item_id,
        entity_number(facts.entity_id),
        item_kind(new.kind),
        *place,
        facts.column_name,
        optional_entity_number(facts.parent_id),
        facts.name,
        None if handle is None else handle.storage_location_id,
        handle_number(facts.handle_id),
        None if handle is None else handle.size_bytes,
        None if handle is None else handle.md5,
        item.status.value,
        Step.WAITING if item.status is ItemStatus.INDEXED else Step.SETTLED,
        None if item.reason is None else item.reason.value,
        item.detail,
        None,
        None,
        now,
    )


def tally_of(items: Sequence[NewItem]) -> Tally:
    """What newly stored items come to."""
    failed = sum(new.item.status is ItemStatus.ERRORED for new in items)
    skipped = sum(new.item.status is ItemStatus.SKIPPED for new in items)
    handles = (new.item.facts.handle for new in items if new.item.status is ItemStatus.INDEXED)
    size = sum(handle.size_bytes or 0 for handle in handles if handle is not None)
    return Tally(done=len(items) - failed - skipped, failed=failed, skipped=skipped, size_bytes=size)
