"""export-audit: write all reports and the Parquet export of an index. Needs neither Synapse nor a token."""

from flows.forms import flow_with_form
from flows.parameters import IndexPath, ReportFolder, index_path_from, report_place_from
from storage_core.exports import figures_of
from storage_core.reports.report import RunFacts
from storage_core.synapse.clock import SystemClock
from tasks.exporting import write_reports
from tasks.result_tables import show_result


@flow_with_form("export-audit")
def export_audit(*, index_path: IndexPath, report_folder: ReportFolder = "") -> list[str]:
    """Write everything an auditor asks for; return where it is."""
    path, place = index_path_from(index_path), report_place_from(report_folder)
    written = write_reports(str(path), place, RunFacts(made_at=SystemClock().now()))
    show_result(figures_of(path), written[0])
    return written
