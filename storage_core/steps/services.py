"""What a step may use: ports, and the settings of the run."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from storage_core.model.copies import ProofLevel
from storage_core.model.settings import MigrationSettings
from storage_core.ports import Catalog, Clock, CopyEngine, ObjectReader
from storage_core.steps.known import EtagMeanings, KnownLocations
from storage_core.steps.turns import TableTurns

Emit = Callable[[Any], None]
"""Hands one outcome to the thread that owns the index. Never blocks, never fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The outside world as one run sees it. Shared by all its coroutines; they all run on one event loop.

    Attributes:
        stop: set when no new work may begin; what is in flight is brought to its end.
    """

    catalog: Catalog
    engine: CopyEngine
    reader: ObjectReader
    clock: Clock
    settings: MigrationSettings
    proof_level: ProofLevel = ProofLevel.STANDARD
    table_snapshots: bool = True
    etag_meanings: EtagMeanings = field(default_factory=EtagMeanings)
    locations: KnownLocations = field(default_factory=KnownLocations)
    turns: TableTurns = field(default_factory=TableTurns)
    stop: threading.Event = field(default_factory=threading.Event)
