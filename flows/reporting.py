"""export-audit: write all reports and the Parquet export of an index. Needs neither Synapse nor a token."""

from prefect import flow

from flows.parameters import IndexPath, index_path_from
from storage_core.reports.report import RunFacts
from storage_core.synapse.clock import SystemClock
from tasks.exporting import write_reports


@flow(name="export-audit", persist_result=False)
def export_audit(index_path: IndexPath, report_folder: str = "") -> list[str]:
    """Write everything an auditor asks for; return where it is.

    Args:
        index_path: Where the migration keeps its index: on a local disk of the worker, never on a network drive.
        report_folder: Where reports and the Parquet export go; beside the index when empty.
    """
    return write_reports(str(index_path_from(index_path)), report_folder or None, RunFacts(made_at=SystemClock().now()))
