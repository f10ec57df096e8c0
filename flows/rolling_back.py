"""roll-back: let every place that an index has migrated refer to its old file handle again, once a person agreed."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.states import Cancelled, Completed, Failed

from flows.approving import Question, agreement
from flows.events import tell_end_of_return, tell_return_plan
from flows.exclusive import only_migration_of
from flows.forms import flow_with_form
from flows.parameters import (
    Agreeing,
    Confirm,
    Credentials,
    IndexPath,
    ReportFolder,
    Running,
    index_path_from,
    report_place_from,
)
from flows.sessions import session
from flows.stages import Ended, export
from storage_core.errors import ExitCode, NotConfirmed
from storage_core.model.returns import RollbackPlan
from storage_core.model.settings import RunOptions
from storage_core.reports.wording import counted, size_text
from storage_core.wiring.migration import App
from tasks.visibility import show_rollback_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnJob:
    """What was asked for."""

    index_path: Path
    options: RunOptions
    report_folder: str
    credentials: str

    def __post_init__(self) -> None:
        """Refuse a place for reports that is none now, and not when the work is done."""
        report_place_from(self.report_folder)

    def opened(self) -> AbstractContextManager[App]:
        """Open its index, with batches as tasks of the current flow run."""
        return session(self.index_path, None, self.options, self.credentials)


@flow_with_form("roll-back")
def roll_back(
    *,
    index_path: IndexPath,
    running: Running,
    agreeing: Agreeing,
    report_folder: ReportFolder = "",
    credentials: Credentials = "",
) -> Any:
    """Roll a migration back: each place refers to its old file handle again, in place, and is read back.

    What somebody changed since is left as it is. Run again, it goes on where it ended.
    """
    job = ReturnJob(
        index_path=index_path_from(index_path),
        options=running.options(),
        report_folder=report_folder,
        credentials=credentials,
    )
    plan = _look(job)
    if plan.is_empty:
        return _nothing_to_do(plan)
    if agreeing.confirm is Confirm.DRY_RUN:
        return Completed(message="dry run: the plan is published, nothing was written")
    try:
        agreed = agreement(_question(plan), agreeing)
        ended = _carry_out(job, plan, agreed=agreed)
    except NotConfirmed as declined:
        return Cancelled(message=str(declined))
    return _conclude(job, ended)


def _look(job: ReturnJob) -> RollbackPlan:
    """Count what would be changed back, and publish it. Changes nothing."""
    with job.opened() as app:
        plan = app.rollback.plan()
        if show_rollback_plan(plan):
            # once: whoever approved it must not be told that it waits
            tell_return_plan(app.ledger.settings, plan)
        return plan


def _question(plan: RollbackPlan) -> Question:
    ahead = plan.ahead
    told = (
        f"{counted(ahead.places, 'place')} to roll back ({size_text(ahead.size_bytes)}), {plan.calls:,} Synapse calls"
    )
    return Question(hash=plan.hash, told=told, artifact="rollback-plan")


def _carry_out(job: ReturnJob, plan: RollbackPlan, *, agreed: str) -> Ended:
    """Do what the plan says, to which somebody *agreed*. Waits for a migration of the same roots to end.

    Raises:
        NotConfirmed: the index holds another plan by now.
        IndexInUse: another run migrates the same roots, or rolls them back.
    """

    def agree(shown: RollbackPlan) -> str:
        if shown.hash != plan.hash:
            raise NotConfirmed("The plan has changed meanwhile.", fix="Run again and look at the plan it shows then.")
        return agreed

    with job.opened() as app, only_migration_of(app.ledger.settings.roots):
        outcome = app.rollback.run(agree)
        tell_end_of_return(app.ledger.settings, outcome)
        return Ended(outcome=outcome, plan_hash=plan.hash, calls=app.remote.calls.total)


def _nothing_to_do(plan: RollbackPlan) -> Any:
    if plan.ahead.changed_since:
        return Failed(
            message=f"{counted(plan.ahead.changed_since, 'place')} changed by others since were left alone; "
            "nothing else is to be rolled back"
        )
    return Completed(message="no place of this index refers to a new file handle: nothing to roll back")


def _conclude(job: ReturnJob, ended: Ended) -> Any:
    export(job.index_path, job.report_folder, ended)
    if ended.outcome.exit_code is ExitCode.DONE:
        return Completed(message="every place is rolled back and was read back")
    return Failed(
        message=f"ended with exit code {int(ended.outcome.exit_code)} ({ended.outcome.ending}); see the report"
    )
