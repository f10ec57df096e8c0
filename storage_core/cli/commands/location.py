"""`synapse-storage location`: look at storage locations."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.destinations import LocationFacts
from storage_core.model.ids import parse_storage_location_id
from storage_core.reports.wording import plain_text

if TYPE_CHECKING:
    from rich.table import Table

location = typer.Typer(help="Storage locations: where bytes can live.", no_args_is_help=True)


@location.command("get")
def get(
    ctx: typer.Context,
    location_id: Annotated[str, typer.Argument(metavar="LOCATION_ID", show_default=False)],
) -> ExitCode:
    """Show one storage location of your own."""
    from storage_core.wiring import connected  # late: the network is slow to import

    session = session_of(ctx)
    wanted = parse_storage_location_id(location_id)
    with connected(session.load_config()) as remote:
        facts = remote.network.run(remote.catalog.location(wanted))
    session.show(_table([facts]))
    session.document(_document(facts))
    return ExitCode.DONE


@location.command("list")
def list_(ctx: typer.Context) -> ExitCode:
    """List the storage locations you have created, newest first."""
    from storage_core.synapse.endpoints.storage_locations import StorageLocations  # late: as above
    from storage_core.wiring import connected

    session = session_of(ctx)
    with connected(session.load_config()) as remote:
        found = remote.network.run(StorageLocations(remote.transport).mine())
    session.show(_table(found))
    session.document({"locations": [_document(facts) for facts in found]})
    return ExitCode.DONE


def _table(found: "list[LocationFacts] | tuple[LocationFacts, ...]") -> "Table":
    from rich.table import Table  # late: keeps --help fast
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for heading in ("Id", "Type", "Bucket", "Base key", "STS"):
        table.add_column(heading)
    for facts in found:
        table.add_row(
            str(facts.id),
            str(facts.kind),
            Text(plain_text(facts.bucket or "")),
            Text(plain_text(facts.base_key or "")),
            "yes" if facts.sts_enabled else "no",
        )
    return table


def _document(facts: LocationFacts) -> dict[str, Any]:
    return {
        "storage_location_id": int(facts.id),
        "storage_type": str(facts.kind),
        "upload_type": str(facts.upload_type),
        "bucket": facts.bucket,
        "base_key": facts.base_key,
        "sts_enabled": facts.sts_enabled,
        "created_by": facts.created_by,
        "concrete_type": facts.concrete_type,
    }
