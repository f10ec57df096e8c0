"""What the terminal shows of a roll-back before anybody agrees to it."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storage_core.model.returns import RollbackPlan
from storage_core.reports.wording import count_text, counted, moment_text, plain_text, size_text


def rollback_view(plan: RollbackPlan) -> RenderableType:
    """The plan; it ends with its hash."""
    ahead = plan.ahead
    handles = f"{count_text(ahead.own_handles)} created by you, {count_text(ahead.other_handles)} by others"
    deadline = "none: older versions still refer to the old handles" if ahead.places else "none"
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("To roll back", f"{counted(ahead.places, 'place')}, {size_text(ahead.size_bytes)}"),
        *(
            (("Of these", f"{counted(ahead.cells, 'cell')} in {counted(ahead.tables, 'table')}"),)
            if ahead.cells
            else ()
        ),
        ("Old handles", handles),
        ("To read back", counted(ahead.places + ahead.unverified, "place")),
        ("Synapse calls", f"at most {count_text(plan.calls)}"),
        ("Deadline", moment_text(plan.deadline) if plan.deadline else deadline),
    ):
        table.add_row(Text(name, style="bright_black"), Text(value))
    found = [Text(f"{one.level}: {plain_text(one.what)} {plain_text(one.fix)}") for one in plan.findings]
    return Group(
        Text("Roll-back: each place refers to its old file handle again, in place"),
        Text(""),
        table,
        *((Text(""), *found) if found else ()),
        Text(""),
        Text(f"Plan hash: {plan.hash}", style="bold"),
    )
