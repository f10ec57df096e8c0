"""The one sentence with which every report begins."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.errors import ExitCode
from storage_core.model.items import ItemStatus
from storage_core.reports.figures import TROUBLED, Figures
from storage_core.reports.wording import counted


class Mood(StrEnum):
    """How a reader should take it."""

    GOOD = "good"
    UNFINISHED = "unfinished"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A mood with a sentence that says why."""

    mood: Mood
    sentence: str


EXIT_MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done and verified",
    ExitCode.SOME_FAILED: "finished, some items failed, drifted or unproven",
    ExitCode.USAGE: "usage",
    ExitCode.ACCESS: "authentication or permission",
    ExitCode.MISMATCH: "verification mismatch",
    ExitCode.THRESHOLD: "failure threshold reached",
    ExitCode.NOT_CONFIRMED: "paused, awaiting confirmation or declined",
    ExitCode.INDEX_IN_USE: "index in use by another process",
    ExitCode.UNAVAILABLE: "service unavailable",
    ExitCode.INTERRUPTED: "interrupted; resumable",
}


def verdict_of(figures: Figures) -> Verdict:
    """Judge the whole index: trouble first, then what is left to do, then the good news."""
    failed = figures.items_with(ItemStatus.ERRORED)
    drifted = figures.items_with(ItemStatus.DRIFTED)
    waiting = figures.items_with(ItemStatus.INDEXED)
    if figures.items_with(*TROUBLED):
        parts = [counted(failed, "item") + " failed"] if failed else []
        parts += [counted(drifted, "item") + " drifted"] if drifted else []
        parts += [counted(waiting, "item") + " waiting"] if waiting else []
        return Verdict(mood=Mood.ATTENTION, sentence=f"Not complete: {', '.join(parts)}.")
    if waiting:
        return Verdict(mood=Mood.UNFINISHED, sentence=f"Not finished: {counted(waiting, 'item')} waiting.")
    moved = figures.items_with(ItemStatus.MIGRATED)
    if moved:
        return Verdict(mood=Mood.GOOD, sentence=f"Complete: {counted(moved, 'item')} migrated, proven and read back.")
    if figures.items_with(ItemStatus.ROLLED_BACK):
        return Verdict(mood=Mood.UNFINISHED, sentence="Rolled back: the items refer to their old file handles again.")
    return Verdict(mood=Mood.GOOD, sentence="Nothing needs migrating.")
