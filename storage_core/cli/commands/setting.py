"""`synapse-storage setting`: which storage location a project or folder uses."""

import typer

from storage_core.cli.arguments import EntityArgument
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.ids import parse_entity_id

setting = typer.Typer(help="Which storage location a project or folder uses.", no_args_is_help=True)


@setting.command("get")
def get(ctx: typer.Context, entity: EntityArgument) -> ExitCode:
    """Show the locations set on ENTITY itself; nothing inherited."""
    from storage_core.synapse.endpoints.project_settings import ProjectSettings  # late: the network is slow to import
    from storage_core.wiring import connected

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    with connected(session.load_config()) as remote:
        found = remote.network.run(ProjectSettings(remote.transport).get(entity_id=entity_id))
    locations = [] if found is None else [int(location) for location in found.location_ids]
    session.document({"id": entity_id, "storage_location_ids": locations})
    session.print_line(
        f"{entity_id} uses {', '.join(str(location) for location in locations)}; the first is for new uploads."
        if locations
        else f"{entity_id} has no setting of its own; `setting resolve` shows what it inherits."
    )
    return ExitCode.DONE


@setting.command("resolve")
def resolve(ctx: typer.Context, entity: EntityArgument) -> ExitCode:
    """Show where ENTITY's next upload goes, its own setting or an inherited one."""
    from storage_core.wiring import connected  # late: the network is slow to import

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    with connected(session.load_config()) as remote:
        location = remote.network.run(remote.catalog.default_location(entity_id))
    session.document({"id": entity_id, "storage_location_id": int(location)})
    session.print_line(f"New uploads to {entity_id} go to storage location {location}.")
    return ExitCode.DONE
