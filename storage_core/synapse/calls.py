"""One call to Synapse and its answer, as records."""

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

JsonObject = dict[str, object]


class Base(StrEnum):
    """Which of the three endpoint bases a path belongs to (contract 0.2)."""

    REPO = "repo"
    FILE = "file"
    AUTH = "auth"


class Shape(StrEnum):
    """What a good answer consists of."""

    OBJECT = "object"
    OBJECT_OR_NOTHING = "object or nothing"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestCall:
    """A call to be sent.

    Attributes:
        path: begins with a slash, no query, already percent-encoded.
        repeat_safe: sending it twice does no harm, so it may be repeated when its answer is lost (contract 13.6).
        faults_at_most: sendings that may end in a fault or without an answer, each of which may have been carried out;
            None: as many as our patience allows.
        good: the statuses that mean success; empty means any 2xx.
        read_seconds: how long the service may stay silent, when that is longer than usual.
    """

    method: str
    path: str
    repeat_safe: bool
    faults_at_most: int | None = None
    base: Base = Base.REPO
    query: tuple[tuple[str, str], ...] = ()
    body: JsonObject | None = None
    good: frozenset[int] = frozenset()
    shape: Shape = Shape.OBJECT
    read_seconds: float | None = None

    @property
    def name(self) -> str:
        """Method and path, for messages."""
        return f"{self.method} {self.path}"

    @property
    def family(self) -> str:
        """Method and path with the ids taken out, as the service's own throttle sees it (contract 1.5)."""
        return f"{self.method} {_ID.sub('/#', self.path)}"


_ID = re.compile(r"/(?:syn)?\d+(?=/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A good answer. `body` is empty when the service sent nothing, or a text."""

    call: str
    status: int
    body: JsonObject
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTotals:
    """What was sent so far; repeats count, as they do at the service."""

    total: int
    throttled: int
    by_family: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class CallCounter:
    """Counts what was sent."""

    total: int = 0
    throttled: int = 0
    _by_family: Counter[str] = field(default_factory=Counter)

    def count(self, call: RestCall) -> None:
        """Count one more sending of *call*."""
        self.total += 1
        self._by_family[call.family] += 1

    def totals(self) -> CallTotals:
        """Give the counts, the busiest family first."""
        return CallTotals(total=self.total, throttled=self.throttled, by_family=tuple(self._by_family.most_common()))
