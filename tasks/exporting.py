"""The task that writes what auditors read."""

from pathlib import Path

from prefect import task

from storage_core.exports import write_everything
from storage_core.reports.report import RunFacts
from tasks.batches import TASK_OPTIONS


@task(name="export", tags=["report"], **TASK_OPTIONS)
def write_reports(index_path: str, place: str | None, facts: RunFacts) -> list[str]:
    """Write all reports and the Parquet export of a closed index to a folder or S3; return where they are."""
    return list(write_everything(Path(index_path), place, facts))
