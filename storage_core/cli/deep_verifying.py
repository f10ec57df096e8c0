"""`verify --deep`: every place and, where asked, every object; what it found, for people and for scripts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage_core.cli.running import running
from storage_core.cli.session import Session
from storage_core.errors import ExitCode
from storage_core.model.checks import ByteScope, CheckFinding, CheckReport, CheckResult, ChecksAhead
from storage_core.reports.wording import counted, plain_text, size_text

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 100


def verify_deeply(session: Session, index: Path, scope: ByteScope) -> ExitCode:
    """Look at everything that was migrated and keep what was found in the index.

    Raises:
        AccessError, UsageError, IndexUnusable, IndexInUse: nothing was looked at.
    """
    with running(session, index, None) as app:
        ahead = app.deep_check.plan(scope)
        session.say(_ahead_text(ahead))
        report = app.deep_check.run(scope)
        calls = app.remote.calls.total
    session.document(_document(report, calls))
    for line in _lines(report):
        session.print_line(line)
    if report.findings:
        session.print_line(f"{counted(len(report.findings), 'finding')}; the first {SHOWN} at most:")
        session.show(_table(report.findings[:SHOWN]))
    return exit_code(report)


def exit_code(report: CheckReport) -> ExitCode:
    """MISMATCH when something is damaged, SOME_FAILED when somebody changed it or it could not be read."""
    if report.has(CheckResult.DIFFERS):
        return ExitCode.MISMATCH
    is_incomplete = report.has(CheckResult.DRIFTED) or report.has(CheckResult.UNREAD)
    return ExitCode.SOME_FAILED if is_incomplete else ExitCode.DONE


def _ahead_text(ahead: ChecksAhead) -> str:
    files, cells = counted(ahead.files, "file version"), counted(ahead.cells, "table cell")
    read = f"; {counted(ahead.objects, 'object')} of {size_text(ahead.size_bytes)} to be read" if ahead.objects else ""
    return f"To be looked at: {files} with a call each, {cells} in {counted(ahead.tables, 'table')}{read}."


def _lines(report: CheckReport) -> list[str]:
    places, objects = report.places, report.objects
    lines = [f"{counted(places.get(CheckResult.GOOD, 0), 'place')} read and found as migrated."]
    if objects:
        lines.append(f"{counted(objects.get(CheckResult.GOOD, 0), 'object')} read to the end, with the right MD5.")
    told = (
        (places, CheckResult.DRIFTED, "place", "changed by somebody since; now DRIFTED"),
        (places, CheckResult.DIFFERS, "place", "not as it was written; now ERRORED"),
        (places, CheckResult.UNREAD, "place", "not readable, so nothing is known of it"),
        (objects, CheckResult.DIFFERS, "object", "damaged or gone; its places are ERRORED now"),
        (objects, CheckResult.UNREAD, "object", "not readable, so nothing new is known of it"),
    )
    return lines + [f"{counted(counts[of], word)} {what}." for counts, of, word, what in told if counts.get(of)]


def _table(findings: Sequence[CheckFinding]) -> "Table":
    from rich.table import Table  # late: keeps --help fast
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for heading in ("Entity", "Place", "File handle", "Result", "Detail"):
        table.add_column(heading)
    for one in findings:
        place = Text(plain_text(one.place))
        table.add_row(one.entity_id, place, one.handle, str(one.result), Text(plain_text(one.detail)))
    return table


def _document(report: CheckReport, calls: int) -> dict[str, Any]:
    return {
        "format": "synapse-storage/verify-deep/1",
        "places": {str(result): report.places.get(result, 0) for result in CheckResult},
        "objects": {str(result): report.objects.get(result, 0) for result in CheckResult},
        "calls": calls,
        "findings": [
            {
                "result": str(one.result),
                "id": one.entity_id,
                "place": one.place,
                "file_handle_id": one.handle,
                "reason": None if one.reason is None else str(one.reason),
                "detail": one.detail,
            }
            for one in report.findings
        ],
    }
