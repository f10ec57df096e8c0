"""Asking a person whether the plan may be carried out."""

import shlex
import sys

from storage_core.cli.progress import Expectations
from storage_core.cli.running import indexed_text
from storage_core.cli.session import PROGRAM, Session, is_terminal
from storage_core.errors import NotConfirmed
from storage_core.model.plans import Plan
from storage_core.reports.terminal import plan_view
from storage_core.reports.wording import counted

YES = frozenset({"y", "yes"})


class PlanNotConfirmed(NotConfirmed):
    """Nobody agreed to this plan."""

    def __init__(self, plan: Plan, what: str, *, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.plan = plan


class Agreement:
    """Shows a plan and has it agreed to.

    Attributes:
        expectations: follow the plan once it is agreed to.
        was_asked_for: whether there was a plan to agree to.
    """

    def __init__(self, session: Session, *, force: bool) -> None:
        self._session = session
        self._force = force
        self.expectations = Expectations()
        self.was_asked_for = False

    def reach(self, plan: Plan, user_name: str) -> str:
        """Return who agreed.

        Raises:
            PlanNotConfirmed: the answer was no, or nobody is there to answer and --force was not given.
        """
        self.was_asked_for = True
        self._session.say(indexed_text(plan.counts, plan.settings.destination))
        if self._force:
            self._session.show_remark(plan_view(plan))
        else:
            (self._session.show_beside if self._session.as_json else self._session.show)(plan_view(plan))
            self._ask(plan)
        self.expectations.follow(plan)
        return f"{user_name} (with --force)" if self._force else user_name

    def _ask(self, plan: Plan) -> None:
        if not is_terminal(sys.stdin):
            again = shlex.join([PROGRAM, *self._session.arguments, "--force"])
            raise PlanNotConfirmed(
                plan,
                "Nothing was migrated: the plan awaits confirmation, and standard input is no terminal.",
                fix=f"Look at the plan, then go on with: {again}",
            )
        if _answer(plan) not in YES:
            raise PlanNotConfirmed(
                plan,
                "Migration aborted; nothing was changed in Synapse.",
                fix="Run the same command again when the plan is right.",
            )


def _answer(plan: Plan) -> str:
    """The answer to the question; an end of input is an empty one."""
    items = counted(plan.ahead.repoints, "item")
    sys.stderr.write(f"{items} for migration to {plan.settings.destination}. Proceed? (y/n)? ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower()
