"""`synapse-storage upload`: files and directories into Synapse."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.session import session_of
from storage_core.cli.transferring import StsOption, told, transfer
from storage_core.errors import ExitCode, UsageError
from storage_core.model.entities import EntityKind
from storage_core.model.ids import parse_entity_id, parse_storage_location_id
from storage_core.model.transfers import Uploaded, UploadOrder
from storage_core.model.trees import TransferFailure

if TYPE_CHECKING:
    from storage_core.transfer_wiring import TransferDesk


def upload(  # noqa: PLR0913, PLR0917 - options of a command
    ctx: typer.Context,
    entity: Annotated[
        str,
        typer.Argument(
            metavar="ENTITY", help="Project or folder; or a file that gets a new version.", show_default=False
        ),
    ],
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Files; or one directory, whose contents go up.", show_default=False),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Name in Synapse, of a single file.", show_default="that of the file")
    ] = None,
    description: Annotated[str | None, typer.Option("--description", show_default=False)] = None,
    version_comment: Annotated[str | None, typer.Option("--version-comment", show_default=False)] = None,
    content_type: Annotated[
        str | None, typer.Option("--content-type", show_default="what the file's suffix stands for")
    ] = None,
    location_id: Annotated[
        str | None,
        typer.Option(
            "--location-id", metavar="ID", help="Storage location to use.", show_default="that of the container"
        ),
    ] = None,
    use_boto_sts: StsOption = None,
    force: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--force", help="A new version also where the content is the same.")
    ] = False,
) -> ExitCode:
    """Store files in Synapse: new entities, new versions where content differs, nothing where it is the same.

    Interrupted, the same command goes on where it was.
    """
    session = session_of(ctx)
    order = UploadOrder(
        path="",
        parent_id=parse_entity_id(entity),
        name=name,
        content_type=content_type,
        description=description,
        version_comment=version_comment,
        location_id=None if location_id is None else parse_storage_location_id(location_id),
        even_if_equal=force,
    )
    _require_sense(paths, name)
    outcomes = transfer(session, lambda desk: _uploaded(desk, order, paths), use_boto_sts=use_boto_sts)
    return told(session, outcomes)


def _require_sense(paths: Sequence[Path], name: str | None) -> None:
    if len(paths) > 1 and any(path.is_dir() for path in paths):
        raise UsageError("A directory goes up alone.", fix="Run the command once for each directory.")
    if name is not None and (len(paths) > 1 or paths[0].is_dir()):
        raise UsageError("--name is for a single file.", fix="Leave it out.")


async def _uploaded(
    desk: "TransferDesk", order: UploadOrder, paths: Sequence[Path]
) -> list[Uploaded | TransferFailure]:
    order = await _placed(desk, order, paths)
    if paths[0].is_dir():
        return await desk.trees_up.upload_tree(str(paths[0]), order)
    if len(paths) == 1:
        return [await desk.uploader.upload(replace(order, path=str(paths[0])))]

    async def orders() -> AsyncIterator[UploadOrder]:
        for path in paths:
            yield replace(order, path=str(path))

    return await desk.trees_up.upload_many(orders())


async def _placed(desk: "TransferDesk", order: UploadOrder, paths: Sequence[Path]) -> UploadOrder:
    """The order for a container, or for a new version of a file."""
    if order.parent_id is None:
        return order
    header = (await desk.desk.storage.root(order.parent_id)).header
    if header.kind.is_container:
        return order
    if header.kind is not EntityKind.FILE:
        raise UsageError(f"{header.id} is a {header.kind}.", fix="Give a project, a folder or a file.")
    if len(paths) > 1 or paths[0].is_dir() or order.name is not None:
        raise UsageError(
            f"{header.id} is a file, which takes a single file as its new version and keeps its name.",
            fix="Give a project or folder, or one PATH and no --name.",
        )
    return replace(order, parent_id=None, entity_id=header.id)
