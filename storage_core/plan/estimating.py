"""What the work ahead will cost in calls and time. Pure; figures and their sources are in docs/planning.md."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from storage_core.model.engines import EngineShare
from storage_core.model.plans import Finding, FindingLevel, Plan, StatusCount, WorkAhead
from storage_core.model.settings import EngineOption, MigrationSettings
from storage_core.plan.cells import CELLS_AT_ONCE
from storage_core.plan.parts import RestOfRun

HANDLES_PER_CALL = 100

CALLS_PER_TRANSACTION = 12
"""Changing up to CELLS_AT_ONCE cells of a table: its columns, two readings of the rows and the transaction itself,
each of these a start and about two polls."""

CALLS_PER_SNAPSHOT = 2
"""Looking through the versions, and freezing one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """What an estimate assumes.

    Attributes:
        calls_per_minute: the Synapse budget.
        s3_bytes_per_second_low, s3_bytes_per_second_high: all copies together. The low figure is the rate Sage
            Bionetworks published in November 2023 (13 minutes per 100 GB); the high one assumes that S3 copies
            run side by side.
        relay_bytes_per_second_low, relay_bytes_per_second_high: what flows through this machine, all streams
            together: from an ordinary office line to a machine near the data. Nobody knows before it flows.
    """

    calls_per_minute: int = 600
    s3_bytes_per_second_low: int = 128_000_000
    s3_bytes_per_second_high: int = 2_000_000_000
    relay_bytes_per_second_low: int = 12_500_000
    relay_bytes_per_second_high: int = 125_000_000


def calls_for(ahead: WorkAhead, shares: Sequence[EngineShare]) -> int:
    """Synapse calls: what the engines spend on the copies, one per file version, one per 100 read back.

    Cells are changed by the table, thousands at a time.
    """
    reads = -(-ahead.copies // HANDLES_PER_CALL) + -(-ahead.verifications // HANDLES_PER_CALL)
    transactions = ahead.tables + ahead.cells // CELLS_AT_ONCE
    tables = CALLS_PER_TRANSACTION * transactions + CALLS_PER_SNAPSHOT * ahead.snapshots
    return sum(share.calls for share in shares) + ahead.repoints - ahead.cells + tables + reads


def seconds_for(ahead: WorkAhead, calls: int, speeds: Speeds, *, relayed_bytes: int = 0) -> tuple[int, int]:
    """The band of durations: at best the budget or a fast S3 is the limit, at worst a slow S3 comes on top.

    Of all bytes *relayed_bytes* flow through this machine, whose line is slower than S3.
    """
    by_calls = calls * 60 / speeds.calls_per_minute
    inside = ahead.copy_bytes - relayed_bytes
    fast = max(by_calls, inside / speeds.s3_bytes_per_second_high, relayed_bytes / speeds.relay_bytes_per_second_high)
    slow = by_calls + inside / speeds.s3_bytes_per_second_low + relayed_bytes / speeds.relay_bytes_per_second_low
    return int(fast), max(int(fast) + 1, int(slow + 0.999))


def rest_of_run(plan: Plan, speeds: Speeds) -> RestOfRun:
    """What goes on beside the copy of a large file: large files share what they spend, the others spend the rest."""
    ahead = plan.ahead
    calls_per_second = speeds.calls_per_minute / 60
    share = ahead.large_copies / max(1, ahead.copies)
    parts_of_large = ahead.parts - (ahead.copies - ahead.large_copies)
    other_calls = max(0.0, (plan.calls - parts_of_large) * (1 - share))
    return RestOfRun(
        calls_per_second=calls_per_second,
        large_files=max(1, ahead.large_copies),
        other_seconds=other_calls / calls_per_second,
    )


def make_plan(
    *,
    settings: MigrationSettings,
    ahead: WorkAhead,
    engine: EngineOption,
    shares: tuple[EngineShare, ...],
    counts: tuple[StatusCount, ...],
    findings: tuple[Finding, ...],
    speeds: Speeds,
) -> Plan:
    """Put the plan together and give it its hash."""
    calls = calls_for(ahead, shares)
    relayed = sum(share.size_bytes for share in shares if share.through_here)
    low, high = seconds_for(ahead, calls, speeds, relayed_bytes=relayed)
    return Plan(
        settings=settings,
        ahead=ahead,
        counts=counts,
        engine=engine,
        shares=shares,
        calls=calls,
        seconds_low=low,
        seconds_high=high,
        findings=(*findings, *through_here(shares, speeds)),
        hash=plan_hash(settings, ahead, engine, shares),
    )


def through_here(shares: Sequence[EngineShare], speeds: Speeds) -> tuple[Finding, ...]:
    """What a steward should know before the bytes of a project flow through the machine that runs this."""
    relayed = [share for share in shares if share.through_here]
    if not relayed:
        return ()
    copies, size = sum(share.copies for share in relayed), sum(share.size_bytes for share in relayed)
    fast, slow = speeds.relay_bytes_per_second_high, speeds.relay_bytes_per_second_low
    return (
        Finding(
            level=FindingLevel.WARNING,
            what=f"{size / 1e9:,.1f} GB of {copies:,} files will flow through this machine, down and up again: about"
            f" {size / fast / 3600:,.1f} to {size / slow / 3600:,.1f} hours, at {fast / 1e6:g} to {slow / 1e6:g} MB/s.",
            fix="Run it on a machine near the data, and see what the traffic costs. Logins and keys of places outside"
            " Synapse come from your configuration file (docs/engines.md).",
        ),
    )


def plan_hash(
    settings: MigrationSettings, ahead: WorkAhead, engine: EngineOption, shares: Sequence[EngineShare]
) -> str:
    """Twelve hex digits that change whenever what would be written changes, or who would copy it."""
    copying = sorted((share.engine, share.bucket or "", share.copies, share.size_bytes) for share in shares)
    facts = json.dumps(
        [asdict(settings), ahead.fingerprint, ahead.snapshots, engine, copying], sort_keys=True, default=str
    )
    return hashlib.sha256(facts.encode()).hexdigest()[:12]
