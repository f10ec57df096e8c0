"""JSON documents that are no report."""

from collections.abc import Sequence
from typing import Any

from storage_core.model.canaries import CanaryCandidate, CanaryResult
from storage_core.model.engines import EngineShare
from storage_core.model.plans import Plan, StatusCount
from storage_core.model.prices import Costs


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan, with the numbers as numbers."""
    settings, ahead = plan.settings, plan.ahead
    return {
        "format": "synapse-storage/plan/1",
        "hash": plan.hash,
        "settings": {
            "roots": [str(root) for root in settings.roots],
            "destination_storage_location_id": int(settings.destination),
            "source_storage_location_ids": [int(source) for source in settings.source_location_ids],
            "file_version_strategy": str(settings.strategy),
            "include_table_files": settings.include_tables,
        },
        "copies": ahead.copies,
        "copy_bytes": ahead.copy_bytes,
        "parts": ahead.parts,
        "repoints": ahead.repoints,
        "repoint_entities": ahead.repoint_entities,
        "cells": ahead.cells,
        "tables": ahead.tables,
        "table_snapshots": ahead.snapshots,
        "verifications": ahead.verifications,
        "engine": str(plan.engine),
        "engines": [_share(share) for share in plan.shares],
        "calls": plan.calls,
        "seconds_low": plan.seconds_low,
        "seconds_high": plan.seconds_high,
        "costs": None if plan.costs is None else _costs(plan.costs),
        "items": [_count(count) for count in plan.counts],
        "findings": [
            {"level": str(finding.level), "what": finding.what, "fix": finding.fix} for finding in plan.findings
        ],
    }


def canary_document(result: CanaryResult) -> dict[str, Any]:
    """What the canary came to."""
    return {
        "verdict": str(result.verdict),
        "agreed": result.is_agreed,
        "items": [_count(count) for count in result.counts],
        "proofs": [{"rung": str(one.rung), "items": one.items} for one in result.rungs],
        "seconds": result.seconds,
        "calls": result.calls,
    }


def candidates_document(candidates: Sequence[CanaryCandidate]) -> dict[str, Any]:
    """What would go first."""
    return {
        "copies": len(candidates),
        "items": sum(one.items for one in candidates),
        "bytes": sum(one.size_bytes for one in candidates),
    }


def _costs(costs: Costs) -> dict[str, Any]:
    return {
        "currency": costs.prices.currency,
        "prices_as_of": costs.prices.as_of.isoformat(),
        "prices_source": costs.prices.source,
        "lines": [
            {
                "kind": str(cost.kind),
                "amount": None if cost.amount is None else float(cost.amount),
                "per": "month" if cost.is_monthly else "migration",
                "note": cost.note,
            }
            for cost in costs.lines
        ],
    }


def _share(share: EngineShare) -> dict[str, Any]:
    return {
        "engine": str(share.engine),
        "source_bucket": share.bucket,
        "copies": share.copies,
        "bytes": share.size_bytes,
        "parts": share.parts,
        "calls": share.calls,
        "why": share.why,
    }


def _count(count: StatusCount) -> dict[str, Any]:
    return {
        "status": str(count.status),
        "reason": None if count.reason is None else str(count.reason),
        "items": count.items,
        "bytes": count.size_bytes,
    }
