"""`synapse-storage register`: what is in its place already becomes a file of Synapse."""

from pathlib import Path
from typing import Annotated, Any

import typer

from storage_core.cli.session import session_of
from storage_core.cli.transferring import transfer
from storage_core.errors import ExitCode
from storage_core.model.ids import parse_entity_id, parse_storage_location_id
from storage_core.model.transfers import Registered, RegisterOrder


def register(  # noqa: PLR0913, PLR0917 - options of a command
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="KEY|URL",
            help="A key in the location's bucket, s3://bucket/key, gs://bucket/key, a path behind a proxy, or a URL.",
            show_default=False,
        ),
    ],
    location_id: Annotated[
        str | None,
        typer.Option("--location-id", metavar="ID", help="Where it is; needed for all but URLs.", show_default=False),
    ] = None,
    entity: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="ENTITY",
            help="Project or folder where a file appears; or a file that gets a new version.",
            show_default="the file handle alone",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", show_default="the last part of the key")] = None,
    md5: Annotated[str | None, typer.Option("--md5", help="32 hexadecimal digits.", show_default=False)] = None,
    size: Annotated[int | None, typer.Option("--size", min=0, help="In bytes.", show_default=False)] = None,
    local_file: Annotated[
        Path | None, typer.Option("--local-file", help="A copy of it, for MD5 and size.", show_default=False)
    ] = None,
    content_type: Annotated[
        str | None, typer.Option("--content-type", show_default="what the name's suffix stands for")
    ] = None,
) -> ExitCode:
    """Make a file handle for bytes that are in their place and, with --to, a file that refers to it. Moves nothing.

    Synapse believes the MD5: give the true one.
    """
    session = session_of(ctx)
    order = RegisterOrder(
        what=what,
        location_id=None if location_id is None else parse_storage_location_id(location_id),
        entity_id=None if entity is None else parse_entity_id(entity),
        name=name,
        content_type=content_type,
        size_bytes=size,
        md5=md5,
        local_path=None if local_file is None else str(local_file),
    )
    done = transfer(session, lambda desk: desk.registering.register(order), use_boto_sts=None)
    session.document(_document(done))
    where = "" if done.entity_id is None else f"  {done.entity_id}.{done.version}"
    session.print_line(f"{done.result}  file handle {done.handle.id}{where}")
    return ExitCode.DONE


def _document(done: Registered) -> dict[str, Any]:
    return {
        "result": str(done.result),
        "file_handle_id": done.handle.id,
        "id": done.entity_id,
        "version": done.version,
        "storage_location_id": int(done.handle.storage_location_id),
        "size_bytes": done.handle.size_bytes,
        "md5": done.handle.md5,
    }
