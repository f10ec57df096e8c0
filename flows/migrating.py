"""migrate-files: index, plan, confirm, then copy, prove, repoint and read back until nothing is pending."""

from typing import Any

from flows.approving import is_taken_up_again
from flows.forms import flow_with_form
from flows.parameters import (
    Agreeing,
    CanaryItems,
    Confirm,
    Copying,
    Credentials,
    Ending,
    IndexPath,
    Reading,
    Refresh,
    Running,
    Scope,
    Selection,
    index_path_from,
)
from flows.stages import Job, agree_and_migrate, conclude, look, only_planned, without_migrating


@flow_with_form("migrate-files")
def migrate_files(
    *,
    scope: Scope,
    index_path: IndexPath,
    selection: Selection,
    copying: Copying,
    running: Running,
    reading: Reading,
    refresh: Refresh = False,
    canary: CanaryItems = 0,
    agreeing: Agreeing,
    ending: Ending,
    credentials: Credentials = "",
) -> Any:
    """Migrate. The returned state says how it ended; the index and its reports say everything else."""
    job = Job(
        index_path=index_path_from(index_path),
        settings=selection.settings(scope),
        options=running.options(reading, copying, canary),
        ending=ending,
        credentials=credentials,
    )
    with job.telling_of_failures():
        # a run that waited for its approval, or is retried, goes on with the plan that people saw
        looked = look(job, refresh=refresh and not is_taken_up_again())
        if agreeing.confirm is Confirm.DRY_RUN:
            return only_planned(looked.outcome)
        if looked.plan is None or looked.plan.is_empty:
            return conclude(job, without_migrating(looked))
        return agree_and_migrate(job, looked.plan, agreeing)
