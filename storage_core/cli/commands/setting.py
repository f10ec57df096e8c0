"""`synapse-storage setting`: which storage location a project or folder uses."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage_core.cli.arguments import EntityArgument
from storage_core.cli.session import session_of
from storage_core.cli.setting_views import tree_document, tree_view
from storage_core.errors import ExitCode
from storage_core.model.ids import parse_entity_id, parse_storage_location_id

if TYPE_CHECKING:
    from storage_core.model.upload_settings import EffectiveSetting

setting = typer.Typer(help="Which storage location a project or folder uses.", no_args_is_help=True)


@setting.command("get")
def get(ctx: typer.Context, entity: EntityArgument) -> ExitCode:
    """Show the locations set on ENTITY itself; nothing inherited."""
    from storage_core.wiring.storage import storage_desk  # late: the network is slow to import

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    with storage_desk(session.load_config()) as desk:
        found = desk.network.run(desk.storage.setting(entity_id))
    locations = [] if found is None else [int(location) for location in found.location_ids]
    session.document({"id": entity_id, "storage_location_ids": locations})
    session.print_line(
        f"{entity_id} uses {_listed(locations)}; the first is for new uploads."
        if locations
        else f"{entity_id} has no setting of its own; `setting resolve` shows what it inherits."
    )
    return ExitCode.DONE


@setting.command("set")
def set_(
    ctx: typer.Context,
    entity: EntityArgument,
    location_ids: Annotated[
        list[str],
        typer.Argument(metavar="LOCATION_ID...", help="Up to 10; the first is for new uploads.", show_default=False),
    ],
) -> ExitCode:
    """Make these locations the ones of ENTITY, a project or folder. Only new uploads go there; nothing is moved."""
    from storage_core.steps.attaching import set_locations  # late: the network is slow to import
    from storage_core.wiring.storage import storage_desk

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    wanted = [parse_storage_location_id(one) for text in location_ids for one in text.split(",")]
    with storage_desk(session.load_config()) as desk:
        done = desk.network.run(set_locations(entity_id, wanted, desk.storage))
    session.document({"id": entity_id, "storage_location_ids": [int(one) for one in wanted], "setting": done.change})
    session.print_line(f"{entity_id} uses {_listed(wanted)}: {done.change}. New uploads go to {wanted[0]}.")
    return ExitCode.DONE


@setting.command("delete")
def delete(ctx: typer.Context, entity: EntityArgument) -> ExitCode:
    """Remove the setting of ENTITY, so that it inherits again. Nothing is moved."""
    from storage_core.steps.attaching import remove_setting  # late: the network is slow to import
    from storage_core.wiring.storage import storage_desk

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    with storage_desk(session.load_config()) as desk:
        done = desk.network.run(remove_setting(entity_id, desk.storage))
    session.document({"id": entity_id, "setting": done.change})
    session.print_line(f"Setting of {entity_id}: {done.change}.")
    return ExitCode.DONE


@setting.command("resolve")
def resolve(ctx: typer.Context, entity: EntityArgument) -> ExitCode:
    """Show where new uploads to ENTITY go, and whose setting says so."""
    from storage_core.steps.attaching import resolve_setting  # late: the network is slow to import
    from storage_core.wiring.storage import storage_desk

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    with storage_desk(session.load_config()) as desk:
        found = desk.network.run(resolve_setting(entity_id, desk.storage))
    session.document(_resolved_document(found))
    session.print_line(f"New uploads to {entity_id} go to storage location {found.location_ids[0]}{_origin(found)}.")
    if found.location_ids[1:]:
        session.print_line(f"Others may be chosen: {_listed(found.location_ids[1:])}.")
    return ExitCode.DONE


@setting.command("tree")
def tree(ctx: typer.Context, entity: EntityArgument) -> ExitCode:
    """Show every container below ENTITY: where new uploads to it go, since whose setting, and how many files it has."""
    from storage_core.steps.mapping_uploads import map_uploads  # late: the network is slow to import
    from storage_core.wiring.storage import storage_desk

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    with storage_desk(session.load_config()) as desk:
        nodes = desk.network.run(map_uploads(entity_id, desk.storage))
    session.show(tree_view(nodes))
    session.document(tree_document(nodes))
    unread = [node for node in nodes if node.trouble is not None]
    for node in unread:
        session.say(f"{node.container.id} could not be read: {node.trouble}")
    return ExitCode.SOME_FAILED if unread else ExitCode.DONE


def _origin(found: "EffectiveSetting") -> str:
    if not found.is_order_known:
        return ", set on a container above that you may not read"
    if found.origin is None:
        return ", Synapse's own: no container on the way up has a setting"
    if found.is_inherited:
        return f", inherited from {found.origin.kind.value} {found.origin.id} ({found.origin.name})"
    return ", its own setting"


def _resolved_document(found: "EffectiveSetting") -> dict[str, Any]:
    default = found.default
    return {
        "id": found.entity.id,
        "storage_location_id": int(found.location_ids[0]),
        "storage_location_ids": [int(location) for location in found.location_ids],
        "from": None if found.origin is None else found.origin.id,
        "is_inherited": found.is_inherited,
        "is_order_known": found.is_order_known,
        "storage_type": None if default is None else default.kind,
        "bucket": None if default is None else default.bucket,
        "base_key": None if default is None else default.base_key,
        "sts_enabled": None if default is None else default.sts_enabled,
    }


def _listed(locations: "list[Any] | tuple[Any, ...]") -> str:
    return ", ".join(str(location) for location in locations)
