"""The chain through the event log: each event's hash covers the event and the hash before it. Pure.

Whoever changes, removes or inserts an event breaks the chain at that place. Whoever can write the file could make the
whole chain anew; so keep the last hash elsewhere (an export's manifest has it, `verify-log` prints it) and compare.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

START = "0" * 64
"""What stands before the first event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One row of the event log, as `events_v1` and `event_chain_v1` show it.

    Attributes:
        hash: as kept; None for events of indexes that had no chain yet.
    """

    seq: int
    recorded_at: datetime
    event: str
    detail: str
    hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostEvent:
    """A hash in the chain whose event is not in the log."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLink:
    """An event that does not follow from the one before it; *event* is None when only its hash is left."""

    seq: int
    event: str | None
    previous: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerdict:
    """What checking a log came to.

    Attributes:
        events: events with a hash, all of which were checked.
        unchained: earlier events, from before there was a chain.
        head: the hash of the last event; START when there is none.
        promised: the last hash that the export's manifest names; None when there is none, or no manifest.
        other_files: files of the export that are not those of its manifest, in words.
    """

    events: int
    unchained: int
    head: str
    broken: tuple[BrokenLink, ...]
    promised: str | None = None
    other_files: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing speaks against the log, nor against the export it lies in."""
        return not self.broken and not self.other_files and self.promised in {None, self.head}


def link(previous: str, *, seq: int, recorded_at: datetime, event: str, detail: str) -> str:
    """The hash of an event that follows the one with the hash *previous*; *recorded_at* is UTC without zone."""
    facts = [previous, seq, recorded_at.isoformat(timespec="microseconds"), event, detail]
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def shown_detail(subject: str | None, subject_id: int | None, detail: str) -> str:
    """What `events_v1` shows of an event: its subject is part of the detail."""
    return detail if subject is None else f"{subject} {subject_id}: {detail}"


def check_chain(events: Iterable[LoggedEvent | LostEvent], chained_since: datetime | None = None) -> LogVerdict:
    """Follow the chain through events in the order of their numbers.

    After a broken link the check goes on from the hash that is kept, so that one change is named once.

    Args:
        chained_since: when the log got its chain, UTC without zone; later events must have a hash. None: nobody knows.
    """
    checker = _Checker(chained_since)
    return LogVerdict(
        broken=tuple(checker.broken(events)), events=checker.events, unchained=checker.unchained, head=checker.head
    )


class _Checker:
    def __init__(self, chained_since: datetime | None) -> None:
        self._chained_since = chained_since
        self.events = 0
        self.unchained = 0
        self.head = START
        self._last: int | None = None

    def broken(self, events: Iterable[LoggedEvent | LostEvent]) -> Iterator[BrokenLink]:
        for one in events:
            if isinstance(one, LostEvent):
                yield BrokenLink(seq=one.seq, event=None, previous=self._last)
                self.head = one.hash
            elif self._is_older_than_chain(one):
                self.unchained += 1
            else:
                self.events += 1
                expected = link(self.head, seq=one.seq, recorded_at=one.recorded_at, event=one.event, detail=one.detail)
                if one.hash != expected:
                    yield BrokenLink(seq=one.seq, event=one.event, previous=self._last)
                self.head = one.hash or expected
            self._last = one.seq

    def _is_older_than_chain(self, one: LoggedEvent) -> bool:
        if one.hash is not None or self.events:
            return False
        return self._chained_since is None or one.recorded_at < self._chained_since
