"""`synapse-storage demo`: a whole migration on this machine, from a sample project to its report."""

import atexit
import os
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.reporting import figures_of, run_facts
from storage_core.cli.sandboxing import optional_part
from storage_core.cli.session import Session, session_of
from storage_core.errors import ExitCode, UsageError
from storage_core.model.settings import FileVersionStrategy
from storage_core.plan.outcomes import Ending, exit_code
from storage_core.reports import REPORTS
from storage_core.reports.summary import summary_of
from storage_core.reports.terminal import outcome_view

if TYPE_CHECKING:
    from sandbox.server import Sandbox

_PREFECT_HOME = Path.home() / ".cache" / "synapse-storage" / "prefect"
_PREFECT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # its database is kept between demos: making it is what takes long the first time
    "PREFECT_HOME": str(_PREFECT_HOME),
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}
WAIT_SCALE = 0.05
"""Simulated waits are shortened: a demo is for looking at, not for waiting."""


def demo(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Where index and reports go; a new folder by default.")
    ] = None,
    open_report: Annotated[bool, typer.Option("--open/--no-open", help="Show the report when it is done.")] = True,  # noqa: FBT002 - a flag
) -> ExitCode:
    """Start a sandbox with a sample project, migrate and verify it, and open the report. Touches no real Synapse."""
    with optional_part():
        from sandbox.server import SandboxOptions, running_sandbox  # late: an optional part

    session = session_of(ctx)
    target = folder or Path(mkdtemp(prefix="synapse-storage-demo-"))
    target.mkdir(parents=True, exist_ok=True)
    index_path = target / "demo.duckdb"
    if index_path.exists():
        raise UsageError(
            f"{index_path} is there already; a sandbox starts anew each time, and the two would not fit.",
            fix="Give a new folder, or none.",
        )
    leave = _QuietExit()
    # registered before Prefect is imported, so it is called after Prefect has stopped its server
    atexit.register(leave)
    session.say("Starting a sandbox with a sample project ...")
    with running_sandbox(SandboxOptions(scenario="demo", wait_scale=WAIT_SCALE)) as sandbox:
        _run_flow(session, sandbox, index_path)
        calls = sandbox.app.traffic.by_status.total()
    paths = [target / f"demo{report.suffix}" for report in REPORTS]
    written = [str(path) for path in paths if path.exists()]
    figures = figures_of(index_path)
    code = exit_code(figures.counts, Ending.COMPLETE)
    session.show(outcome_view(figures, code, calls=calls, reports=written[:1]))
    session.document({**summary_of(figures, run_facts(exit_code=code, calls=calls)), "reports": written})
    if open_report and written and not session.as_json:
        typer.launch(written[0])
    leave.code = code
    return code


class _QuietExit:
    """Ends the process without tearing the interpreter down, once a demo went well.

    Prefect's threads outlive the flow and hold on to frames; at a normal end DuckDB's binding then reports its own
    classes as leaked, in a hundred lines that look like a failure and are none.
    """

    def __init__(self) -> None:
        self.code: ExitCode | None = None

    def __call__(self) -> None:
        if self.code is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.code)


def _run_flow(session: Session, sandbox: "Sandbox", index_path: Path) -> None:
    """Run the same Prefect flow that a deployment runs, on Prefect's embedded default: nothing has to be started."""
    facts = sandbox.facts
    if facts is None:
        raise RuntimeError("the sandbox was started without its sample project")
    _PREFECT_HOME.mkdir(parents=True, exist_ok=True)
    # Prefect reads its settings once, when it is imported; the flow reads ours when it runs.
    os.environ.update(_PREFECT | sandbox.environment())  # noqa: TID251 - the demo's process is all its own
    session.say("Starting Prefect (a temporary server in this process; the first time takes a little longer) ...")
    from flows.migrating import migrate_files  # late: the only command that needs Prefect

    migrate_files(
        root_ids=[facts.root_id],
        destination_storage_location_id=facts.destination_id,
        index_path=str(index_path),
        file_version_strategy=FileVersionStrategy.ALL,
        confirm="force",
        report_folder=str(index_path.parent),
        return_state=True,
    )
