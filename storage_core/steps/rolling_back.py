"""Rolling a migration back: the same repoint with the two handles exchanged, planned and confirmed on its own."""

from collections.abc import Callable
from functools import partial
from typing import Any

from storage_core.errors import NotConfirmed
from storage_core.model.entities import UserProfile
from storage_core.model.returns import OldHandle, RollbackPlan
from storage_core.model.tallies import Tally
from storage_core.model.works import CellsWork, RepointWork, VerifyWork
from storage_core.plan.cells import CELLS_AT_ONCE
from storage_core.plan.outcomes import Ending, FailureLimit
from storage_core.plan.preflight import check_scopes
from storage_core.plan.rolling_back import rollback_exit_code, rollback_plan
from storage_core.steps.driving import Phase
from storage_core.steps.migration import RunOutcome
from storage_core.steps.phase import by_the_page
from storage_core.steps.phases import CALLS_ACTIVE, CHUNK, FILES_PER_BATCH, TABLES_ACTIVE
from storage_core.steps.repointing import repoint_entity
from storage_core.steps.repointing_cells import repoint_cells
from storage_core.steps.returning import prepare_handles
from storage_core.steps.surroundings import Surroundings
from storage_core.steps.verifying import verify_chunk


def phases(user: UserProfile) -> tuple[Phase[Any], ...]:
    """The phases of a roll-back by *user*."""
    handles: Phase[OldHandle] = Phase(
        name="old-handles",
        doing="Looking at old file handles",
        claim=lambda ledger, after, limit: ledger.pending_old_handles(after=after, limit=limit),
        number=lambda handle: handle.copy_id,
        work=partial(prepare_handles, me=user.id),
        record=lambda ledger, outcomes: ledger.record_old_handles(outcomes),
        batch_size=FILES_PER_BATCH,
        active=CALLS_ACTIVE,
        together=CHUNK,
    )
    versions: Phase[RepointWork] = Phase(
        name="return-versions",
        doing="Rolling files back",
        claim=lambda ledger, after, limit: ledger.pending_returns(after=after, limit=limit),
        number=lambda work: work.last_item_id,
        work=repoint_entity,
        record=lambda ledger, outcomes: ledger.record_returns(outcomes),
        batch_size=FILES_PER_BATCH,
        active=CALLS_ACTIVE,
    )
    cells: Phase[CellsWork] = Phase(
        name="return-cells",
        doing="Rolling table cells back",
        claim=lambda ledger, after, limit: ledger.pending_cell_returns(after=after, limit=limit * CELLS_AT_ONCE),
        number=lambda work: work.last_item_id,
        work=repoint_cells,
        record=by_the_page(lambda ledger, outcomes: ledger.record_returns(outcomes)),
        batch_size=1,
        active=TABLES_ACTIVE,
    )
    checks: Phase[VerifyWork] = Phase(
        name="check-returns",
        doing="Reading back",
        claim=lambda ledger, after, limit: ledger.pending_return_checks(after=after, limit=limit),
        number=lambda work: work.item_id,
        work=verify_chunk,
        record=lambda ledger, outcomes: ledger.record_return_checks(outcomes),
        # by then all is written, and cells that shared a new handle mostly share an old one
        batch_size=CELLS_AT_ONCE,
        active=CALLS_ACTIVE,
        together=CHUNK,
        alike=lambda work: work.association,
    )
    return (handles, versions, cells, checks)


class RollBack:
    """Plan and carry out a roll-back; can be repeated and goes on where it was.

    Not thread-safe: it lives on the thread that opened the index.
    """

    def __init__(self, around: Surroundings, *, limit: FailureLimit) -> None:
        self._around = around
        self._ledger = around.ledger
        self._watch = around.limited(limit)
        self._user: UserProfile | None = None

    def user(self) -> UserProfile:
        """Who is signed in; asks Synapse once per run.

        Raises:
            AccessError: nobody is, or the token may not change anything.
        """
        if self._user is None:
            self._user = self._around.network.run(self._around.services.catalog.me())
            check_scopes(self._user)
        return self._user

    def plan(self) -> RollbackPlan:
        """What rolling back would do; one call."""
        return rollback_plan(self._ledger.returns_ahead(self.user().id))

    def run(self, agree: Callable[[RollbackPlan], str]) -> RunOutcome:
        """Have the plan agreed to, then change every place back that still refers to its new handle.

        Args:
            agree: shows the plan and returns who agreed to it. It raises NotConfirmed when nobody does; it is not
                asked when nothing is left to do.

        Raises:
            NotConfirmed: nobody agreed, or the index was changed meanwhile.
        """
        plan = self.plan()
        if plan.is_empty:
            return self._outcome(Tally())
        by = agree(plan)
        if self.plan().hash != plan.hash:
            raise NotConfirmed("The plan has changed meanwhile.", fix="Look at the plan again and confirm that one.")
        self._ledger.note("rollback confirmed", f"{plan.hash} by {by}")
        total = Tally()
        for phase in phases(self.user()):
            total = total + self._around.drive(phase, self._watch)
            if self._watch.ending is not Ending.COMPLETE:
                break
        outcome = self._outcome(total)
        self._ledger.note(f"rollback ended: {outcome.ending}", f"exit code {int(outcome.exit_code)}")
        self._ledger.publish()
        return outcome

    def _outcome(self, tally: Tally) -> RunOutcome:
        counts = self._ledger.counts()
        ahead = self._ledger.returns_ahead(self.user().id)
        code = rollback_exit_code(ahead, counts, self._watch.ending)
        return RunOutcome(exit_code=code, ending=self._watch.ending, counts=counts, tally=tally)
