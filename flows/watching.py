"""watch-project: look for what appeared elsewhere, migrate that, export; tell people only when something changed."""

from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.approving import is_taken_up_again
from flows.parameters import (
    ApprovalHours,
    Confirm,
    Destination,
    IndexPath,
    People,
    RootIds,
    Sources,
    index_path_from,
    settings_from,
)
from flows.sessions import batch_threads
from flows.stages import Job, Looked, agree_and_migrate, conclude, export, look, without_migrating
from storage_core.errors import ExitCode
from storage_core.model.settings import FileVersionStrategy, RunOptions


@flow(name="watch-project", task_runner=batch_threads(), persist_result=False)
def watch_project(
    root_ids: RootIds,
    destination_storage_location_id: Destination,
    index_path: IndexPath,
    file_version_strategy: FileVersionStrategy = FileVersionStrategy.NEW,
    source_storage_location_ids: Sources = [],
    include_table_files: bool = False,
    confirm: Confirm = Confirm.FORCE,
    approval_hours: ApprovalHours = 168.0,
    report_folder: str = "",
    notify: People = [],
    credentials: str = "",
) -> Any:
    """Keep a project in its location: run on a schedule, it moves what was added elsewhere since the last time.

    When nothing was, nothing in Synapse is written and nobody is told; the export is brought up to date all the same.

    Args:
        root_ids: What to watch: Synapse ids of projects, folders, files or tables, as syn123 or 123.
        destination_storage_location_id: Id of the storage location in which everything belongs.
        index_path: Where the migration keeps its index: on a local disk of the worker, never on a network drive.
        file_version_strategy: new adds a version; latest and all change versions in place; skip leaves files alone.
        source_storage_location_ids: Move only files whose bytes are in these locations. Empty: wherever they are.
        include_table_files: Also move files attached to the cells of tables.
        confirm: force moves what is new at once; ask waits until a person approves; dry-run only tells of it.
        approval_hours: How long a plan waits for its approval; after that the run counts as declined.
        report_folder: Where reports and the Parquet export go; beside the index when empty.
        notify: Synapse users or teams, by name or id, who get a message when something was moved, or failed.
        credentials: Name of the credential blocks to use; empty: what the worker itself has.
    """
    job = Job(
        index_path=index_path_from(index_path),
        settings=settings_from(
            root_ids,
            destination_storage_location_id,
            file_version_strategy,
            source_storage_location_ids,
            include_tables=include_table_files,
        ),
        options=RunOptions(continue_on_error=True),
        report_folder=report_folder or None,
        notify=tuple(notify),
        credentials=credentials,
    )
    with job.telling_of_failures():
        looked = look(job, refresh=not is_taken_up_again())
        if looked.plan is None:
            return conclude(job, without_migrating(looked))
        if looked.plan.is_empty:
            return _unchanged(job, looked)
        if confirm is Confirm.DRY_RUN:
            return Completed(name="Changed", message=f"{looked.plan.ahead.repoints:,} places wait to be migrated")
        return agree_and_migrate(job, looked.plan, confirm, within_hours=approval_hours)


def _unchanged(job: Job, looked: Looked) -> Any:
    """The end of a look that found nothing to do; what failed earlier still waits for a person, and is said again."""
    ended = without_migrating(looked)
    export(job, ended)
    if ended.outcome.exit_code is ExitCode.DONE:
        return Completed(name="Unchanged", message="nothing to migrate")
    return Completed(
        name="UnchangedWithFailures", message="nothing new; what failed or drifted earlier is in the report"
    )
