"""What a step may use: ports, and the settings of the run."""

import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from storage_core.model.copies import ProofLevel
from storage_core.model.settings import IndexOptions, MigrationSettings
from storage_core.ports.catalog import Catalog
from storage_core.ports.clock import Clock
from storage_core.ports.copying import CopyEngine, ObjectReader
from storage_core.steps.backlog import Backlog
from storage_core.steps.known import EtagMeanings, KnownDestination, KnownLocations, ViewAtHand
from storage_core.steps.turns import TableTurns

T = TypeVar("T")

Emit = Callable[[Any], None]
"""Hands one outcome to the thread that owns the index. Never blocks, never fails."""


class Network(Protocol):
    """The event loop that owns all network I/O, seen from the index thread."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* there and wait for its result."""
        ...


def _never() -> bool:
    """Where nobody counts calls, no budget is idle."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The outside world as one run sees it. Shared by all its coroutines; they all run on one event loop.

    Attributes:
        has_idle_budget: whether a call to Synapse that came now would start at once; asked from any thread.
        backlog: outcomes that are not recorded yet; whoever emits large ones waits for it.
        stop: set when no new work may begin; what is in flight is brought to its end.
    """

    catalog: Catalog
    engine: CopyEngine
    reader: ObjectReader
    clock: Clock
    settings: MigrationSettings
    proof_level: ProofLevel = ProofLevel.STANDARD
    table_snapshots: bool = True
    indexing: IndexOptions = field(default_factory=IndexOptions)
    etag_meanings: EtagMeanings = field(default_factory=EtagMeanings)
    locations: KnownLocations = field(default_factory=KnownLocations)
    view: ViewAtHand = field(default_factory=ViewAtHand)
    destination: KnownDestination = field(default_factory=KnownDestination)
    turns: TableTurns = field(default_factory=TableTurns)
    backlog: Backlog = field(default_factory=Backlog)
    has_idle_budget: Callable[[], bool] = _never
    stop: threading.Event = field(default_factory=threading.Event)
