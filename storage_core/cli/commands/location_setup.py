"""`synapse-storage location setup-s3`: a bucket and who uploads to it, in one go."""

from typing import Annotated

import typer

from storage_core.cli.location_options import (
    AwsProfileOption,
    BannerOption,
    BaseKeyOption,
    DescriptionOption,
    OwnerFileOption,
    StsOption,
)
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.ids import parse_entity_id


def setup_s3(  # noqa: PLR0913, PLR0917 - one parameter per option
    ctx: typer.Context,
    entity: Annotated[
        str | None, typer.Argument(metavar="[ENTITY]", help="An existing project or folder.", show_default=False)
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", help="Instead: where the folder is made.", show_default=False)
    ] = None,
    folder_name: Annotated[
        str | None, typer.Option("--folder-name", help="Its name; an existing one is taken.", show_default=False)
    ] = None,
    bucket: Annotated[
        str | None, typer.Option("--bucket", help="Without it: Synapse's own storage.", show_default=False)
    ] = None,
    base_key: BaseKeyOption = None,
    sts_enabled: StsOption = False,  # noqa: FBT002 - a flag
    banner: BannerOption = None,
    description: DescriptionOption = None,
    write_owner_file: OwnerFileOption = False,  # noqa: FBT002 - a flag
    aws_profile: AwsProfileOption = None,
) -> ExitCode:
    """Declare an S3 storage location and make it the one new uploads to ENTITY go to. Moves nothing that is there."""
    from storage_core.cli.location_views import location_document, place_text  # late: keeps --help fast
    from storage_core.steps.setting_up import S3Wish, location_wished, set_up_s3
    from storage_core.wiring.storage import owner_file_writer, storage_desk

    session = session_of(ctx)
    wish = S3Wish(
        container_id=None if entity is None else parse_entity_id(entity),
        parent_id=None if parent is None else parse_entity_id(parent),
        folder_name=folder_name,
        bucket=bucket,
        base_key=base_key,
        sts_enabled=sts_enabled,
        banner=banner,
        description=description,
    )
    location_wished(wish)  # what is wrong in the words themselves is told before anybody signs in
    writer = owner_file_writer(profile=aws_profile) if write_owner_file else None
    with storage_desk(session.load_config()) as desk:
        done = desk.network.run(set_up_s3(wish, desk.storage, writer))
    declared = done.declared
    session.document(
        {
            "id": done.container.id,
            "name": done.container.name,
            "location": location_document(declared.location),
            "origin": declared.origin,
            "owner_file": declared.owner_file,
            "setting": done.setting.change,
        }
    )
    if declared.owner_file is not None:
        session.print_line(f"{declared.owner_file} was written to bucket {bucket}.")
    session.print_line(f"Storage location {declared.id} ({place_text(declared.location)}): {declared.origin}.")
    session.print_line(f"Setting of {done.container.id} ({done.container.name}): {done.setting.change}.")
    return ExitCode.DONE
