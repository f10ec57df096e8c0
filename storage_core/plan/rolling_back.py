"""What rolling back will do and cost, and by when it has to be done. Pure; see docs/rolling-back.md."""

import hashlib
from datetime import datetime, timedelta

from storage_core.errors import ExitCode
from storage_core.model.plans import Finding, FindingLevel, StatusCount
from storage_core.model.returns import ReturnsAhead, RollbackPlan
from storage_core.plan.cells import CELLS_AT_ONCE
from storage_core.plan.estimating import CALLS_PER_TRANSACTION, HANDLES_PER_CALL
from storage_core.plan.outcomes import Ending, exit_code

UNLINKED_FOR = timedelta(days=30)
"""Synapse may archive a handle that nothing has referred to for longer (contract 7.1)."""


def rollback_plan(ahead: ReturnsAhead) -> RollbackPlan:
    """Put the plan together and give it its hash."""
    deadline = ahead.first_change + UNLINKED_FOR if ahead.in_place and ahead.first_change else None
    handles = ahead.own_handles + ahead.other_handles
    reads = -(-handles // HANDLES_PER_CALL) + -(-(ahead.places + ahead.unverified) // HANDLES_PER_CALL)
    records = -(-ahead.other_handles // HANDLES_PER_CALL)
    transactions = ahead.tables + ahead.cells // CELLS_AT_ONCE
    return RollbackPlan(
        ahead=ahead,
        calls=1 + reads + records + ahead.places - ahead.cells + CALLS_PER_TRANSACTION * transactions,
        deadline=deadline,
        findings=_findings(ahead, deadline),
        hash=hashlib.sha256(f"roll back {ahead.fingerprint}".encode()).hexdigest()[:12],
    )


def rollback_exit_code(ahead: ReturnsAhead, counts: tuple[StatusCount, ...], ending: Ending) -> ExitCode:
    """DONE only if no place is left that still refers to a new handle, and all were read back."""
    code = exit_code(counts, ending)
    if code in {ExitCode.MISMATCH, ExitCode.THRESHOLD}:
        return code
    left = ahead.places + ahead.unverified + ahead.changed_since
    return ExitCode.SOME_FAILED if left or ending is not Ending.COMPLETE else ExitCode.DONE


def _findings(ahead: ReturnsAhead, deadline: datetime | None) -> tuple[Finding, ...]:
    found = []
    if deadline is not None:
        found.append(
            Finding(
                level=FindingLevel.WARNING,
                what=f"Old handles that nothing refers to may be archived from {deadline:%Y-%m-%d %H:%M} UTC on.",
                fix="Roll back before; later their bytes have to be restored first.",
            )
        )
    if ahead.other_handles:
        found.append(
            Finding(
                level=FindingLevel.WARNING,
                what=f"{ahead.other_handles} of the old handles were created by others.",
                fix="Where an older version or the table still refers to one, a record of your own is made of it; "
                "otherwise only its creator can roll it back, and it is reported.",
            )
        )
    if ahead.changed_since:
        found.append(
            Finding(
                level=FindingLevel.NOTE,
                what=f"{ahead.changed_since} places were changed by somebody after the migration.",
                fix="They are left as they are.",
            )
        )
    return tuple(found)
