"""`synapse-storage verify`: read back everything that was migrated, once more."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.reporting import reading
from storage_core.cli.session import Session, session_of
from storage_core.errors import ExitCode
from storage_core.model.items import ReasonCode
from storage_core.model.works import Verified, VerifyFailed, VerifyWork
from storage_core.reports.wording import counted, plain_text

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An item that was not read back as the index says."""

    work: VerifyWork
    failed: VerifyFailed


def verify(ctx: typer.Context, index: IndexArgument) -> ExitCode:
    """Read every migrated item's handle back: right location, size and MD5? Changes nothing; 1 call per 100 items.

    Exit code 4 when something differs.
    """
    session = session_of(ctx)
    looked_at, differences = _read_back(session, index)
    session.document(
        {
            "verified": looked_at - len(differences),
            "differences": [
                {
                    "id": difference.work.association.object_id,
                    "file_handle_id": difference.work.association.handle_id,
                    "reason": str(difference.failed.reason),
                    "detail": difference.failed.detail,
                }
                for difference in differences
            ],
        }
    )
    session.print_line(f"{counted(looked_at - len(differences), 'item')} read back as migrated.")
    if not differences:
        return ExitCode.DONE
    session.print_line(f"{counted(len(differences), 'item')} not; the first {SHOWN} at most:")
    session.show(_table(differences[:SHOWN]))
    is_mismatch = any(difference.failed.reason is ReasonCode.READ_BACK_DIFFERS for difference in differences)
    return ExitCode.MISMATCH if is_mismatch else ExitCode.SOME_FAILED


def _read_back(session: Session, index: Path) -> tuple[int, list[Difference]]:
    """How many items were looked at, and those that differ. The index is read here, the network asked elsewhere."""
    from storage_core.steps.auditing import audit, migrated_works  # late: the network is slow to import
    from storage_core.wiring import connected

    looked_at, differences = 0, []
    with reading(index) as reader, connected(session.load_config()) as remote:
        for works in migrated_works(reader):
            outcomes: tuple[Verified | VerifyFailed, ...] = remote.network.run(audit(works, remote.catalog))
            looked_at += len(works)
            differences += [
                Difference(work=work, failed=outcome)
                for work, outcome in zip(works, outcomes, strict=True)
                if isinstance(outcome, VerifyFailed)
            ]
    return looked_at, differences


def _table(differences: list[Difference]) -> "Table":
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
