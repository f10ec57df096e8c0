"""migrate-sharded: index and plan here, then let several workers migrate a part each; migrate-shard is one part."""

from contextlib import ExitStack
from functools import partial
from typing import Any

from prefect import get_run_logger
from prefect.states import Completed

from flows.dispatching import DeployedShards, migrate_all
from flows.events import tell_start
from flows.exclusive import only_migration_of, only_run_of
from flows.forms import flow_with_form
from flows.parameters import (
    Agreeing,
    CanaryItems,
    Confirm,
    ContinueOnError,
    Credentials,
    Ending,
    PlanHash,
    Scope,
    Selection,
    Shards,
    SharedIndexPath,
    index_path_from,
)
from flows.sessions import session
from flows.stages import Ended, Job, agree_and_migrate, canary_stage, conclude, look, only_planned, without_migrating
from storage_core.errors import ExitCode, UsageError
from storage_core.model.plans import Plan
from storage_core.model.settings import RunOptions
from storage_core.sharding import absorb, has_shards, remove, split
from storage_core.steps.canary import Stage
from tasks.pausing import noticing_pause
from tasks.progress import shown_progress


@flow_with_form("migrate-sharded")
def migrate_sharded(
    *,
    scope: Scope,
    index_path: SharedIndexPath,
    shards: Shards = 4,
    selection: Selection,
    continue_on_error: ContinueOnError = True,
    canary: CanaryItems = 0,
    agreeing: Agreeing,
    ending: Ending,
    credentials: Credentials = "",
) -> Any:
    """Migrate with several machines, each with a budget of Synapse calls of its own."""
    job = Job(
        index_path=index_path_from(index_path),
        settings=selection.settings(scope),
        options=RunOptions(continue_on_error=continue_on_error, canary=canary),
        ending=ending,
        credentials=credentials,
    )
    with job.telling_of_failures():
        looked = look(job, refresh=False)
        if agreeing.confirm is Confirm.DRY_RUN:
            return only_planned(looked.outcome)
        if looked.plan is None or looked.plan.is_empty:
            return conclude(job, without_migrating(looked))
        if canary_stage(job) is Stage.CANARY and has_shards(job.index_path):
            raise UsageError(
                "A canary goes before the migration is divided, and shards of this one lie beside its index.",
                fix="Run it again without a canary: what the shards have begun is finished first.",
            )
        return agree_and_migrate(job, looked.plan, agreeing, by=partial(_divided, shards=shards))


def _divided(job: Job, plan: Plan, *, agreed: str, shards: int) -> Ended:
    """Have the plan carried out by shards, and take together what they did."""
    with ExitStack() as stack:
        stack.enter_context(only_migration_of(job.settings.roots))
        with job.opened() as app:
            app.canary.confirm_rest(plan.hash, by=agreed)
        tell_start(plan, agreed)
        parts = split(job.index_path, shards)
        runs = DeployedShards(plan.hash, continue_on_error=job.options.continue_on_error, credentials=job.credentials)
        with noticing_pause(get_run_logger().warning) as pause:
            migrate_all(parts, runs, pause)
        for part in parts:
            absorb(job.index_path, part)
            remove(part)
        with job.opened() as app:
            outcome = app.migration.standing()
    return Ended(outcome=outcome, plan_hash=plan.hash, calls=None)


@flow_with_form("migrate-shard")
def migrate_shard(
    *,
    index_path: SharedIndexPath,
    plan_hash: PlanHash,
    continue_on_error: ContinueOnError = True,
    credentials: Credentials = "",
) -> Any:
    """Migrate one shard; started by migrate-sharded, which also says that its plan was agreed to."""
    path, options = index_path_from(index_path), RunOptions(continue_on_error=continue_on_error)
    with (
        only_run_of(path.stem),
        shown_progress(get_run_logger().warning) as progress,
        session(path, None, options, credentials, progress) as app,
    ):
        plan = app.migration.plan()
        if plan.is_empty:
            return Completed(message="nothing is left to do in this shard")
        progress.follow(plan)
        app.migration.confirm(plan.hash, by=f"agreement to plan {plan_hash}, of which this is a part")
        outcome = app.migration.migrate()
    # what failed is told by the whole: a shard that looked at everything has done its part
    name = "Completed" if outcome.exit_code is ExitCode.DONE else "CompletedWithFailures"
    return Completed(name=name, message=f"ended with exit code {int(outcome.exit_code)}")
