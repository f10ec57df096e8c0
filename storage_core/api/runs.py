"""How calls from Python run: beside an event loop, with a question on the terminal, with errors for early ends."""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from storage_core.api.reading import IndexOnDisk
from storage_core.errors import ExitCode, FailureThresholdReached, NotConfirmed, VerificationMismatch
from storage_core.model.tallies import Tally
from storage_core.plan.outcomes import Ending
from storage_core.steps.driving import QuietWatch, Watch
from storage_core.steps.migration import RunOutcome

T = TypeVar("T")

_YES = frozenset({"y", "yes"})


class _Cancellable(QuietWatch):
    """Has the run claim no more once it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def must_stop(self, total: Tally) -> bool:
        del total
        return self.cancelled.is_set()


async def beside(work: Callable[[Watch], T]) -> T:
    """Do *work* in a thread of its own, which owns the index from beginning to end.

    Cancelled, it has the run finish what is in flight and claim no more.
    """
    watch = _Cancellable()
    try:
        return await asyncio.to_thread(work, watch)
    except asyncio.CancelledError:
        watch.cancelled.set()
        raise


def agreed(question: str, user_name: str, *, force: bool, left_undone: str) -> str:
    """Who agreed: the user, after being asked on the terminal unless *force*.

    Args:
        question: what is about to be done, without the words that ask.
        left_undone: what has not happened when nobody agrees ("Nothing was migrated").

    Raises:
        NotConfirmed: the answer was no, or nobody is there to answer.
    """
    if force:
        return f"{user_name} (with force)"
    if not sys.stdin.isatty():
        raise NotConfirmed(
            f"{left_undone}: the plan awaits confirmation, and standard input is no terminal.",
            fix="Pass force=True to agree without being asked.",
        )
    sys.stderr.write(f"{question}. Proceed? (y/n)? ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in _YES:
        raise NotConfirmed(
            f"{left_undone}: aborted, and nothing was changed in Synapse.", fix="Call again when the plan is right."
        )
    return user_name


def refuse_mismatch(outcome: RunOutcome, path: Path) -> None:
    """Raise when something read back is not what was written: nobody may overlook that, whatever was to be passed.

    Raises:
        VerificationMismatch: names the first three items.
    """
    if outcome.exit_code is ExitCode.MISMATCH:
        rows = IndexOnDisk(path).rows(
            "select entity_id, detail from errors_v1 where reason = 'READ_BACK_DIFFERS' order by item_id limit 3"
        )
        told = "; ".join(f"{entity}: {detail}" for entity, detail in rows)
        raise VerificationMismatch(
            f"What was read back is not what was written: {told}.",
            fix=f"Look at these items with `synapse-storage why ENTITY {path}`. All that was done is in the index.",
        )


def refuse_early_end(outcome: RunOutcome, path: Path) -> None:
    """Raise when failures ended the run: the first one, as in the existing client, or more than were allowed.

    Raises:
        FailureThresholdReached: names the first failure.
    """
    if outcome.ending in {Ending.COMPLETE, Ending.STOPPED}:
        return
    rows = IndexOnDisk(path).rows(
        "select entity_id, reason, detail from errors_v1 where status = 'ERRORED' order by item_id limit 1"
    )
    told = next((": ".join(word for word in row if word) for row in rows), "see the index")
    if outcome.ending is Ending.THRESHOLD:
        raise FailureThresholdReached(
            f"Stopped because more items failed than max_failures allows, the first being {told}.",
            fix="All that was done is in the index. Cure the cause, then call again; or allow more failures.",
        )
    if outcome.ending is Ending.CANARY:
        raise FailureThresholdReached(
            f"Stopped because the canary failed: {told}. Nothing else was touched.",
            fix="Cure the cause, then call again with retry_errors='all'.",
        )
    raise FailureThresholdReached(
        f"Stopped at the first failure: {told}.",
        fix="Pass continue_on_error=True to go on past single failures. All that was done is in the index.",
    )
