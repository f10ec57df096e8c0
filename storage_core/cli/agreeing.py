"""Asking a person whether the plan may be carried out."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage_core.cli.progress import Expectations
from storage_core.cli.running import indexed_text
from storage_core.cli.session import PROGRAM, Session, is_terminal
from storage_core.errors import NotConfirmed
from storage_core.model.canaries import CanaryResult, CanaryVerdict
from storage_core.model.plans import Plan
from storage_core.reports.canary import UNCLEAR_FIX, canary_view, unclear_text
from storage_core.reports.terminal import plan_view
from storage_core.reports.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

YES = frozenset({"y", "yes"})


class PlanNotConfirmed(NotConfirmed):
    """Nobody agreed to this plan; *canary* is what went before it."""

    def __init__(self, plan: Plan, what: str, *, fix: str, canary: CanaryResult | None = None) -> None:
        super().__init__(what, fix=fix)
        self.plan = plan
        self.canary = canary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked, and what is said when nobody answers, or the answer is no."""

    text: str
    unanswered: str
    declined: str


class Agreement:
    """Shows a plan and has it agreed to.

    Attributes:
        expectations: follow the plan once it is agreed to.
        was_asked_for: whether there was a plan to agree to.
    """

    def __init__(self, session: Session, *, force: bool, canary: int = 0) -> None:
        self._session = session
        self._force = force
        self._canary = canary
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
            self._beside_result(plan_view(plan))
            self._ask(plan, self._about(plan))
        self.expectations.follow(plan)
        return f"{user_name} (with --force)" if self._force else user_name

    def go_on(self, plan: Plan, canary: CanaryResult, user_name: str, *, reports: Sequence[str]) -> str:
        """Show what the canary came to, with where the *reports* about it are; return who agreed to the rest.

        Raises:
            PlanNotConfirmed: see `reach`; with --force also when the canary did not come out clean.
        """
        self.was_asked_for = True
        shown = self._session.show_remark if self._force else self._beside_result
        shown(canary_view(canary, reports=reports))
        if self._force and canary.verdict is not CanaryVerdict.CLEAN:
            raise PlanNotConfirmed(plan, unclear_text(canary), fix=f"{UNCLEAR_FIX} {self._again()}", canary=canary)
        if not self._force:
            self._beside_result(plan_view(plan))
            self._ask(plan, _after_canary(plan), canary)
        self.expectations.follow(plan)
        return f"{user_name} (with --force)" if self._force else user_name

    def _beside_result(self, view: "RenderableType") -> None:
        (self._session.show_beside if self._session.as_json else self._session.show)(view)

    def _about(self, plan: Plan) -> _Question:
        first = f", {self._canary} of them first, as a canary" if self._canary else ""
        return _Question(
            text=f"{_items(plan)} for migration to {plan.settings.destination}{first}",
            unanswered="Nothing was migrated: the plan awaits confirmation",
            declined="Migration aborted; nothing was changed in Synapse.",
        )

    def _ask(self, plan: Plan, question: _Question, canary: CanaryResult | None = None) -> None:
        if not is_terminal(sys.stdin):
            raise PlanNotConfirmed(
                plan,
                f"{question.unanswered}, and standard input is no terminal.",
                fix=f"Look at the plan, then go on with: {self._again('--force')}",
                canary=canary,
            )
        if _answer(question.text) not in YES:
            again = "Run the same command again when the plan is right."
            raise PlanNotConfirmed(plan, question.declined, fix=again, canary=canary)

    def _again(self, *more: str) -> str:
        words = [word for word in self._session.arguments if word != "--force"]
        return shlex.join([PROGRAM, *words, *more])


def _after_canary(plan: Plan) -> _Question:
    return _Question(
        text=f"The canary has ended; {_items(plan)} left for migration to {plan.settings.destination}",
        unanswered="The canary has ended, and nothing else was migrated: the plan of the rest awaits confirmation",
        declined="Stopped after the canary; nothing else was changed in Synapse.",
    )


def _items(plan: Plan) -> str:
    return counted(plan.ahead.repoints, "item")


def _answer(question: str) -> str:
    """The answer to the question; an end of input is an empty one."""
    sys.stderr.write(f"{question}. Proceed? (y/n)? ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower()
