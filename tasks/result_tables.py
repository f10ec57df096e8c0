"""What an index holds after a run, as artifacts: by storage location, what failed, and where the whole report is."""

import platform
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_table_artifact

from storage_core.reports.figures import TROUBLED, Failure, Figures
from storage_core.reports.wording import reason_of


def show_result(figures: Figures, report: str) -> None:
    """Publish what an index holds by storage location, what failed or drifted, and where the report is."""
    create_table_artifact(
        key="migration-by-location",
        table=[
            {
                "storage location": "" if one.location_id is None else str(one.location_id),
                "handles before": one.handles_before,
                "bytes before": one.bytes_before,
                "handles now": one.handles_after,
                "bytes now": one.bytes_after,
            }
            for one in figures.locations
        ],
        description="Distinct file handles by storage location, before and now",
    )
    troubled = figures.items_with(*TROUBLED)
    create_table_artifact(
        key="migration-failures",
        table=[failure_row(one) for one in figures.failures],
        description=f"{troubled:,} items failed or drifted; the first {len(figures.failures):,} are shown",
    )
    create_link_artifact(
        key="migration-report",
        link=report if "://" in report else Path(report).absolute().as_uri(),
        link_text=report,
        description=f"The whole report, on {platform.node()}" if "://" not in report else "The whole report",
    )


def failure_row(one: Failure) -> dict[str, Any]:
    """One line of the table of what failed or drifted."""
    known = reason_of(one.reason)
    return {
        "id": one.entity_id,
        "name": one.name,
        "place": one.place,
        "status": one.status,
        "reason": one.reason or "",
        "what it means": known.sentence if known else "",
        "detail": one.detail or "",
    }
