"""`synapse-storage rollback`: let every migrated place refer to its old file handle again."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from storage_core.cli.arguments import ContinueOption, FailuresOption, IndexArgument
from storage_core.cli.reporting import figures_of, run_facts, write_reports
from storage_core.cli.running import ending_text, run_options, running
from storage_core.cli.session import Session, is_terminal, session_of
from storage_core.errors import ExitCode, NotConfirmed
from storage_core.model.returns import RollbackPlan
from storage_core.reports.rollback import rollback_view
from storage_core.reports.summary import summary_of
from storage_core.reports.terminal import outcome_view
from storage_core.reports.wording import counted, stamp_text

YES = frozenset({"y", "yes"})
NOTHING = "No place of this index refers to a new file handle: nothing to roll back."


def rollback(
    ctx: typer.Context,
    index: IndexArgument,
    continue_on_error: ContinueOption = False,  # noqa: FBT002 - a flag
    max_failures: FailuresOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,  # noqa: FBT002 - a flag
    force: Annotated[bool, typer.Option("--force", help="Agree to the plan without being asked.")] = False,  # noqa: FBT002 - a flag
) -> ExitCode:
    """Change every place that INDEX has migrated back to its old file handle, in place, and read it back.

    What somebody changed since is left as it is. Run the same command again to go on after an interruption.
    """
    session = session_of(ctx)
    options = run_options(continue_on_error=continue_on_error, max_failures=max_failures)
    with running(session, index, None, options) as app:
        plan = app.rollback.plan()
        if dry_run or plan.is_empty:
            return _shown_only(session, plan)
        user = app.rollback.user().user_name
        outcome = app.rollback.run(lambda shown: _agreed(session, shown, user, force=force))
        calls = app.remote.calls.total
    session.say(ending_text(outcome.ending) or "Completed the roll-back.")
    return _told(session, index, outcome.exit_code, calls)


def _shown_only(session: Session, plan: RollbackPlan) -> ExitCode:
    session.show(rollback_view(plan))
    session.document(_document(plan))
    if plan.is_empty:
        session.say(NOTHING)
    return ExitCode.SOME_FAILED if plan.is_empty and plan.ahead.changed_since else ExitCode.DONE


def _agreed(session: Session, plan: RollbackPlan, user: str, *, force: bool) -> str:
    """Who agreed.

    Raises:
        NotConfirmed: the answer was no, or nobody is there to answer and --force was not given.
    """
    if force:
        session.show_remark(rollback_view(plan))
        return f"{user} (with --force)"
    (session.show_beside if session.as_json else session.show)(rollback_view(plan))
    if not is_terminal(sys.stdin):
        raise NotConfirmed(
            "Nothing was rolled back: the plan awaits confirmation, and standard input is no terminal.",
            fix="Look at the plan, then run the same command with --force.",
        )
    sys.stderr.write(f"{counted(plan.ahead.places, 'place')} to roll back. Proceed? (y/n)? ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in YES:
        raise NotConfirmed("Roll-back aborted; nothing was changed in Synapse.", fix="Run it again when it is wanted.")
    return user


def _told(session: Session, index: Path, code: ExitCode, calls: int) -> ExitCode:
    facts = run_facts(exit_code=code, calls=calls)
    written = [str(path) for path in write_reports(index, None, facts)]
    figures = figures_of(index)
    session.show(outcome_view(figures, code, calls=calls, reports=written[:1]))
    session.document({**summary_of(figures, facts), "reports": written})
    return code


def _document(plan: RollbackPlan) -> dict[str, Any]:
    ahead = plan.ahead
    return {
        "format": "synapse-storage/rollback-plan/1",
        "hash": plan.hash,
        "places": ahead.places,
        "bytes": ahead.size_bytes,
        "cells": ahead.cells,
        "tables": ahead.tables,
        "own_handles": ahead.own_handles,
        "other_handles": ahead.other_handles,
        "unverified": ahead.unverified,
        "changed_since": ahead.changed_since,
        "calls": plan.calls,
        "deadline": None if plan.deadline is None else stamp_text(plan.deadline),
        "findings": [{"level": str(one.level), "what": one.what, "fix": one.fix} for one in plan.findings],
    }
