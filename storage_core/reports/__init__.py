"""What people read afterwards: one report per file, all over ``ports.queries.Queries``.

Adding one: a new file here with a function that writes it, one line in `REPORTS`, one test file. The command line
and docs/reports.md list it by themselves; a test fails when it has no purpose sentence.
"""

from storage_core.reports.csv_log import CSV_LOG
from storage_core.reports.html.page import HTML_REPORT
from storage_core.reports.report import Report
from storage_core.reports.summary import SUMMARY

REPORTS: tuple[Report, ...] = (HTML_REPORT, CSV_LOG, SUMMARY)
"""Every report, in the order in which they are listed."""


def report_named(name: str) -> Report:
    """The report of that name; KeyError when there is none."""
    return {report.name: report for report in REPORTS}[name]


__all__ = ["REPORTS", "Report", "report_named"]
