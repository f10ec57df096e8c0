"""What the terminal shows: the same figures as the page, in a few short tables.

Everything from Synapse is put in as `Text`, never as rich's markup, and without control characters.
"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storage_core.errors import ExitCode
from storage_core.model.engines import EngineShare
from storage_core.model.items import ItemStatus
from storage_core.model.plans import FindingLevel, Plan, StatusCount
from storage_core.model.prices import Costs
from storage_core.reports.figures import Figures, HeldFigure
from storage_core.reports.verdict import EXIT_MEANINGS, Mood, Verdict, verdict_of
from storage_core.reports.wording import (
    cost_text,
    count_text,
    counted,
    duration_text,
    location_text,
    moment_text,
    plain_text,
    reason_of,
    size_text,
)

_COLOURS = {
    ItemStatus.MIGRATED: "green",
    ItemStatus.ALREADY_MIGRATED: "blue",
    ItemStatus.INDEXED: "cyan",
    ItemStatus.SKIPPED: "bright_black",
    ItemStatus.DRIFTED: "yellow",
    ItemStatus.ERRORED: "red",
    ItemStatus.ROLLED_BACK: "magenta",
}
_FAILURES_SHOWN = 5
_MOODS = {Mood.GOOD: "green", Mood.UNFINISHED: "yellow", Mood.ATTENTION: "red"}


def status_view(figures: Figures) -> RenderableType:
    """Where a migration stands: settings, verdict, items by status, trouble by reason, bytes by location."""
    blocks: list[RenderableType] = [verdict_text(verdict_of(figures)), *_count_tables(figures.counts)]
    if figures.failures:
        blocks.append(_failures(figures))
    if figures.locations:
        blocks.append(location_table(figures))
    if unused := figures.unused_sources:
        named = ", ".join(location_text(source) for source in unused)
        blocks.append(Text(f"warning: No file that was looked at lies in storage location {named}, named as a source."))
    if figures.held or figures.others_counted or figures.locations:
        blocks.append(_held(figures))
    return Group(_settings(figures), *_spaced(blocks))


def outcome_view(figures: Figures, exit_code: ExitCode, *, calls: int | None, reports: Sequence[str]) -> RenderableType:
    """How a run ended: the status view, what it cost, where the reports are."""
    last = Text(f"Exit code {int(exit_code)}: {EXIT_MEANINGS[exit_code]}.")
    if calls is not None:
        last.append(f" Synapse calls spent: {count_text(calls)}.")
    where = [Text(f"Report: {plain_text(path)}") for path in reports]
    return Group(status_view(figures), Text(""), last, *where)


def plan_view(plan: Plan) -> RenderableType:
    """The plan as it is shown before anybody agrees to it; it ends with its hash."""
    return Group(
        Text(f"Plan: {', '.join(plan.settings.roots)} to storage location {location_text(plan.settings.destination)}"),
        Text(f"File version strategy {plan.settings.strategy}; {_tables_text(plan.settings.include_tables)}"),
        *_spaced([*_count_tables(plan.counts), _ahead(plan), *([_costs(plan.costs)] if plan.costs else [])]),
        *_findings(plan),
        Text(""),
        Text(f"Plan hash: {plan.hash}", style="bold"),
    )


def verdict_text(verdict: Verdict) -> Text:
    """The verdict, coloured by its mood."""
    return Text(verdict.sentence, style=f"bold {_MOODS[verdict.mood]}")


def status_table(counts: Sequence[StatusCount]) -> Table:
    """Items and bytes by status, those that occur."""
    table = _table("Status", "Items", "Bytes")
    for status in ItemStatus:
        of_status = [count for count in counts if count.status is status and count.items]
        if of_status:
            table.add_row(
                Text(str(status), style=_COLOURS[status]),
                count_text(sum(count.items for count in of_status)),
                size_text(sum(count.size_bytes for count in of_status)),
            )
    return table


def reason_table(counts: Sequence[StatusCount]) -> Table:
    """Why items are not migrated, and what can be done."""
    table = _table("Reason", "Items", "What to do", words=("Reason", "What to do"))
    for count in sorted(_with_reason(counts), key=lambda count: (list(ItemStatus).index(count.status), -count.items)):
        reason = reason_of(count.reason)
        table.add_row(
            Text(str(count.reason), style=_COLOURS[count.status]),
            count_text(count.items),
            Text(reason.sentence if reason else ""),
        )
    return table


def location_table(figures: Figures) -> Table:
    """Distinct handles' bytes by storage location, before and now."""
    table = _table("Storage location", "Bytes before", "Bytes now", "Handles before", "Handles now")
    for location in figures.locations:
        table.add_row(
            Text(location_text(location.location_id)),
            size_text(location.bytes_before),
            size_text(location.bytes_after),
            count_text(location.handles_before),
            count_text(location.handles_after),
        )
    return table


