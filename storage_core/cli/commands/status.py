"""`synapse-storage status`: where a migration stands, also while it runs."""

from datetime import UTC

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.pace_views import pace_document, pace_lines
from storage_core.cli.reporting import now, reading, run_facts
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.reports.figures import read_figures
from storage_core.reports.summary import summary_of
from storage_core.reports.terminal import status_view
from storage_core.reports.wording import duration_text, stamp_text

_DECISIONS = "select recorded_at, detail from events_v1 where event = 'pace' order by seq desc limit 5"


def status(ctx: typer.Context, index: IndexArgument) -> ExitCode:
    """Show counts, reasons and bytes by location. Asks Synapse nothing; works while another process migrates."""
    from storage_core.index.limits import read_pace  # late: the database is slow to import
    from storage_core.index.opening import resolved

    session = session_of(ctx)
    with reading(index) as reader:
        figures = read_figures(reader)
        decisions = reader.rows(_DECISIONS)
        is_live = reader.is_live
    pace = read_pace(resolved(index), now()) if is_live else None
    age_seconds = max(0.0, (now() - figures.as_of).total_seconds())
    session.show(status_view(figures))
    told = [{"at": stamp_text(at.replace(tzinfo=UTC)), "decision": decision} for at, decision in reversed(decisions)]
    session.document(
        {
            **summary_of(figures, run_facts()),
            "is_running": is_live,
            "age_seconds": round(age_seconds),
            "pace": pace_document(pace),
            "pace_decisions": told,
        }
    )
    for line in (*pace_lines(pace), *(f"{one['at']} {one['decision']}" for one in told)):
        session.print_line(line)
    if is_live:
        session.say(f"Another process is working on it; this is its snapshot of {duration_text(age_seconds)} ago.")
    return ExitCode.DONE
