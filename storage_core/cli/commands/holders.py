"""`synapse-storage holders`: what else holds handles of the old storage location."""

from typing import Any

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.holders import Held
from storage_core.reports.wording import counted, location_text, size_text


def holders(ctx: typer.Context, index: IndexArgument) -> ExitCode:
    """Count wiki attachments and previews, which no migration moves, by storage location; the reports show it.

    Changes nothing in Synapse: 1 call per project and folder, 1 per wiki page, 1 per 100 old file handles.
    """
    from storage_core.holding import count_holders  # late: network and database are slow to import

    session = session_of(ctx)
    found = count_holders(session.load_config(), index)
    session.document(
        {
            "format": "synapse-storage/holders/1",
            "held": [_document(one) for one in found.held],
            "looked_at": found.told,
            "calls": found.calls,
        }
    )
    for one in found.held:
        size = "" if one.size_bytes is None else f", {size_text(one.size_bytes)}"
        handles = counted(one.handles, "handle")
        session.print_line(f"Storage location {location_text(one.location_id)}: {one.kind}: {handles}{size}.")
    session.print_line(f"{found.told[0].upper()}{found.told[1:]}.")
    return ExitCode.DONE


def _document(held: Held) -> dict[str, Any]:
    return {
        "owner": str(held.kind),
        "storage_location_id": held.location_id,
        "handles": held.handles,
        "bytes": held.size_bytes,
    }
