"""migrate-files: index, plan, confirm, then copy, prove, repoint and read back until nothing is pending."""

from typing import Any

from prefect import flow, get_run_logger
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Cancelled, Completed, Failed
from pydantic import Field

from flows.notifying import tell_of_end, telling_of_failures
from flows.parameters import (
    Confirm,
    Destination,
    IndexPath,
    RootIds,
    index_path_from,
    settings_from,
)
from flows.sessions import batch_threads, session
from storage_core.errors import ExitCode, NotConfirmed
from storage_core.model.plans import Plan
from storage_core.model.settings import FileVersionStrategy, RunOptions
from storage_core.reports.report import RunFacts
from storage_core.synapse.clock import SystemClock
from tasks.exporting import write_reports
from tasks.visibility import show_counts, show_plan

APPROVAL_SECONDS = 7 * 24 * 3600
"""How long a plan waits for its approval before the run counts as declined."""


class Approval(RunInput):
    """What a person answers when asked to approve a plan."""

    plan_hash: str = Field(description="The hash of the plan you agree to, as shown in the plan artifact.")
    approve: bool = Field(default=False, description="On: migrate. Off: decline; nothing is written.")


@flow(name="migrate-files", task_runner=batch_threads(), persist_result=False)
def migrate_files(
    root_ids: RootIds,
    destination_storage_location_id: Destination,
    index_path: IndexPath,
    file_version_strategy: FileVersionStrategy = FileVersionStrategy.NEW,
    source_storage_location_ids: list[int] = [],
    include_table_files: bool = False,
    table_snapshots: bool = True,
    continue_on_error: bool = False,
    refresh: bool = False,
    confirm: Confirm = Confirm.ASK,
    report_folder: str | None = None,
    notify: list[str] = [],
) -> Any:
    """Migrate. The returned state says how it ended; the index and its reports say everything else.

    Args:
        root_ids: What to migrate: Synapse ids of projects, folders, files or tables, as syn123 or 123.
        destination_storage_location_id: Id of a storage location that you created, of type EXTERNAL_S3 or SYNAPSE_S3.
        index_path: Where the migration keeps its index: on a local disk of the worker, never on a network drive.
        file_version_strategy: new adds a version; latest and all change versions in place; skip leaves files alone.
        source_storage_location_ids: Move only files whose bytes are in these locations. Empty: wherever they are.
        include_table_files: Also move files attached to the cells of tables.
        table_snapshots: Freeze each table as a version before its cells are changed.
        continue_on_error: Go on when a single file fails. Off: the first failure stops the run.
        refresh: Look again for what changed since the index was finished. Off: only go on where it ended.
        confirm: ask pauses until a person approves the plan; force goes on at once; dry-run only plans.
        report_folder: Where reports and the Parquet export go; beside the index when empty.
        notify: Synapse users or teams, by name or id, who get a message at the end, also when the run fails.
    """
    settings = settings_from(
        root_ids,
        destination_storage_location_id,
        file_version_strategy,
        source_storage_location_ids,
        include_tables=include_table_files,
    )
    path = index_path_from(index_path)
    options = RunOptions(continue_on_error=continue_on_error, table_snapshots=table_snapshots)
    with telling_of_failures(notify, settings, path), session(path, settings, options) as app:
        if confirm is Confirm.DRY_RUN:
            app.migration.index(refresh=refresh)
            show_plan(app.migration.plan())
            return Completed(message="dry run: the plan is published, nothing was written")
        try:
            outcome = app.migration.run(lambda plan: _agreed_by(plan, confirm), refresh=refresh)
        except NotConfirmed as declined:
            return Cancelled(message=str(declined))
        calls = app.remote.calls.total
        plan_hash = app.ledger.confirmed_plan()
    show_counts(outcome.counts)
    facts = RunFacts(made_at=SystemClock().now(), exit_code=outcome.exit_code, plan_hash=plan_hash, calls=calls)
    for written in write_reports(str(path), report_folder, facts):
        get_run_logger().info("Written: %s", written)
    tell_of_end(notify, path, outcome.exit_code)
    if outcome.exit_code is ExitCode.DONE:
        return Completed(message="everything planned is migrated and verified")
    return Failed(message=f"ended with exit code {int(outcome.exit_code)} ({outcome.ending}); see the report")


def _agreed_by(plan: Plan, confirm: Confirm) -> str:
    """Publish the plan and get somebody's agreement to exactly this one.

    Raises:
        NotConfirmed: declined, or another plan was approved than the one there is.
    """
    show_plan(plan)
    if confirm is Confirm.FORCE:
        return "flow parameter confirm=force"
    answer = pause_flow_run(
        wait_for_input=Approval.with_initial_data(
            description=f"Plan {plan.hash}: {plan.ahead.copies:,} copies, {plan.ahead.repoints:,} places.",
            plan_hash=plan.hash,
        ),
        timeout=APPROVAL_SECONDS,
    )
    if not answer.approve or answer.plan_hash != plan.hash:
        raise NotConfirmed(f"Plan {plan.hash} was not approved.", fix="Run again and approve it; nothing was written.")
    return "approval in Prefect"
