"""watch-project: look for what appeared elsewhere, migrate that, export; tell people only when something changed."""

from typing import Any

from prefect.states import Completed

from flows.approving import is_taken_up_again
from flows.forms import flow_with_form
from flows.parameters import (
    UNASKED,
    Agreeing,
    Confirm,
    Credentials,
    Ending,
    IndexPath,
    Scope,
    Selection,
    index_path_from,
)
from flows.stages import Job, Looked, agree_and_migrate, conclude, export, look, without_migrating
from storage_core.errors import ExitCode
from storage_core.model.settings import RunOptions


@flow_with_form("watch-project")
def watch_project(
    *,
    scope: Scope,
    index_path: IndexPath,
    selection: Selection,
    agreeing: Agreeing = UNASKED,
    ending: Ending,
    credentials: Credentials = "",
) -> Any:
    """Keep a project in its location: run on a schedule, it moves what was added elsewhere since the last time.

    When nothing was, nothing in Synapse is written and nobody is told; the export is brought up to date all the same.
    """
    job = Job(
        index_path=index_path_from(index_path),
        settings=selection.settings(scope),
        options=RunOptions(continue_on_error=True),
        ending=ending,
        credentials=credentials,
    )
    with job.telling_of_failures():
        looked = look(job, refresh=not is_taken_up_again())
        if looked.plan is None:
            return conclude(job, without_migrating(looked))
        if looked.plan.is_empty:
            return _unchanged(job, looked)
        if agreeing.confirm is Confirm.DRY_RUN:
            return Completed(name="Changed", message=f"{looked.plan.ahead.repoints:,} places wait to be migrated")
        return agree_and_migrate(job, looked.plan, agreeing)


def _unchanged(job: Job, looked: Looked) -> Any:
    """The end of a look that found nothing to do; what failed earlier still waits for a person, and is said again."""
    ended = without_migrating(looked)
    export(job.index_path, job.ending.report_folder, ended)
    if ended.outcome.exit_code is ExitCode.DONE:
        return Completed(name="Unchanged", message="nothing to migrate")
    return Completed(
        name="UnchangedWithFailures", message="nothing new; what failed or drifted earlier is in the report"
    )
