"""The figures behind every report: a handful of small records, whatever the size of the index.

Read from the public views only. Sizes are of distinct file handles where it is said, because one object that fifty
places use lies in its bucket once.
"""

from dataclasses import dataclass
from datetime import datetime

from storage_core.model.items import ItemStatus
from storage_core.model.plans import StatusCount
from storage_core.model.settings import MigrationSettings
from storage_core.ports.queries import Queries

FAILURES_SHOWN = 1000
EVENTS_SHOWN = 500
PROGRESS_POINTS = 120
CONFIRMED = "plan confirmed"
TROUBLED = (ItemStatus.ERRORED, ItemStatus.DRIFTED)

_LOCATIONS = """
with places as (
    select from_storage_location_id as before_id, from_file_handle_id as before_handle, file_size,
           case when status = 'MIGRATED' then to_storage_location_id else from_storage_location_id end as after_id,
           case when status = 'MIGRATED' then to_file_handle_id else from_file_handle_id end as after_handle
    from items_v1 where from_file_handle_id is not null
), befores as (
    select before_id as location_id, count(*) as handles, coalesce(sum(file_size), 0) as size_bytes
    from (select before_id, before_handle, max(file_size) as file_size from places group by all) group by all
), afters as (
    select after_id as location_id, count(*) as handles, coalesce(sum(file_size), 0) as size_bytes
    from (select after_id, after_handle, max(file_size) as file_size from places group by all) group by all
)
select coalesce(befores.location_id, afters.location_id),
       coalesce(befores.handles, 0)::bigint, coalesce(befores.size_bytes, 0)::bigint,
       coalesce(afters.handles, 0)::bigint, coalesce(afters.size_bytes, 0)::bigint
from befores full join afters on befores.location_id is not distinct from afters.location_id
order by 3 desc, 5 desc, 1
"""
_FLOWS = """
select before_id, after_id, count(*)::bigint, coalesce(sum(file_size), 0)::bigint
from (
    select from_storage_location_id as before_id, from_file_handle_id, max(file_size) as file_size,
           case when status = 'MIGRATED' then to_storage_location_id else from_storage_location_id end as after_id
    from items_v1 where from_file_handle_id is not null group by all
) group by all order by 4 desc, 1, 2
"""
_PROGRESS = f"""
with done as (
    select epoch(updated_at)::bigint as second, file_size from items_v1
    where status = 'MIGRATED' and updated_at is not null
), bounds as (
    select min(second) as first, greatest(1, ceil((max(second) - min(second)) / {PROGRESS_POINTS}))::bigint as width
    from done
)
select make_timestamp((((second - first) // width + 1) * width + first) * 1000000),
       count(*)::bigint, coalesce(sum(file_size), 0)::bigint
from done, bounds group by 1 order by 1
"""  # noqa: S608 - a number of ours
_PROOFS = """
select proof, count(*)::bigint, coalesce(sum(file_size), 0)::bigint
from items_v1 where proof is not null and status = 'MIGRATED' group by proof
"""
_COPIES = """
select engine, status, count(*)::bigint, coalesce(sum(file_size), 0)::bigint, coalesce(sum(parts), 0)::bigint
from copies_v1 group by all order by engine nulls last, status
"""
_FAILURES = f"""
select kind, entity_id, name, version, row_id, col_name, status, reason, detail, file_size
from items_v1 where status in ('ERRORED', 'DRIFTED')
order by status desc, item_id limit {FAILURES_SHOWN}
"""  # noqa: S608 - a number of ours
# The journal also tells of every single item and copy; a timeline is about the run as a whole.
_EVENTS = f"""
select recorded_at, event, detail from (
    select seq, recorded_at, event, detail from events_v1
    where not regexp_matches(coalesce(detail, ''), '^(item|copy|location|entity|container) [0-9]+: ')
    order by seq desc limit {EVENTS_SHOWN}
) order by seq
"""  # noqa: S608 - a number of ours
# What goes on referring to old handles after the migration, as far as the index knows of it.
_HELD = """
with held as (
    select 'older file versions' as owner, from_file_handle_id, file_size from items_v1
    where status = 'MIGRATED' and new_version is not null
    union all
    select 'frozen table versions', from_file_handle_id, file_size from items_v1
    where status = 'MIGRATED' and row_id is not null and entity_id in (
        select 'syn' || regexp_extract(detail, '^entity ([0-9]+):', 1) from events_v1 where event = 'table frozen'
    )
)
select owner, count(*)::bigint, coalesce(sum(file_size), 0)::bigint
from (select owner, from_file_handle_id, max(file_size) as file_size from held group by all)
group by owner order by owner
"""
# What was counted last of holders that no migration moves (plan/holding.py writes these lines), in old locations only.
_COUNTED = "select seq, detail from events_v1 where event = 'other owners counted' order by seq desc limit 1"
_HELD_ELSEWHERE = """
select told.owner, cast(told.handles as bigint), try_cast(told.size as bigint)
from (
    select regexp_extract(detail, '^(.+); storage location ([0-9]+); ([0-9]+) handles; ([0-9]+|unknown) bytes$',
        ['owner', 'location', 'handles', 'size']) as told
    from events_v1 where event = 'held elsewhere' and seq > ?
)
where try_cast(told.location as bigint) in (
    select from_storage_location_id from items_v1 where status not in ('ALREADY_MIGRATED', 'SKIPPED')
)
"""
_SETTINGS = "select name, value from settings_v1 order by name"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationFigure:
    """Distinct handles and their bytes in one storage location: where places referred to, and refer to now."""

    location_id: int | None
    handles_before: int
    bytes_before: int
    handles_after: int
    bytes_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFigure:
    """Distinct handles in an old location that something goes on referring to, so that their bytes have to stay.

    Only what the index knows: wiki attachments and previews are in it once `holders` has counted them.

    Attributes:
        size_bytes: None where nobody knows it, as of previews.
    """

    owner: str
    handles: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFigure:
    """Distinct handles and bytes by where their places referred to before, and refer to now."""

    before_id: int | None
    after_id: int | None
    handles: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressFigure:
    """Items that became MIGRATED in the interval that ends at `until`; at most about 120 intervals in all."""

    until: datetime
    items: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFigure:
    """Migrated items by the rung that proved their bytes."""

    rung: str
    items: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFigure:
    """Distinct handles by engine and status; `engine` is None until a copy was tried."""

    engine: str | None
    status: str
    copies: int
    size_bytes: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item that failed or drifted."""

    kind: str
    entity_id: str
    name: str
    version: int | None
    row_id: int | None
    col_name: str | None
    status: str
    reason: str | None
    detail: str | None
    size_bytes: int | None

    @property
    def place(self) -> str:
        """Which place of the entity it is, in words."""
        if self.row_id is not None:
            return f"row {self.row_id}, column {self.col_name}"
        return "current version" if self.version is None else f"version {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the journal."""

    recorded_at: datetime
    event: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything a report shows."""

    settings: MigrationSettings
    as_of: datetime
    counts: tuple[StatusCount, ...]
    locations: tuple[LocationFigure, ...]
    flows: tuple[FlowFigure, ...]
    held: tuple[HeldFigure, ...]
    others_counted: str | None
    progress: tuple[ProgressFigure, ...]
    proofs: tuple[ProofFigure, ...]
    copies: tuple[CopyFigure, ...]
    failures: tuple[Failure, ...]
    events: tuple[Event, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def items(self) -> int:
        """All items."""
        return sum(count.items for count in self.counts)

    @property
    def unused_sources(self) -> tuple[int, ...]:
        """Source locations asked for in which no item's bytes were; empty while nothing was looked at."""
        held = {location.location_id for location in self.locations if location.handles_before}
        return tuple(one for one in self.settings.source_location_ids if self.items and one not in held)

    @property
    def confirmation(self) -> str | None:
        """The plan agreed to last, and by whom, in the journal's words; None when nobody agreed yet."""
        confirmed = [event.detail for event in self.events if event.event == CONFIRMED]
        return confirmed[-1] if confirmed else None

    def items_with(self, *statuses: ItemStatus) -> int:
        """Items in any of these statuses."""
        return sum(count.items for count in self.counts if count.status in statuses)

    def bytes_with(self, *statuses: ItemStatus) -> int:
        """What the handles of those items say they hold; a shared handle counts once per item."""
        return sum(count.size_bytes for count in self.counts if count.status in statuses)


