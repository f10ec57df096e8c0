"""migrate-files: index, plan, confirm, then copy, prove, repoint and read back until nothing is pending."""

from dataclasses import replace
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.approving import is_taken_up_again
from flows.parameters import (
    ApprovalHours,
    Confirm,
    Destination,
    IndexPath,
    MaxFailures,
    People,
    RootIds,
    Sources,
    failure_options_from,
    index_options_from,
    index_path_from,
    settings_from,
)
from flows.sessions import batch_threads
from flows.stages import Job, agree_and_migrate, conclude, look, without_migrating
from storage_core.model.settings import EngineOption, FileVersionStrategy, IndexVia


@flow(name="migrate-files", task_runner=batch_threads(), persist_result=False)
def migrate_files(
    root_ids: RootIds,
    destination_storage_location_id: Destination,
    index_path: IndexPath,
    file_version_strategy: FileVersionStrategy = FileVersionStrategy.NEW,
    source_storage_location_ids: Sources = [],
    include_table_files: bool = False,
    table_snapshots: bool = True,
    engine: EngineOption = EngineOption.AUTO,
    aws_profile: str | None = None,
    continue_on_error: bool = False,
    max_failures: MaxFailures = "",
    index_via: IndexVia = IndexVia.AUTO,
    view: str | None = None,
    no_provenance: bool = False,
    refresh: bool = False,
    confirm: Confirm = Confirm.ASK,
    approval_hours: ApprovalHours = 168.0,
    report_folder: str = "",
    notify: People = [],
    credentials: str = "",
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
        engine: synapse copies by Synapse; s3 with AWS keys of the worker; auto takes s3 wherever those keys suffice.
        aws_profile: AWS profile of the worker whose keys the engine s3 uses; the worker's own keys when empty.
        continue_on_error: Go on when a single file fails. Off: the first failure stops the run.
        max_failures: Stop when more items than this number, or more than this share (2%), have failed. Empty: no limit.
        index_via: view reads files through a temporary file view, which is always deleted; bundle one by one.
        view: Read files through this file view, given by its Synapse id; it is left as it is.
        no_provenance: No file has provenance. Spares strategy new a call per file, with a view only.
        refresh: Look again for what changed since the index was finished. Off: only go on where it ended.
        confirm: ask waits until a person approves the plan; force goes on at once; dry-run only plans.
        approval_hours: How long the plan waits for its approval; after that the run counts as declined.
        report_folder: Where reports and the Parquet export go; beside the index when empty.
        notify: Synapse users or teams, by name or id, who get a message at the end, also when the run fails.
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
        options=replace(
            failure_options_from(max_failures, continue_on_error=continue_on_error),
            table_snapshots=table_snapshots,
            engine=engine,
            aws_profile=aws_profile,
            indexing=index_options_from(index_via, view, no_provenance=no_provenance),
        ),
        report_folder=report_folder or None,
        notify=tuple(notify),
        credentials=credentials,
    )
    with job.telling_of_failures():
        # a run that waited for its approval, or is retried, goes on with the plan that people saw
        looked = look(job, refresh=refresh and not is_taken_up_again())
        if confirm is Confirm.DRY_RUN:
            return Completed(message="dry run: the plan is published, nothing was written")
        if looked.plan is None or looked.plan.is_empty:
            return conclude(job, without_migrating(looked))
        return agree_and_migrate(job, looked.plan, confirm, within_hours=approval_hours)
