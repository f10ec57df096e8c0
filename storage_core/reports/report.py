"""What a report is, and what it may know beyond the index."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage_core.errors import ExitCode
from storage_core.ports.queries import Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the maker of a report knows and the index does not say; absent values are left out of the report.

    Attributes:
        made_at: when the report is made.
        exit_code: what the run ended with, when a run has just ended.
        plan_hash: the plan that was confirmed.
        calls: Synapse calls the run spent.
        see_also: where the complete list of items is, for readers of a shortened one.
    """

    made_at: datetime
    exit_code: ExitCode | None = None
    plan_hash: str | None = None
    calls: int | None = None
    see_also: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report.

    Attributes:
        name: how it is called on the command line.
        suffix: the ending of its file name.
        purpose: one sentence: who reads it, and what for.
        write: makes the file, atomically: the path holds the old file or the whole new one, never a part.
    """

    name: str
    suffix: str
    purpose: str
    write: Callable[[Queries, Path, RunFacts], None]
