"""`synapse-storage verify`: read back everything that was migrated, once more; deeply, if asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.deep_verifying import verify_deeply
from storage_core.cli.session import Session, session_of
from storage_core.errors import ExitCode, UsageError
from storage_core.model.checks import ByteScope
from storage_core.reports.wording import counted, plain_text

if TYPE_CHECKING:
    from rich.table import Table

    from storage_core.readback import Difference

SHOWN = 100


def verify(
    ctx: typer.Context,
    index: IndexArgument,
    deep: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option(
            "--deep", help="Read every place itself (1 call per file version) and hash objects; keep it in INDEX."
        ),
    ] = False,
    read_bytes: Annotated[
        ByteScope | None,
        typer.Option(
            "--bytes",
            help="With --deep: objects to be read to their end. weak: those nobody has hashed yet.",
            show_default="weak",
        ),
    ] = None,
) -> ExitCode:
    """Read every migrated item's handle back: right location, size and MD5? Changes nothing; 1 call per 100 items.

    With --deep also: does every place still refer to it, and has the object the right bytes? Exit code 4 when
    something differs.
    """
    session = session_of(ctx)
    if deep:
        return verify_deeply(session, index, read_bytes or ByteScope.WEAK)
    if read_bytes is not None:
        raise UsageError("--bytes is for --deep alone.", fix="Add --deep, or leave --bytes out.")
    return _by_handles(session, index)


def _by_handles(session: Session, index: Path) -> ExitCode:
    from storage_core.readback import read_back  # late: the network is slow to import

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
