"""`synapse-storage status`: where a migration stands, also while it runs."""

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.reporting import now, reading, run_facts
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.reports.figures import read_figures
from storage_core.reports.summary import summary_of
from storage_core.reports.terminal import status_view
from storage_core.reports.wording import duration_text


def status(ctx: typer.Context, index: IndexArgument) -> ExitCode:
    """Show counts, reasons and bytes by location. Asks Synapse nothing; works while another process migrates."""
    session = session_of(ctx)
    with reading(index) as reader:
        figures = read_figures(reader)
        is_live = reader.is_live
    age_seconds = max(0.0, (now() - figures.as_of).total_seconds())
    session.show(status_view(figures))
    session.document({**summary_of(figures, run_facts()), "is_running": is_live, "age_seconds": round(age_seconds)})
    if is_live:
        session.say(f"Another process is working on it; this is its snapshot of {duration_text(age_seconds)} ago.")
    return ExitCode.DONE
