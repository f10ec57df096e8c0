"""What a run came to, and the exit code that says so. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from storage_core.errors import ExitCode, UsageError
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.plans import StatusCount


class Ending(StrEnum):
    """Why a run ended."""

    COMPLETE = "complete"
    FIRST_FAILURE = "first failure"
    THRESHOLD = "failure threshold"
    CANARY = "canary"
    STOPPED = "stopped from outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLimit:
    """When to stop because of failures.

    Attributes:
        continue_on_error: when False, the first failure stops the run.
        at_most: stop when more items than this have failed; None for no such limit.
        at_most_percent: stop when more than this share has failed, after `sample` items.
    """

    continue_on_error: bool = False
    at_most: int | None = None
    at_most_percent: float | None = None
    sample: int = 50

    def ending(self, failed: int, *, of: int) -> Ending | None:
        """Why *failed* items out of *of* must stop the run; None when they need not."""
        if failed == 0:
            return None
        if self.at_most is not None and failed > self.at_most:
            return Ending.THRESHOLD
        if self._too_large_a_share(failed, of):
            return Ending.THRESHOLD
        has_limit = self.at_most is not None or self.at_most_percent is not None
        return None if self.continue_on_error or has_limit else Ending.FIRST_FAILURE

    def _too_large_a_share(self, failed: int, of: int) -> bool:
        if self.at_most_percent is None or of < self.sample:
            return False
        return 100 * failed > self.at_most_percent * of


def parse_failure_limit(limit: str | int | None) -> tuple[int | None, float | None]:
    """``10`` as a number of items, ``2.5%`` as a share; at most one of the two is not None, and none of None.

    Raises:
        UsageError: it is neither.
    """
    if limit is None:
        return None, None
    text = str(limit).strip()
    digits, percent = text.removesuffix("%"), text.endswith("%")
    try:
        number = float(digits) if percent else int(digits)
    except ValueError:
        number = -1
    if number < 0 or (percent and not number <= 100):  # noqa: PLR2004 - a percentage
        raise UsageError(
            f"{str(limit)!r} is no limit of failures.", fix="Give a number such as 10, or a share such as 2%."
        )
    return (None, float(number)) if percent else (int(number), None)


_SETTLED = {ItemStatus.MIGRATED, ItemStatus.ALREADY_MIGRATED, ItemStatus.SKIPPED}


def exit_code(counts: Iterable[StatusCount], ending: Ending) -> ExitCode:
    """DONE only if everything in scope is migrated and verified, was there before, or is rightly left alone."""
    unsettled = [count for count in counts if count.items and count.status not in _SETTLED]
    if any(count.reason is ReasonCode.READ_BACK_DIFFERS for count in unsettled):
        return ExitCode.MISMATCH
    if ending is Ending.THRESHOLD:
        return ExitCode.THRESHOLD
    return ExitCode.SOME_FAILED if unsettled else ExitCode.DONE


def indexing_exit_code(counts: Iterable[StatusCount], ending: Ending) -> ExitCode:
    """What filling an index came to: items that wait are its purpose, not a failure."""
    counts = tuple(counts)
    if ending is not Ending.COMPLETE:
        return exit_code(counts, ending)
    unread = any(count.items and count.status is ItemStatus.ERRORED for count in counts)
    return ExitCode.SOME_FAILED if unread else ExitCode.DONE
