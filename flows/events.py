"""Events for Prefect's automations: one for each moment at which somebody may want to be told.

    synapse-storage.migration.planned     a plan was made that has something to do
    synapse-storage.migration.approved    somebody, or a parameter, agreed to it, and the first change follows
    synapse-storage.migration.started
    synapse-storage.migration.drifted     places were changed by others meanwhile, and left alone
    synapse-storage.migration.threshold   the run stopped because too much failed
    synapse-storage.migration.finished    the run ended, with its exit code
    synapse-storage.verification.finished
    synapse-storage.rollback.planned      a roll-back was planned that has something to do
    synapse-storage.rollback.finished     a roll-back ended, with its exit code

Each carries counts and ids; nothing in them is secret. `deployments/automations` has an example for each.
"""

from collections.abc import Mapping
from enum import StrEnum

from prefect.events import emit_event
from prefect.runtime import flow_run

from storage_core.errors import ExitCode
from storage_core.model.items import ItemStatus
from storage_core.model.plans import Plan
from storage_core.model.returns import RollbackPlan
from storage_core.model.settings import MigrationSettings
from storage_core.plan.outcomes import Ending
from storage_core.readback import ReadBack
from storage_core.steps.migration import RunOutcome

Facts = Mapping[str, str | int]


class Moment(StrEnum):
    """What an event tells of."""

    PLANNED = "synapse-storage.migration.planned"
    APPROVED = "synapse-storage.migration.approved"
    STARTED = "synapse-storage.migration.started"
    DRIFTED = "synapse-storage.migration.drifted"
    THRESHOLD = "synapse-storage.migration.threshold"
    FINISHED = "synapse-storage.migration.finished"
    VERIFIED = "synapse-storage.verification.finished"
    RETURN_PLANNED = "synapse-storage.rollback.planned"
    RETURNED = "synapse-storage.rollback.finished"


def tell(moment: Moment, roots: str, facts: Facts) -> None:
    """Emit one event about a migration; its resource is the migration's roots, its payload what is known."""
    emit_event(
        event=moment.value,
        resource={"prefect.resource.id": f"synapse-storage.migration.{roots}", "prefect.resource.name": roots},
        related=[{"prefect.resource.id": f"prefect.flow-run.{flow_run.id}", "prefect.resource.role": "flow-run"}],
        payload={**facts, "flow_run": str(flow_run.name)},
    )


def tell_plan(plan: Plan) -> None:
    """Tell of a plan, unless it is empty."""
    if not plan.is_empty:
        facts: Facts = {"plan_hash": plan.hash, "copies": plan.ahead.copies, "places": plan.ahead.repoints}
        tell(Moment.PLANNED, named(plan.settings), facts)


def tell_start(plan: Plan, agreed: str) -> None:
    """Tell that a plan was agreed to, and that it begins."""
    facts = {"plan_hash": plan.hash, "agreed": agreed}
    tell(Moment.APPROVED, named(plan.settings), facts)
    tell(Moment.STARTED, named(plan.settings), facts)


def tell_drift(settings: MigrationSettings, outcome: RunOutcome) -> None:
    """Tell of places that others changed meanwhile; silent when there are none."""
    drifted = sum(count.items for count in outcome.counts if count.status is ItemStatus.DRIFTED)
    if drifted:
        tell(Moment.DRIFTED, named(settings), {"items": drifted})


def tell_end_of_run(settings: MigrationSettings, outcome: RunOutcome) -> None:
    """Tell how a run ended."""
    facts = _facts_of(outcome)
    if outcome.ending is Ending.THRESHOLD or outcome.exit_code is ExitCode.THRESHOLD:
        tell(Moment.THRESHOLD, named(settings), facts)
    tell(Moment.FINISHED, named(settings), facts)


def tell_return_plan(settings: MigrationSettings, plan: RollbackPlan) -> None:
    """Tell of the plan of a roll-back, unless it is empty."""
    if not plan.is_empty:
        tell(Moment.RETURN_PLANNED, named(settings), {"plan_hash": plan.hash, "places": plan.ahead.places})


def tell_end_of_return(settings: MigrationSettings, outcome: RunOutcome) -> None:
    """Tell how a roll-back ended."""
    tell(Moment.RETURNED, named(settings), _facts_of(outcome))


def tell_verified(index_name: str, found: ReadBack) -> None:
    """Tell what reading a migration back came to."""
    facts: Facts = {
        "exit_code": int(found.exit_code),
        "looked_at": found.looked_at,
        "differences": len(found.differences),
    }
    tell(Moment.VERIFIED, index_name, facts)


def named(settings: MigrationSettings) -> str:
    """The migration in one word: its roots."""
    return "-".join(settings.roots)


def _facts_of(outcome: RunOutcome) -> Facts:
    return {
        "exit_code": int(outcome.exit_code),
        "ending": str(outcome.ending),
        **{str(status): _count(outcome, status) for status in ItemStatus},
    }


def _count(outcome: RunOutcome, status: ItemStatus) -> int:
    return sum(count.items for count in outcome.counts if count.status is status)
