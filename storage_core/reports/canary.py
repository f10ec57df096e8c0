"""What a canary came to, as the terminal and messages tell it."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from storage_core.model.canaries import CanaryCandidate, CanaryResult, CanaryVerdict
from storage_core.model.items import ItemStatus
from storage_core.reports.terminal import reason_table, status_table
from storage_core.reports.wording import count_text, counted, duration_text, plain_text, size_text

_SENTENCES = {
    CanaryVerdict.WAITING: "not all of it was tried yet",
    CanaryVerdict.CLEAN: "every item is migrated, proven and read back",
    CanaryVerdict.CHANGED: "nothing failed, but somebody changed items meanwhile; they are left as they are",
    CanaryVerdict.FAILED: "items failed, so nothing else is touched",
}
_COLOURS = {
    CanaryVerdict.WAITING: "yellow",
    CanaryVerdict.CLEAN: "green",
    CanaryVerdict.CHANGED: "yellow",
    CanaryVerdict.FAILED: "red",
}

UNCLEAR_FIX = (
    "Look at the report. Then have the changed items indexed again with `index` and repeat the command; or agree on a"
    " terminal:"
)


def canary_view(result: CanaryResult, *, reports: Sequence[str] = ()) -> RenderableType:
    """Its verdict, its items by status, what they were proven by, what it took, where the reports are."""
    rungs = ", ".join(f"{count_text(one.items)} {one.rung}" for one in result.rungs) or "none"
    took = f"Took {duration_text(result.seconds)} and {counted(result.calls, 'Synapse call')}"
    return Group(
        Text(outcome_text(result), f"bold {_COLOURS[result.verdict]}"),
        Text(""),
        status_table(result.counts),
        *([reason_table(result.counts)] if any(count.reason for count in result.counts) else []),
        Text(f"Proven by: {rungs}. {took}."),
        *(Text(f"Report: {plain_text(path)}") for path in reports),
    )


def outcome_text(result: CanaryResult) -> str:
    """What it came to, in a sentence."""
    told = _SENTENCES[result.verdict]
    return f"Canary of {counted(result.items, 'item')}, {size_text(result.size_bytes)}: {told}."


def candidates_text(candidates: Sequence[CanaryCandidate]) -> str:
    """What a canary would be, in a sentence."""
    if not candidates:
        return "Canary: nothing more has to go first."
    items, sizes = sum(one.items for one in candidates), [one.size_bytes for one in candidates]
    kinds = ", ".join(sorted({one.used_by for one in candidates}))
    return (
        f"Canary: {counted(items, 'item')} of {counted(len(candidates), 'copy', 'copies')} would go first (places in:"
        f" {kinds}; {size_text(min(sizes))} to {size_text(max(sizes))} each, {size_text(sum(sizes))} together)."
    )


def unclear_text(result: CanaryResult) -> str:
    """Why a canary lets nobody go on unasked."""
    told = ", ".join(f"{count_text(count.items)} {count.status}" for count in result.counts)
    done = sum(count.items for count in result.counts if count.status is ItemStatus.MIGRATED)
    return (
        f"The canary did not come out clean: {count_text(done)} of {counted(result.items, 'item')} migrated ({told})."
    )
