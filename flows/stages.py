"""What the flows that migrate are made of: look, have the plan agreed to, migrate, conclude.

Each stage opens the index and closes it again, so that nothing is held while a plan waits for a person.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from prefect import get_run_logger
from prefect.states import Cancelled, Completed, Failed

from flows.approving import agreement, question_of
from flows.events import tell_drift, tell_end_of_run, tell_plan, tell_start
from flows.exclusive import only_migration_of
from flows.notifying import tell_of_end, telling_of_failures
from flows.parameters import Agreeing, Confirm, Ending, report_place_from
from flows.sessions import session
from storage_core.errors import ExitCode, NotConfirmed
from storage_core.exports import figures_of
from storage_core.model.canaries import CanaryVerdict
from storage_core.model.plans import Plan
from storage_core.model.settings import MigrationSettings, RunOptions
from storage_core.plan.outcomes import Ending as HowItEnded
from storage_core.plan.outcomes import indexing_exit_code
from storage_core.reports.canary import outcome_text, unclear_text
from storage_core.reports.report import RunFacts
from storage_core.steps.canary import Stage
from storage_core.steps.migration import RunOutcome
from storage_core.synapse.clock import SystemClock
from storage_core.wiring.migration import App
from tasks.exporting import write_reports
from tasks.progress import Progress, shown_progress
from tasks.result_tables import show_result
from tasks.visibility import show_canary, show_counts, show_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a flow was asked for."""

    index_path: Path
    settings: MigrationSettings
    options: RunOptions
    ending: Ending
    credentials: str

    def __post_init__(self) -> None:
        """Refuse a place for reports that is none now, and not when the work is done."""
        report_place_from(self.ending.report_folder)

    def opened(self, progress: Progress | None = None) -> AbstractContextManager[App]:
        """Open its index, with batches as tasks of the current flow run."""
        return session(self.index_path, self.settings, self.options, self.credentials, progress)

    def telling_of_failures(self) -> AbstractContextManager[None]:
        """Tell its people when what is inside stops with an error."""
        return telling_of_failures(self.ending.notify, self.settings, self.index_path, self.credentials)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What indexing came to.

    Attributes:
        plan: what is to be done; None when indexing stopped early, so that there is no whole plan.
    """

    outcome: RunOutcome
    plan: Plan | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a run came to, with the Synapse calls it took where one process knows them all."""

    outcome: RunOutcome
    plan_hash: str | None
    calls: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryEnded:
    """What the canary's run came to; *rest* is the plan of what is left, None when there is nothing to go on with."""

    ended: Ended
    rest: Plan | None


class CarryOut(Protocol):
    """Carries out a plan to which somebody agreed."""

    def __call__(self, job: Job, plan: Plan, *, agreed: str) -> Ended:
        """What it came to."""
        ...


def look(job: Job, *, refresh: bool) -> Looked:
    """Index, and publish the plan. Changes nothing in Synapse.

    Args:
        refresh: look again at what may have changed since the index was finished.
    """
    with only_migration_of(job.settings.roots), job.opened() as app:
        outcome = app.migration.index(refresh=refresh)
        plan = app.migration.plan() if outcome.ending is HowItEnded.COMPLETE else None
        if plan is not None and show_plan(plan):
            # once: whoever approved it must not be told that it waits
            tell_plan(plan)
        return Looked(outcome=outcome, plan=plan, calls=app.remote.calls.total)


def agree_and_migrate(job: Job, plan: Plan, agreeing: Agreeing, by: CarryOut | None = None) -> Any:
    """Have *plan* agreed to, do what it says, conclude; the state the flow run ends in.

    Args:
        by: how the plan, or what the canary leaves of it, is carried out; by default in this process.
    """
    try:
        stage = canary_stage(job)
        if stage is Stage.FAILED:
            return conclude(job, _stopped(job))
        if stage is Stage.CANARY:
            tried = try_canary(job, plan, agreed=agreement(question_of(plan), agreeing))
            if tried.rest is None:
                return conclude(job, tried.ended)
            plan = tried.rest
        agreed = agreement(question_of(plan), agreeing) if stage is Stage.REST else _agreed_to_rest(job, plan, agreeing)
        ended = (by or migrate)(job, plan, agreed=agreed)
    except NotConfirmed as declined:
        return Cancelled(message=str(declined))
    return conclude(job, ended)


