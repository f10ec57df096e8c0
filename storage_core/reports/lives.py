"""The life story of single items: what was there, what was copied, what became of it, and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from storage_core.model.ids import EntityId
from storage_core.ports.queries import Queries
from storage_core.reports.figures import Event
from storage_core.reports.wording import location_text, moment_text, plain_text, reason_of, size_text, stamp_text

LIVES_SHOWN = 200

_ITEMS = f"""
select item_id, kind, entity_id, name, version, indexed_version, new_version, row_id, col_name, status, reason, detail,
       from_storage_location_id, from_file_handle_id, to_storage_location_id, to_file_handle_id, file_size, md5, proof,
       engine, updated_at
from items_v1 where entity_id = ? and (?::integer is null or ? in (coalesce(version, indexed_version), new_version))
order by item_id limit {LIVES_SHOWN}
"""  # noqa: S608 - a number of ours
_COPY = """
select copy_id, status, attempts, parts, reason, detail from copies_v1 where from_file_handle_id = ?
order by copy_id limit 1
"""
_EVENTS = """
select recorded_at, event, detail from events_v1
where event <> 'indexed' and (starts_with(detail, ?) or starts_with(detail, ?)) order by seq
"""
# Items are recorded many at a time, in one line of the journal: "item 12: to item 40, recorded".
_RECORDED = """
select min(recorded_at) from (
    select recorded_at, regexp_extract(detail, '^item ([0-9]+): to item ([0-9]+)', ['first', 'last']) as range
    from events_v1 where event = 'indexed'
) where try_cast(range.first as bigint) <= ? and try_cast(range.last as bigint) >= ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyLife:
    """The copy behind an item."""

    copy_id: int
    status: str
    attempts: int
    parts: int | None
    reason: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One item with its copy and its events, oldest first.

    Attributes:
        indexed_at: UTC; None for an index of a release that did not note it.
    """

    item_id: int
    kind: str
    entity_id: str
    name: str
    version: int | None
    indexed_version: int | None
    new_version: int | None
    row_id: int | None
    col_name: str | None
    status: str
    reason: str | None
    detail: str | None
    from_location: int | None
    from_handle: str | None
    to_location: int | None
    to_handle: str | None
    size_bytes: int | None
    md5: str | None
    proof: str | None
    engine: str | None
    indexed_at: datetime | None
    updated_at: datetime | None
    copy: CopyLife | None
    events: tuple[Event, ...]

    @property
    def place(self) -> str:
        """Which place of the entity it is, in words."""
        if self.row_id is not None:
            return f"row {self.row_id}, column {self.col_name}"
        if self.version is not None:
            return f"version {self.version}"
        return "whole entity" if self.indexed_version is None else f"on top of version {self.indexed_version}"


def read_lives(queries: Queries, entity_id: EntityId, *, version: int | None = None) -> tuple[Life, ...]:
    """The lives of an entity's items, or of one version's; at most two hundred of them."""
    return tuple(_life(queries, row) for row in queries.rows(_ITEMS, (entity_id, version, version)))


def lives_view(lives: tuple[Life, ...]) -> RenderableType:
    """The lives for people."""
    return Group(*(line for life in lives for line in _lines(life)))


def lives_document(lives: tuple[Life, ...]) -> dict[str, Any]:
    """The lives for scripts."""
    return {"format": "synapse-storage/why/1", "items": [_document(life) for life in lives]}


def _life(queries: Queries, row: tuple[Any, ...]) -> Life:
    item_id, from_handle = row[0], row[13]
    copies = [] if from_handle is None else list(queries.rows(_COPY, (from_handle,)))
    copy = _copy(copies[0]) if copies else None
    of_copy = f"copy {copy.copy_id}: " if copy else "no copy"
    events = queries.rows(_EVENTS, (f"item {item_id}: ", of_copy))
    ((indexed_at,),) = queries.rows(_RECORDED, (item_id, item_id))
    return Life(
        item_id=item_id,
        kind=row[1],
        entity_id=row[2],
        name=row[3] or "",
        version=row[4],
        indexed_version=row[5],
        new_version=row[6],
        row_id=row[7],
        col_name=row[8],
        status=row[9],
        reason=row[10],
        detail=row[11],
        from_location=row[12],
        from_handle=from_handle,
        to_location=row[14],
        to_handle=row[15],
        size_bytes=row[16],
        md5=row[17],
        proof=row[18],
        engine=row[19],
        indexed_at=indexed_at,
        updated_at=row[20],
        copy=copy,
        events=tuple(Event(recorded_at=when, event=event, detail=detail or "") for when, event, detail in events),
    )


def _copy(row: tuple[Any, ...]) -> CopyLife:
    copy_id, status, attempts, parts, reason, detail = row
    return CopyLife(copy_id=copy_id, status=status, attempts=attempts or 0, parts=parts, reason=reason, detail=detail)


def _lines(life: Life) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text(f"{life.entity_id}, {life.place}: {life.status}", style="bold"),
        _line("name", life.name),
        *_why(life),
        _line("was", _handle(life.from_location, life.from_handle)),
        *([_line("is now", _now(life))] if life.status == "MIGRATED" else []),
        _line("bytes", _bytes(life)),
        *([_line("copy", _copied(life, life.copy))] if life.copy else []),
        *([_line(moment_text(life.indexed_at), "indexed")] if life.indexed_at else []),
        *(_line(moment_text(event.recorded_at), f"{event.event}: {event.detail}") for event in life.events),
        Text(""),
    ]
    return lines


def _line(name: str, value: str) -> Text:
    line = Text("  ")
    line.append(f"{name:<8} ", style="bright_black")
    line.append(plain_text(value))
    return line


def _why(life: Life) -> list[Text]:
    reason = reason_of(life.reason)
    sentence = f"{life.reason}: {reason.sentence} ({reason.kind})" if reason else life.reason
    lines = [_line("why", sentence)] if sentence else []
    return [*lines, _line("detail", life.detail)] if life.detail else lines


def _handle(location: int | None, handle: str | None) -> str:
    if handle is None:
        return "no file handle"
    return f"file handle {handle}" + ("" if location is None else f" in storage location {location_text(location)}")


def _now(life: Life) -> str:
    added = "" if life.new_version is None else f", as version {life.new_version}"
    return _handle(life.to_location, life.to_handle) + added


def _bytes(life: Life) -> str:
    size = "unknown size" if life.size_bytes is None else f"{size_text(life.size_bytes)} ({life.size_bytes})"
    return f"{size}, MD5 {life.md5 or 'unknown'}"


def _copied(life: Life, copy: CopyLife) -> str:
    parts = [f"number {copy.copy_id}", copy.status, f"engine {life.engine}" if life.engine else ""]
    parts += [f"{copy.parts} parts" if copy.parts else "", f"proof {life.proof}" if life.proof else ""]
    parts += [f"{copy.reason} {copy.detail or ''}".strip() if copy.reason else ""]
    return ", ".join(part for part in parts if part)


def _document(life: Life) -> dict[str, Any]:
    reason = reason_of(life.reason)
    return {
        "item_id": life.item_id,
        "id": life.entity_id,
        "type": life.kind,
        "name": life.name,
        "version": life.version,
        "indexed_version": life.indexed_version,
        "new_version": life.new_version,
        "row_id": life.row_id,
        "col_name": life.col_name,
        "status": life.status,
        "reason": life.reason,
        "reason_class": str(reason.kind) if reason else None,
        "sentence": reason.sentence if reason else None,
        "detail": life.detail,
        "from_storage_location_id": life.from_location,
        "from_file_handle_id": life.from_handle,
        "to_storage_location_id": life.to_location,
        "to_file_handle_id": life.to_handle,
        "file_size": life.size_bytes,
        "md5": life.md5,
        "proof": life.proof,
        "engine": life.engine,
        "indexed_at": stamp_text(life.indexed_at) if life.indexed_at else None,
        "updated_at": stamp_text(life.updated_at) if life.updated_at else None,
        "copy_status": life.copy.status if life.copy else None,
        "copy_attempts": life.copy.attempts if life.copy else None,
        "events": [
            {"recorded_at": stamp_text(event.recorded_at), "event": event.event, "detail": event.detail}
            for event in life.events
        ],
    }
