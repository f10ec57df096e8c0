"""`synapse-storage location`: storage locations of every type."""

from pathlib import Path
from typing import Annotated

import typer

from storage_core.cli.commands.location_choose import choose
from storage_core.cli.commands.location_setup import setup_s3
from storage_core.cli.location_options import (
    AwsProfileOption,
    BannerOption,
    BaseKeyOption,
    DescriptionOption,
    OwnerFileOption,
    StsOption,
    read_secret,
    split_attributes,
)
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.ids import parse_storage_location_id

location = typer.Typer(help="Storage locations: where bytes can live.", no_args_is_help=True)
location.command("setup-s3")(setup_s3)
location.command("choose")(choose)


@location.command("get")
def get(
    ctx: typer.Context,
    location_id: Annotated[str, typer.Argument(metavar="LOCATION_ID", show_default=False)],
) -> ExitCode:
    """Show one storage location of your own."""
    from storage_core.cli.location_views import attribute_table, location_document  # late: keeps --help fast
    from storage_core.steps.declaring import own_location
    from storage_core.wiring.storage import storage_desk

    session = session_of(ctx)
    wanted = parse_storage_location_id(location_id)
    with storage_desk(session.load_config()) as desk:
        found = desk.network.run(own_location(wanted, desk.storage))
    session.show(attribute_table(found))
    session.document(location_document(found))
    return ExitCode.DONE


@location.command("list")
def list_(ctx: typer.Context) -> ExitCode:
    """List the storage locations you have created, newest first, at most 100."""
    from storage_core.cli.location_views import location_document, location_table  # late: keeps --help fast
    from storage_core.wiring.storage import storage_desk

    session = session_of(ctx)
    with storage_desk(session.load_config()) as desk:
        found = desk.network.run(desk.storage.my_locations())
    session.show(location_table(found))
    session.document({"locations": [location_document(one) for one in found]})
    return ExitCode.DONE


@location.command("types")
def types(ctx: typer.Context) -> ExitCode:
    """Show the types there are, what each requires, and what else it takes. Asks Synapse nothing."""
    from storage_core.cli.location_views import type_document, type_table  # late: keeps --help fast

    session = session_of(ctx)
    session.show(type_table())
    session.document({"types": type_document()})
    return ExitCode.DONE


@location.command("create")
def create(  # noqa: PLR0913, PLR0917 - one parameter per option
    ctx: typer.Context,
    type_name: Annotated[str, typer.Argument(metavar="TYPE", help="`location types` shows them.", show_default=False)],
    bucket: Annotated[str | None, typer.Option("--bucket", help="Name of the bucket.", show_default=False)] = None,
    base_key: BaseKeyOption = None,
    sts_enabled: StsOption = False,  # noqa: FBT002 - a flag
    endpoint_url: Annotated[
        str | None, typer.Option("--endpoint-url", help="Address of the object store.", show_default=False)
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Address of the SFTP or web server.", show_default=False)
    ] = None,
    supports_subfolders: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--supports-subfolders", help="Uploads go to a folder per Synapse folder.")
    ] = False,
    proxy_url: Annotated[
        str | None, typer.Option("--proxy-url", help="Address of the proxy, https only.", show_default=False)
    ] = None,
    secret_key_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-key-file",
            help="File with the secret shared with the proxy, 36 characters or more; - for standard input.",
            show_default=False,
        ),
    ] = None,
    benefactor_id: Annotated[
        str | None,
        typer.Option("--benefactor-id", help="Who may add to this entity may use the proxy.", show_default=False),
    ] = None,
    banner: BannerOption = None,
    description: DescriptionOption = None,
    upload_type: Annotated[
        str | None, typer.Option("--upload-type", help="Where the type leaves a choice.", show_default=False)
    ] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other attribute of the type.", show_default=False),
    ] = None,
    write_owner_file: OwnerFileOption = False,  # noqa: FBT002 - a flag
    aws_profile: AwsProfileOption = None,
) -> ExitCode:
    """Create a storage location, or find your own that is the same. Locations can be neither changed nor deleted."""
    from storage_core.cli.location_views import location_document, place_text  # late: keeps --help fast
    from storage_core.locations import build_location, type_name_of, type_named
    from storage_core.steps.declaring import declare_location, declare_with_owner_file
    from storage_core.wiring.storage import owner_file_writer, storage_desk

    session = session_of(ctx)
    wanted: dict[str, object] = {
        "bucket": bucket,
        "base_key": base_key,
        "sts_enabled": sts_enabled,
        "endpoint_url": endpoint_url,
        "url": url,
        "supports_subfolders": supports_subfolders,
        "proxy_url": proxy_url,
        "secret_key": read_secret(secret_key_file),
        "benefactor_id": benefactor_id,
        "banner": banner,
        "description": description,
        **split_attributes(attributes),
    }
    coming = build_location(type_named(type_name), wanted, upload_type=upload_type)
    with storage_desk(session.load_config()) as desk:
        if write_owner_file:
            writer = owner_file_writer(profile=aws_profile)
            declared = desk.network.run(declare_with_owner_file(coming, desk.storage, writer))
        else:
            declared = desk.network.run(declare_location(coming, desk.storage))
    made = declared.location
    session.document({**location_document(made), "origin": declared.origin, "owner_file": declared.owner_file})
    if declared.owner_file is not None:
        session.print_line(f"{declared.owner_file} was written to bucket {bucket}.")
    session.print_line(f"{declared.id} {declared.origin}: {type_name_of(made)}, {place_text(made)}")
    return ExitCode.DONE