def try_canary(job: Job, plan: Plan, *, agreed: str) -> CanaryEnded:
    """Migrate the canary alone, and publish what it came to and the plan of the rest.

    Raises:
        NotConfirmed: the index holds another plan by now.
    """
    with _at_work(job, plan, lambda app: app.migration.confirm(plan.hash, by=agreed), agreed) as app:
        tried = app.canary.try_out()
        show_canary(tried.result)
        rest = app.migration.plan()
        ended = Ended(outcome=tried.outcome, plan_hash=plan.hash, calls=app.remote.calls.total)
        if tried.outcome.ending is not HowItEnded.COMPLETE or rest.is_empty:
            return CanaryEnded(ended=ended, rest=None)
        if show_plan(rest):
            tell_plan(rest)
        return CanaryEnded(ended=ended, rest=rest)


def migrate(job: Job, plan: Plan, *, agreed: str) -> Ended:
    """Do what the plan says, to which somebody *agreed*.

    Raises:
        NotConfirmed: the index holds another plan by now.
    """
    with _at_work(job, plan, lambda app: app.canary.confirm_rest(plan.hash, by=agreed), agreed) as app:
        outcome = app.migration.migrate()
        return Ended(outcome=outcome, plan_hash=plan.hash, calls=app.remote.calls.total)


@contextmanager
def _at_work(job: Job, plan: Plan, confirm: Callable[[App], None], agreed: str) -> Iterator[App]:
    """The open migration, once the index has confirmed the plan; its start and its progress are told."""
    with (
        only_migration_of(job.settings.roots),
        shown_progress(get_run_logger().warning) as progress,
        job.opened(progress) as app,
    ):
        confirm(app)
        tell_start(plan, agreed)
        progress.follow(plan)
        yield app


def canary_stage(job: Job) -> Stage:
    """Whether a canary goes first, has gone, or has failed."""
    if not job.options.canary:
        return Stage.REST
    with job.opened() as app:
        return app.canary.stage()


def _stopped(job: Job) -> Ended:
    with job.opened() as app:
        return Ended(outcome=app.canary.stopped(), plan_hash=None, calls=None)


def _agreed_to_rest(job: Job, plan: Plan, agreeing: Agreeing) -> str:
    """Who agrees to go on after the canary; nobody has to be asked only when all of it went well."""
    with job.opened() as app:
        result = app.canary.result()
    if agreeing.confirm is Confirm.FORCE and result.verdict is not CanaryVerdict.CLEAN:
        raise NotConfirmed(unclear_text(result), fix="Run again with confirm=ask, and approve the plan of the rest.")
    question = question_of(plan)
    return agreement(replace(question, told=f"{outcome_text(result)} The rest: {question.told}"), agreeing)


def only_planned(outcome: RunOutcome) -> Any:
    """The end of a run that was to look only: Failed when not everything could be read."""
    show_counts(outcome.counts)
    code = indexing_exit_code(outcome.counts, outcome.ending)
    if code is ExitCode.DONE:
        return Completed(message="the plan is published, nothing was written")
    return Failed(
        message=f"ended with exit code {int(code)} ({outcome.ending}): not everything was read; nothing was written"
    )


def without_migrating(looked: Looked) -> Ended:
    """The end of a run that had nothing to migrate, or could not index everything."""
    return Ended(outcome=looked.outcome, plan_hash=None, calls=looked.calls)


def export(index_path: Path, report_folder: str, ended: Ended) -> None:
    """Publish what an index holds; write every report and the Parquet export."""
    show_counts(ended.outcome.counts)
    facts = RunFacts(
        made_at=SystemClock().now(),
        exit_code=ended.outcome.exit_code,
        plan_hash=ended.plan_hash,
        calls=ended.calls,
    )
    written = write_reports(str(index_path), report_place_from(report_folder), facts)
    for path in written:
        get_run_logger().info("Written: %s", path)
    show_result(figures_of(index_path), written[0])


def conclude(job: Job, ended: Ended) -> Any:
    """Export, tell people and automations; the state the flow run ends in."""
    outcome = ended.outcome
    export(job.index_path, job.ending.report_folder, ended)
    tell_drift(job.settings, outcome)
    tell_end_of_run(job.settings, outcome)
    tell_of_end(job.ending.notify, job.index_path, outcome.exit_code, job.credentials)
    if outcome.exit_code is ExitCode.DONE:
        return Completed(message="everything planned is migrated and verified")
    return Failed(message=f"ended with exit code {int(outcome.exit_code)} ({outcome.ending}); see the report")