def read_figures(queries: Queries) -> Figures:
    """Read all figures: a few small queries."""
    counted = next(iter(queries.rows(_COUNTED)), None)
    return Figures(
        settings=queries.settings,
        as_of=queries.as_of,
        counts=tuple(queries.counts()),
        locations=_locations(queries),
        flows=_flows(queries),
        held=_held(queries, after=None if counted is None else counted[0]),
        others_counted=None if counted is None else counted[1],
        progress=tuple(
            ProgressFigure(until=until, items=items, size_bytes=size_bytes)
            for until, items, size_bytes in queries.rows(_PROGRESS)
        ),
        proofs=_proofs(queries),
        copies=_copies(queries),
        failures=_failures(queries),
        events=_events(queries),
        facts=tuple((str(name), "" if value is None else str(value)) for name, value in queries.rows(_SETTINGS)),
    )


def _held(queries: Queries, *, after: int | None) -> tuple[HeldFigure, ...]:
    """What the index knows by itself, and what was counted in the events behind number *after*."""
    others = [] if after is None else queries.rows(_HELD_ELSEWHERE, (after,))
    by_owner: dict[str, HeldFigure] = {}
    for owner, handles, size in (*queries.rows(_HELD), *others):
        known = by_owner.get(owner, HeldFigure(owner=owner, handles=0, size_bytes=0))
        together = None if size is None or known.size_bytes is None else known.size_bytes + size
        by_owner[owner] = HeldFigure(owner=owner, handles=known.handles + handles, size_bytes=together)
    return tuple(by_owner[owner] for owner in sorted(by_owner))