def _failures(figures: Figures) -> Text:
    """The first items that failed or drifted, by name: one of them may be why the run stopped."""
    shown = figures.failures[:_FAILURES_SHOWN]
    lines = [
        f"{one.entity_id} ({plain_text(one.name)}), {plain_text(one.place)}: {one.reason}"
        + (f": {plain_text(one.detail)}" if one.detail else "")
        for one in shown
    ]
    left = figures.items_with(ItemStatus.ERRORED, ItemStatus.DRIFTED) - len(shown)
    if left:
        lines.append(f"and {counted(left, 'more item')}; the CSV log and the view errors_v1 have all of them")
    return Text("\n".join(lines))


def _held(figures: Figures) -> Text:
    """Why old bytes have to stay, as far as it is known."""
    told = "; ".join(_held_text(one) for one in figures.held)
    sentences = [f"Old handles still referred to by {told}."] if told else []
    if figures.others_counted is None:
        sentences.append("Wiki attachments and previews are not moved; `synapse-storage holders` counts them.")
    else:
        sentences.append(f"Wiki attachments and previews are not moved; {plain_text(figures.others_counted)}.")
    return Text(" ".join(sentences))


def _held_text(held: HeldFigure) -> str:
    size = "" if held.size_bytes is None else f", {size_text(held.size_bytes)}"
    return f"{held.owner}: {counted(held.handles, 'handle')}{size}"


def _count_tables(counts: Sequence[StatusCount]) -> list[RenderableType]:
    tables: list[RenderableType] = [status_table(counts)]
    return [*tables, reason_table(counts)] if _with_reason(counts) else tables


def _spaced(blocks: Sequence[RenderableType]) -> list[RenderableType]:
    """An empty line before each block."""
    return [line for block in blocks for line in (Text(""), block)]


def _settings(figures: Figures) -> Text:
    settings = figures.settings
    sources = ", ".join(location_text(source) for source in settings.source_location_ids)
    return Text(
        f"{', '.join(settings.roots)} to storage location {location_text(settings.destination)}"
        f"{f' from {sources}' if sources else ''}; strategy {settings.strategy}; "
        f"{_tables_text(settings.include_tables)}\nIndex as of {moment_text(figures.as_of)}"
    )


def _tables_text(include_tables: bool) -> str:  # noqa: FBT001 - a setting's value, told in words
    return "files attached to tables included" if include_tables else "files attached to tables not included"


def _ahead(plan: Plan) -> Table:
    ahead = plan.ahead
    table = Table.grid(padding=(0, 2))
    band = f"{duration_text(plan.seconds_low)} to {duration_text(plan.seconds_high)}"
    copies = f"{counted(ahead.copies, 'distinct file handle')}, {size_text(ahead.copy_bytes)}"
    entities = counted(ahead.repoint_entities, "entity", "entities")
    frozen = [("To freeze", f"{counted(ahead.snapshots, 'table')}, each as a version of its own")]
    for name, value in (
        ("To copy", f"{copies}, {counted(ahead.parts, 'part')}"),
        *(frozen if ahead.snapshots else ()),
        ("To repoint", f"{counted(ahead.repoints, 'place')} in {entities}"),
        ("To verify", counted(ahead.verifications, "place")),
        *(("Engine", _share_text(share)) for share in plan.shares),
        ("Synapse calls", count_text(plan.calls)),
        ("Time", band),
    ):
        table.add_row(Text(name, style="bright_black"), Text(value))
    return table


def _costs(costs: Costs) -> Group:
    """Money by kind, and of which day the prices are."""
    table = Table.grid(padding=(0, 2))
    for cost in costs.lines:
        table.add_row(
            Text(f"Money, {cost.kind}", style="bright_black"),
            Text(cost_text(cost, costs.prices.currency), justify="right"),
            Text(cost.note),
        )
    told = f"Prices of {costs.prices.as_of.isoformat()}: {plain_text(costs.prices.source)}."
    return Group(table, Text(told, style="bright_black"))


def _share_text(share: EngineShare) -> str:
    """Who copies how much from where, and why."""
    place = f" from {plain_text(share.bucket)}" if share.bucket else ""
    copies = f"{counted(share.copies, 'copy', 'copies')}, {size_text(share.size_bytes)}{place}"
    return f"{share.engine}: {copies} ({plain_text(share.why)})"


def _findings(plan: Plan) -> list[Text]:
    lines = []
    for finding in plan.findings:
        style = "yellow" if finding.level is FindingLevel.WARNING else ""
        lines.append(Text(f"{finding.level}: {plain_text(finding.what)} {plain_text(finding.fix)}", style=style))
    return [Text(""), *lines] if lines else []


def _with_reason(counts: Sequence[StatusCount]) -> list[StatusCount]:
    return [count for count in counts if count.reason is not None and count.items]


def _table(first: str, *others: str, words: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="left" if heading in words else "right", no_wrap=heading not in words)
    return table
