"""A few items go through everything, to the verified end, before the others are touched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from storage_core.model.canaries import CanaryCandidate, CanaryResult, CanaryVerdict
from storage_core.model.plans import Plan
from storage_core.plan.canaries import choose_canary
from storage_core.plan.outcomes import Ending
from storage_core.ports.clock import Clock
from storage_core.ports.ledger import Ledger
from storage_core.steps.migration import Migration, RunOutcome


class Stage(StrEnum):
    """What comes next: the canary, the agreement to go on after it, or everything that is left.

    FAILED: nothing, since an item of the canary has failed.
    """

    CANARY = "canary"
    AGREEMENT = "agreement"
    REST = "rest"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A run of the canary: how it ended, and the canary as it stands after it."""

    outcome: RunOutcome
    result: CanaryResult


class Canary:
    """Drives a migration in two stages: the canary, and after an agreement of its own the rest.

    What was chosen stays the canary of the index. Its items are tried again when `retry` put them back to work; where
    items were indexed anew, and so left it, others take their place.
    """

    def __init__(
        self, migration: Migration, ledger: Ledger, clock: Clock, calls: Callable[[], int], *, items: int
    ) -> None:
        self._migration = migration
        self._ledger = ledger
        self._clock = clock
        self._calls = calls
        self._items = items

    def stage(self) -> Stage:
        """Where this migration stands."""
        if not self._items:
            return Stage.REST
        result = self.result()
        if result.is_agreed:
            return Stage.REST
        if result.verdict is CanaryVerdict.FAILED:
            return Stage.FAILED
        if (result.items and result.verdict is CanaryVerdict.WAITING) or self.more():
            return Stage.CANARY
        # where places only wait to be read back, none is left that could go first
        return Stage.AGREEMENT if result.items else Stage.REST

    def result(self) -> CanaryResult:
        """The canary as it stands."""
        return self._ledger.canary()

    def more(self) -> tuple[CanaryCandidate, ...]:
        """The copies that are still to be chosen, so that as many items go first as are wanted. Changes nothing."""
        chosen = self.result().items
        missing = max(0, self._items - chosen)
        candidates = self._ledger.canary_candidates(at_most=missing) if missing else ()
        return choose_canary(candidates, missing, may_exceed=not chosen)

    def run(
        self, agree: Callable[[Plan], str], go_on: Callable[[Plan, CanaryResult], str], *, refresh: bool = False
    ) -> RunOutcome:
        """`Migration.run`, with the canary first where one is wanted.

        Args:
            agree: see `Migration.run`; for the canary, and with it for the plan as a whole.
            go_on: shows what the canary came to, and the plan of the rest, and returns who agreed to that. It raises
                NotConfirmed when nobody does, and is not asked about a canary that failed.
            refresh: see `Migration.index`.
        """
        indexed = self._migration.index(refresh=refresh)
        plan = self._migration.plan() if indexed.ending is Ending.COMPLETE else None
        if plan is None:
            return indexed
        if plan.is_empty:
            return self._migration.standing()
        stage = self.stage()
        if stage is Stage.FAILED:
            return self.stopped()
        if stage is Stage.CANARY:
            self._migration.confirm(plan.hash, by=agree(plan))
            tried = self.try_out()
            plan = self._migration.plan()
            if tried.outcome.ending is not Ending.COMPLETE or plan.is_empty:
                return tried.outcome
        by = agree(plan) if stage is Stage.REST else go_on(plan, self.result())
        self.confirm_rest(plan.hash, by=by)
        return self._migration.migrate()

    def stopped(self) -> RunOutcome:
        """How a run ends whose canary has failed before: nothing is done before `retry` puts its items back to work."""
        return replace(self._migration.standing(), ending=Ending.CANARY)

    def try_out(self) -> Tried:
        """Choose what is missing, and migrate the canary alone. It ends as CANARY when an item of it failed.

        Raises:
            NotConfirmed: nobody has agreed to the plan as it is now.
        """
        self._ledger.add_to_canary([one.copy_id for one in self.more()])
        began, spent = self._clock.now(), self._calls()
        with self._ledger.only_canary():
            outcome = self._migration.migrate()
        seconds = (self._clock.now() - began).total_seconds()
        self._ledger.note_canary_run(seconds=seconds, calls=self._calls() - spent)
        self._ledger.publish(force=True)
        return Tried(outcome=self._judged(outcome), result=self.result())

    def confirm_rest(self, plan_hash: str, *, by: str) -> None:
        """Note that somebody agreed to this plan, and with it to going on after the canary, where there was one.

        Raises:
            NotConfirmed: the plan has changed since it was shown.
        """
        self._migration.confirm(plan_hash, by=by)
        if self._items and not self.result().is_agreed:
            self._ledger.agree_to_go_on(by)

    def _judged(self, outcome: RunOutcome) -> RunOutcome:
        failed = self.result().verdict in {CanaryVerdict.FAILED, CanaryVerdict.WAITING}
        return replace(outcome, ending=Ending.CANARY) if failed and outcome.ending is Ending.COMPLETE else outcome
