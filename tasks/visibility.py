"""What people see of a run in Prefect: log lines, and artifacts with the plan and the counts."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.runtime import flow_run

from storage_core.model.canaries import CanaryResult
from storage_core.model.plans import Plan, StatusCount
from storage_core.model.prices import Costs
from storage_core.model.returns import RollbackPlan
from storage_core.model.tallies import Tally
from storage_core.model.trees import TransferFailure
from storage_core.plan.transfer_outcomes import Outcome, count_results
from storage_core.readback import ReadBack
from storage_core.reports.canary import outcome_text
from storage_core.reports.wording import cost_text, moment_text
from storage_core.steps.driving import Phase
from tasks.pausing import PauseNotice
from tasks.progress import Progress

_PLAN_KEY = "migration-plan"
_RETURN_KEY = "rollback-plan"

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class RunLogWatch:
    """Says in the run's log when a phase begins and ends. Never a line per file: two million lines help nobody."""

    def __init__(self, log: Log, progress: Progress | None = None, pause: PauseNotice | None = None) -> None:
        self._log = log
        self._progress = progress
        self._pause = pause

    def began(self, phase: Phase[Any]) -> None:
        """Say what begins."""
        self._log.info("%s ...", phase.doing)

    def committed(self, phase: Phase[Any], tally: Tally) -> None:
        """Warn about failures; successes only move the bar."""
        if self._progress is not None:
            self._progress.add(phase.name, tally.count)
        if tally.failed:
            self._log.warning("%s: %d failed; `synapse-storage why` tells each reason", phase.doing, tally.failed)

    def ended(self, phase: Phase[Any], total: Tally) -> None:
        """Say what came of it."""
        self._log.info("%s: %d done, %d failed, %d drifted", phase.doing, total.done, total.failed, total.drifted)

    def remark(self, text: str) -> None:
        """Say it."""
        self._log.info("%s", text)

    def must_stop(self, total: Tally) -> bool:
        """When somebody has suspended the run."""
        del total
        return self._pause is not None and self._pause.is_paused()


def show_plan(plan: Plan) -> bool:
    """Publish the plan as an artifact; its key stays the same, so that its history can be read.

    Returns:
        Whether it is news: a run that is taken up again finds that it has published this plan before.
    """
    title = _title(plan.hash)
    if _is_shown(_PLAN_KEY, title):
        return False
    ahead = plan.ahead
    lines = [
        f"# Migration plan {plan.hash}",
        f"- destination: storage location {plan.settings.destination}",
        f"- strategy: {plan.settings.strategy}",
        f"- copies: {ahead.copies:,} ({ahead.copy_bytes:,} bytes), engine asked for: {plan.engine}",
        *(
            f"- engine {share.engine}: {share.copies:,} copies ({share.size_bytes:,} bytes)"
            f" from {share.bucket or 'Synapse'}: {share.why}"
            for share in plan.shares
        ),
        f"- places to repoint: {ahead.repoints:,} in {ahead.repoint_entities:,} entities",
        f"- of these, table cells: {ahead.cells:,} in {ahead.tables:,} tables; {ahead.snapshots:,} are frozen first",
        f"- Synapse calls: {plan.calls:,}",
        f"- duration: {plan.seconds_low:,} to {plan.seconds_high:,} seconds",
        *(_money(plan.costs) if plan.costs else ()),
        *(f"- **{finding.level}**: {finding.what} {finding.fix}" for finding in plan.findings),
    ]
    create_markdown_artifact(key=_PLAN_KEY, markdown="\n".join(lines), description=title)
    return True


def _is_shown(key: str, title: str) -> bool:
    of_this_run = ArtifactFilterFlowRunId(any_=[UUID(str(flow_run.id))])
    wanted = ArtifactFilter(flow_run_id=of_this_run, key=ArtifactFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        return any(one.description == title for one in client.read_artifacts(artifact_filter=wanted))


def _title(plan_hash: str) -> str:
    return f"Plan {plan_hash}"


def show_rollback_plan(plan: RollbackPlan) -> bool:
    """Publish the plan of a roll-back as an artifact; whether it is news, as `show_plan` says."""
    title = _title(plan.hash)
    if _is_shown(_RETURN_KEY, title):
        return False
    ahead = plan.ahead
    lines = [
        f"# Roll-back plan {plan.hash}",
        "Each place refers to its old file handle again, in place, and is read back.",
        "",
        f"- places to roll back: {ahead.places:,} ({ahead.size_bytes:,} bytes)",
        f"- of these, table cells: {ahead.cells:,} in {ahead.tables:,} tables",
        f"- old handles: {ahead.own_handles:,} created by the token's owner, {ahead.other_handles:,} by others",
        f"- changed by others since, and left alone: {ahead.changed_since:,}",
        f"- Synapse calls: at most {plan.calls:,}",
        f"- deadline: {moment_text(plan.deadline) if plan.deadline else 'none'}",
        *(f"- **{finding.level}**: {finding.what} {finding.fix}" for finding in plan.findings),
    ]
    create_markdown_artifact(key=_RETURN_KEY, markdown="\n".join(lines), description=title)
    return True


def show_transfers(outcomes: Sequence[Outcome]) -> None:
    """Publish the files by result, and those that failed with what to do about each."""
    create_table_artifact(
        key="transfer-counts",
        table=[{"result": one.result, "files": one.files, "bytes": one.size_bytes} for one in count_results(outcomes)],
        description=f"{len(outcomes):,} files by result",
    )
    failures = [one for one in outcomes if isinstance(one, TransferFailure)]
    create_table_artifact(
        key="transfer-failures",
        table=[
            {"what": one.what, "id": one.entity_id or "", "reason": one.error.what, "fix": one.error.fix}
            for one in failures[:SHOWN]
        ],
        description=f"{len(failures):,} of {len(outcomes):,} files failed; the same run again tries these once more",
    )


def show_canary(result: CanaryResult) -> None:
    """Publish what the canary came to."""
    lines = [
        f"# {outcome_text(result)}",
        f"- Synapse calls: {result.calls:,}; seconds: {result.seconds:,.0f}",
        *(f"- {count.status} {count.reason or ''}: {count.items:,} items" for count in result.counts),
        *(f"- proven by {one.rung}: {one.items:,} items" for one in result.rungs),
    ]
    create_markdown_artifact(key="migration-canary", markdown="\n".join(lines), description="What went first")


def _money(costs: Costs) -> list[str]:
    prices = costs.prices
    lines = [f"- money, {cost.kind}: {cost_text(cost, prices.currency)} ({cost.note})" for cost in costs.lines]
    return [*lines, f"- prices of {prices.as_of.isoformat()}: {prices.source}"]


def show_counts(counts: tuple[StatusCount, ...]) -> None:
    """Publish the items by status and reason as a table."""
    create_table_artifact(
        key="migration-counts",
        table=[
            {"status": count.status, "reason": count.reason or "", "items": count.items, "bytes": count.size_bytes}
            for count in counts
        ],
        description="Items by status and reason",
    )


SHOWN = 1_000
"""Rows of a table artifact at most; the export holds them all."""


def show_differences(found: ReadBack) -> None:
    """Publish what was not read back as the index says; an empty table is good news, and says so."""
    create_table_artifact(
        key="verification-differences",
        table=[
            {
                "id": one.work.association.object_id,
                "file_handle_id": one.work.association.handle_id,
                "reason": str(one.failed.reason),
                "detail": one.failed.detail,
            }
            for one in found.differences[:SHOWN]
        ],
        description=f"{found.confirmed:,} of {found.looked_at:,} places were read back as migrated",
    )
