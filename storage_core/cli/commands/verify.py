"""`synapse-storage verify`: read back everything that was migrated, once more."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.reports.wording import counted, plain_text

if TYPE_CHECKING:
    from rich.table import Table

    from storage_core.readback import Difference

SHOWN = 100


def verify(ctx: typer.Context, index: IndexArgument) -> ExitCode:
    """Read every migrated item's handle back: right location, size and MD5? Changes nothing; 1 call per 100 items.

    Exit code 4 when something differs.
    """
    from storage_core.readback import read_back  # late: the network is slow to import

    session = session_of(ctx)
    found = read_back(session.load_config(), index)
    session.document(
        {
            "verified": found.confirmed,
            "differences": [
                {
                    "id": difference.work.association.object_id,
                    "file_handle_id": difference.work.association.handle_id,
                    "reason": str(difference.failed.reason),
                    "detail": difference.failed.detail,
                }
                for difference in found.differences
            ],
        }
    )
    session.print_line(f"{counted(found.confirmed, 'item')} read back as migrated.")
    if found.differences:
        session.print_line(f"{counted(len(found.differences), 'item')} not; the first {SHOWN} at most:")
        session.show(_table(found.differences[:SHOWN]))
    return found.exit_code


def _table(differences: "Sequence[Difference]") -> "Table":
    from rich.table import Table  # late: keeps --help fast
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for heading in ("Entity", "File handle", "Reason", "Detail"):
        table.add_column(heading)
    for difference in differences:
        seen = difference.work.association
        table.add_row(
            seen.object_id, seen.handle_id, str(difference.failed.reason), Text(plain_text(difference.failed.detail))
        )
    return table
