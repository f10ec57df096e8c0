"""The summary as one JSON document, for scripts and dashboards."""

import json
from pathlib import Path
from typing import Any

from storage_core.model.items import ItemStatus
from storage_core.model.plans import StatusCount
from storage_core.ports.queries import Queries
from storage_core.reports.atomic import replacing
from storage_core.reports.figures import Figures, read_figures
from storage_core.reports.report import Report, RunFacts
from storage_core.reports.verdict import verdict_of
from storage_core.reports.wording import reason_of, stamp_text

FORMAT = "synapse-storage/summary/1"


def summary_of(figures: Figures, facts: RunFacts) -> dict[str, Any]:
    """The document; numbers are numbers, moments are text in UTC, unknown values are null."""
    verdict = verdict_of(figures)
    return {
        "format": FORMAT,
        "made_at": stamp_text(facts.made_at),
        "index_as_of": stamp_text(figures.as_of),
        "exit_code": None if facts.exit_code is None else int(facts.exit_code),
        "verdict": {"mood": str(verdict.mood), "sentence": verdict.sentence},
        "plan_hash": facts.plan_hash,
        "plan_confirmed": figures.confirmation,
        "calls": facts.calls,
        "settings": _settings(figures),
        "items": {
            "total": figures.items,
            "by_status": {str(status): figures.items_with(status) for status in ItemStatus},
            "by_reason": [_by_reason(count) for count in figures.counts if count.reason is not None],
            "by_proof": {proof.rung: proof.items for proof in figures.proofs},
        },
        "bytes": {
            "by_status": {str(status): figures.bytes_with(status) for status in ItemStatus},
            "by_proof": {proof.rung: proof.size_bytes for proof in figures.proofs},
        },
        "locations": [
            {
                "storage_location_id": location.location_id,
                "handles_before": location.handles_before,
                "bytes_before": location.bytes_before,
                "handles_after": location.handles_after,
                "bytes_after": location.bytes_after,
            }
            for location in figures.locations
        ],
        "still_held": [
            {"owner": held.owner, "handles": held.handles, "bytes": held.size_bytes} for held in figures.held
        ],
        "other_owners": figures.others_counted,
        "copies": [
            {
                "engine": copy.engine,
                "status": copy.status,
                "copies": copy.copies,
                "bytes": copy.size_bytes,
                "parts": copy.parts,
            }
            for copy in figures.copies
        ],
    }


def _settings(figures: Figures) -> dict[str, Any]:
    settings = figures.settings
    return {
        "roots": [str(root) for root in settings.roots],
        "destination_storage_location_id": int(settings.destination),
        "source_storage_location_ids": [int(location) for location in settings.source_location_ids],
        "file_version_strategy": str(settings.strategy),
        "include_table_files": settings.include_tables,
    }


def _by_reason(count: StatusCount) -> dict[str, Any]:
    reason = reason_of(count.reason)
    return {
        "status": str(count.status),
        "reason": str(count.reason),
        "class": str(reason.kind) if reason else None,
        "sentence": reason.sentence if reason else None,
        "items": count.items,
        "bytes": count.size_bytes,
    }


def write_summary(queries: Queries, path: Path, facts: RunFacts) -> None:
    """Write the summary to *path*, atomically."""
    with replacing(path) as file:
        json.dump(summary_of(read_figures(queries), facts), file, indent=2, ensure_ascii=False)
        file.write("\n")


SUMMARY = Report(
    name="summary",
    suffix=".json",
    purpose="The counts, bytes, proofs and settings of a migration as one JSON document, for scripts and dashboards.",
    write=write_summary,
)
