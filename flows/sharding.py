"""migrate-sharded: index and plan here, then let several workers migrate a part each; migrate-shard is one part."""

from contextlib import ExitStack
from typing import Any

from prefect import flow
from prefect.states import Cancelled, Completed

from flows.approving import agreement
from flows.dispatching import migrate_all
from flows.events import tell_start
from flows.exclusive import only_migration_of, only_run_of
from flows.parameters import (
    ApprovalHours,
    Confirm,
    Destination,
    IndexPath,
    People,
    RootIds,
    Shards,
    Sources,
    index_path_from,
    settings_from,
)
from flows.sessions import batch_threads, session
from flows.stages import Ended, Job, conclude, look, without_migrating
from storage_core.errors import ExitCode, NotConfirmed
from storage_core.model.plans import Plan
from storage_core.model.settings import FileVersionStrategy, RunOptions
from storage_core.sharding import absorb, remove, split


@flow(name="migrate-sharded", task_runner=batch_threads(), persist_result=False)
def migrate_sharded(
    root_ids: RootIds,
    destination_storage_location_id: Destination,
    index_path: IndexPath,
    shards: Shards = 4,
    file_version_strategy: FileVersionStrategy = FileVersionStrategy.NEW,
    source_storage_location_ids: Sources = [],
    include_table_files: bool = False,
    continue_on_error: bool = True,
    confirm: Confirm = Confirm.ASK,
    approval_hours: ApprovalHours = 168.0,
    report_folder: str = "",
    notify: People = [],
    credentials: str = "",
) -> Any:
    """Migrate with several machines, each with a budget of Synapse calls of its own.

    Args:
        root_ids: What to migrate: Synapse ids of projects, folders, files or tables, as syn123 or 123.
        destination_storage_location_id: Id of a storage location that you created, of type EXTERNAL_S3 or SYNAPSE_S3.
        index_path: Where the migration keeps its index, with the shards beside it: in a folder that all workers see.
        shards: In how many parts to divide the work; some more than there are machines is best.
        file_version_strategy: new adds a version; latest and all change versions in place; skip leaves files alone.
        source_storage_location_ids: Move only files whose bytes are in these locations. Empty: wherever they are.
        include_table_files: Also move files attached to the cells of tables.
        continue_on_error: Go on when a single file fails. Off: the first failure stops its shard.
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
        options=RunOptions(continue_on_error=continue_on_error),
        report_folder=report_folder or None,
        notify=tuple(notify),
        credentials=credentials,
    )
    with job.telling_of_failures():
        looked = look(job, refresh=False)
        if confirm is Confirm.DRY_RUN:
            return Completed(message="dry run: the plan is published, nothing was written")
        if looked.plan is None or looked.plan.is_empty:
            return conclude(job, without_migrating(looked))
        try:
            agreed = agreement(looked.plan, confirm, within_hours=approval_hours)
        except NotConfirmed as declined:
            return Cancelled(message=str(declined))
        return conclude(job, _divided(job, looked.plan, agreed, shards))


def _divided(job: Job, plan: Plan, agreed: str, shards: int) -> Ended:
    """Have the plan carried out by shards, and take together what they did."""
    with ExitStack() as stack:
        stack.enter_context(only_migration_of(job.settings.roots))
        with job.opened() as app:
            app.migration.confirm(plan.hash, by=agreed)
        tell_start(plan, agreed)
        parts = split(job.index_path, shards)
        migrate_all(parts, plan.hash, continue_on_error=job.options.continue_on_error, credentials=job.credentials)
        for part in parts:
            absorb(job.index_path, part)
            remove(part)
        with job.opened() as app:
            outcome = app.migration.standing()
    return Ended(outcome=outcome, plan_hash=plan.hash, calls=None)


@flow(name="migrate-shard", task_runner=batch_threads(), persist_result=False)
def migrate_shard(index_path: IndexPath, plan_hash: str, continue_on_error: bool = True, credentials: str = "") -> Any:
    """Migrate one shard; started by migrate-sharded, which also says that its plan was agreed to.

    Args:
        index_path: The shard's index, as migrate-sharded made it.
        plan_hash: The plan of the whole migration, to which somebody agreed.
        continue_on_error: Go on when a single file fails. Off: the first failure stops the shard.
        credentials: Name of the credential blocks to use; empty: what the worker itself has.
    """
    path = index_path_from(index_path)
    options = RunOptions(continue_on_error=continue_on_error)
    with only_run_of(path.stem), session(path, None, options, credentials) as app:
        plan = app.migration.plan()
        if plan.is_empty:
            return Completed(message="nothing is left to do in this shard")
        app.migration.confirm(plan.hash, by=f"agreement to plan {plan_hash}, of which this is a part")
        outcome = app.migration.migrate()
    # what failed is told by the whole: a shard that looked at everything has done its part
    name = "Completed" if outcome.exit_code is ExitCode.DONE else "CompletedWithFailures"
    return Completed(name=name, message=f"ended with exit code {int(outcome.exit_code)}")
