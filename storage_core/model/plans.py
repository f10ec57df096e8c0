"""Plans: what would be done, said before anything is written."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.engines import EngineShare
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.prices import Costs
from storage_core.model.settings import EngineOption, MigrationSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCount:
    """How many items share a status and a reason, and how many bytes their handles say they have."""

    status: ItemStatus
    reason: ReasonCode | None
    items: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkAhead:
    """What is still to be done, as the index counts it.

    Attributes:
        copies: distinct handles still to be copied; `parts` is the number of parts they will have.
        large_copies: those of the copies that keep S3 busy for long.
        repoints: places still to be changed; `repoint_entities` the files and tables they belong to.
        cells: those of the places that are table cells; `tables` the tables they belong to.
        snapshots: tables that will be frozen as a version first.
        fingerprint: changes whenever any place, handle or version of the work changes.
    """

    copies: int
    copy_bytes: int
    parts: int
    repoints: int
    repoint_entities: int
    verifications: int
    fingerprint: str
    cells: int = 0
    tables: int = 0
    snapshots: int = 0
    large_copies: int = 0


class FindingLevel(StrEnum):
    """How serious a preflight finding is."""

    NOTE = "note"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a steward should know before agreeing, with what to do about it."""

    level: FindingLevel
    what: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole plan. Confirming it means confirming `hash`.

    Attributes:
        engine: which engine was asked for; `shares` says which ones will copy what, and why.
        calls: Synapse calls still to be spent.
        seconds_low, seconds_high: the band in which the run's duration is expected.
        costs: what copying costs at dated prices; no part of the hash, for a price changes nothing that is written.
    """

    settings: MigrationSettings
    ahead: WorkAhead
    counts: tuple[StatusCount, ...]
    engine: EngineOption
    shares: tuple[EngineShare, ...]
    calls: int
    seconds_low: int
    seconds_high: int
    findings: tuple[Finding, ...]
    hash: str
    costs: Costs | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to do."""
        return self.ahead.copies == 0 and self.ahead.repoints == 0 and self.ahead.verifications == 0
