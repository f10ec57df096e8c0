"""The approval of a plan: a person answers a form in Prefect's UI, days later if need be.

A run of a deployment is *suspended* meanwhile: its process ends, so waiting costs nothing and outlives restarts of
worker and server. When it is resumed, the flow begins again from the top; the index knows what was looked at, so
that costs seconds. A run that no deployment started has nobody to start it again; it *pauses* in its process.
"""

from dataclasses import dataclass
from itertools import count

from prefect import get_run_logger
from prefect.context import FlowRunContext
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment, flow_run
from pydantic import Field, create_model

from flows.parameters import Agreeing, Confirm
from storage_core.errors import NotConfirmed
from storage_core.model.plans import Plan
from storage_core.reports.wording import size_text

_HASH_FIELD = "The hash of the plan you agree to, copied from the plan. Empty: you do not agree."
_DECLINED = "Run again and approve it; nothing was written."


class Approval(RunInput):
    """What a person answers when asked to approve a plan."""

    plan_hash: str = Field(default="", description=_HASH_FIELD)
    approve: bool = Field(default=False, description="On: do what the plan says. Off: decline; nothing is written.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked to approve: the plan with this hash.

    Attributes:
        told: the plan in half a sentence.
        artifact: the key of the artifact that tells the rest.
    """

    hash: str
    told: str
    artifact: str


def question_of(plan: Plan) -> Question:
    """The question whether to migrate."""
    ahead = plan.ahead
    told = (
        f"{ahead.copies:,} copies ({size_text(ahead.copy_bytes)}), {ahead.repoints:,} places, "
        f"{plan.calls:,} Synapse calls"
    )
    return Question(hash=plan.hash, told=told, artifact="migration-plan")


def agreement(plan: Question, agreeing: Agreeing) -> str:
    """Who agrees to the plan, in words.

    Raises:
        NotConfirmed: somebody declined.
    """
    if agreeing.confirm is Confirm.FORCE:
        return "flow parameter confirm=force"
    return approved(plan, within_hours=agreeing.approval_hours)


def approved(plan: Question, *, within_hours: float) -> str:
    """Wait until a person has agreed to exactly this plan; says how.

    The server refuses a form that names another plan, and the run goes on waiting. When nobody answers in time, the
    server ends the run as failed.

    Raises:
        NotConfirmed: somebody declined.
    """
    for number in count(1):
        answer = _answer_to(plan, number, timeout_seconds=int(within_hours * 3600))
        if not answer.approve:
            raise NotConfirmed(f"Plan {plan.hash} was declined.", fix=_DECLINED)
        if answer.plan_hash.strip() == plan.hash:
            return f"approval in Prefect of run {flow_run.name}"
        get_run_logger().warning("Approved without naming the plan's hash: asked once more.")
    raise AssertionError("counting never ends")


def is_taken_up_again() -> bool:
    """Whether this flow run was begun before: it was suspended, or somebody retries it.

    Prefect's server does not count a run that goes on after a pause (3.8.8, `IncrementFlowRunCount`); the keys of the
    questions that were asked stay with it.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return run is not None and (run.run_count > 1 or bool(run.empirical_policy.pause_keys))


def form_for(plan: Question) -> type[Approval]:
    """The form for one plan: Prefect's server itself refuses any other plan's hash.

    Blanks around it are taken: whoever copies a hash copies a line end, which the server's patterns let pass.
    """
    only_this = Field(default="", pattern=rf"^\s*({plan.hash})?\s*$", description=_HASH_FIELD)
    return create_model("Approval", __base__=Approval, plan_hash=(str, only_this))


def _answer_to(plan: Question, number: int, *, timeout_seconds: int) -> Approval:
    form = form_for(plan).with_initial_data(
        description=(
            f"**Plan {plan.hash}**: {plan.told}. The artifact `{plan.artifact}` of this run tells the rest. "
            f"To approve, switch on *approve* and write `{plan.hash}` as *plan_hash*."
        )
    )
    # The key makes a question answerable once: after resuming, the same plan finds its answer here.
    key = f"{plan.hash}-{number}"
    if deployment.id is None:
        return pause_flow_run(wait_for_input=form, timeout=timeout_seconds, key=key)
    return suspend_flow_run(wait_for_input=form, timeout=timeout_seconds, key=key)