def _locations(queries: Queries) -> tuple[LocationFigure, ...]:
    return tuple(
        LocationFigure(
            location_id=None if location is None else int(location),
            handles_before=handles_before,
            bytes_before=bytes_before,
            handles_after=handles_after,
            bytes_after=bytes_after,
        )
        for location, handles_before, bytes_before, handles_after, bytes_after in queries.rows(_LOCATIONS)
    )


def _flows(queries: Queries) -> tuple[FlowFigure, ...]:
    return tuple(
        FlowFigure(
            before_id=None if before is None else int(before),
            after_id=None if after is None else int(after),
            handles=handles,
            size_bytes=size_bytes,
        )
        for before, after, handles, size_bytes in queries.rows(_FLOWS)
    )


def _proofs(queries: Queries) -> tuple[ProofFigure, ...]:
    return tuple(
        ProofFigure(rung=str(rung), items=items, size_bytes=size_bytes)
        for rung, items, size_bytes in queries.rows(_PROOFS)
    )


def _copies(queries: Queries) -> tuple[CopyFigure, ...]:
    return tuple(
        CopyFigure(engine=engine, status=str(status), copies=copies, size_bytes=size_bytes, parts=parts)
        for engine, status, copies, size_bytes, parts in queries.rows(_COPIES)
    )


def _failures(queries: Queries) -> tuple[Failure, ...]:
    return tuple(
        Failure(
            kind=kind,
            entity_id=entity_id,
            name=name or "",
            version=version,
            row_id=row_id,
            col_name=col_name,
            status=status,
            reason=reason,
            detail=detail,
            size_bytes=size_bytes,
        )
        for kind, entity_id, name, version, row_id, col_name, status, reason, detail, size_bytes in queries.rows(
            _FAILURES
        )
    )


def _events(queries: Queries) -> tuple[Event, ...]:
    return tuple(
        Event(recorded_at=recorded_at, event=str(event), detail=detail or "")
        for recorded_at, event, detail in queries.rows(_EVENTS)
    )
