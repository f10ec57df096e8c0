"""`synapse-storage demo`: a whole migration on this machine, from a sample project to its report."""

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.progress import Expectations, watching
from storage_core.cli.reporting import figures_of, run_facts, write_reports
from storage_core.cli.running import indexed_text
from storage_core.cli.sandboxing import optional_part
from storage_core.cli.session import Session, session_of
from storage_core.errors import ExitCode, UsageError
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.plans import Plan
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.reports.summary import summary_of
from storage_core.reports.terminal import outcome_view, plan_view

if TYPE_CHECKING:
    from sandbox.server import Sandbox
    from storage_core.steps.migration import RunOutcome

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
    session.say("Starting a sandbox with a sample project ...")
    with running_sandbox(SandboxOptions(scenario="demo", wait_scale=WAIT_SCALE)) as sandbox:
        outcome, calls = _migrate(session, sandbox, index_path)
    facts = run_facts(exit_code=outcome.exit_code, calls=calls)
    written = [str(path) for path in write_reports(index_path, target, facts)]
    figures = figures_of(index_path)
    session.show(outcome_view(figures, outcome.exit_code, calls=calls, reports=written[:1]))
    session.document({**summary_of(figures, facts), "reports": written})
    if open_report and not session.as_json:
        typer.launch(written[0])
    return outcome.exit_code


def _migrate(session: Session, sandbox: "Sandbox", index_path: Path) -> "tuple[RunOutcome, int]":
    from storage_core.config import load_config  # late: keeps --help fast
    from storage_core.wiring import opened

    expectations = Expectations()

    def agree(plan: Plan) -> str:
        session.say(indexed_text(plan.counts, plan.settings.destination))
        session.show_remark(plan_view(plan))
        expectations.follow(plan)
        return "the demo"

    with (
        watching(session, expectations) as watch,
        opened(load_config(sandbox.environment()), index_path, _settings(sandbox), watch=watch) as app,
    ):
        return app.migration.run(agree), app.remote.calls.total


def _settings(sandbox: "Sandbox") -> MigrationSettings:
    facts = sandbox.facts
    if facts is None:
        raise RuntimeError("the sandbox was started without its sample project")
    return MigrationSettings(
        roots=(EntityId(facts.root_id),),
        destination=StorageLocationId(facts.destination_id),
        strategy=FileVersionStrategy.ALL,
    )
