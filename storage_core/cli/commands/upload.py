"""`synapse-storage upload`: files and directories into Synapse."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.metadata_options import (
    ActivityDescriptionOption,
    ActivityNameOption,
    AnnotationOption,
    ExecutedOption,
    UsedOption,
    metadata_of,
)
from storage_core.cli.session import session_of
from storage_core.cli.transferring import StsOption, told, transfer
from storage_core.errors import ExitCode, UsageError
from storage_core.model.entities import EntityKind
from storage_core.model.ids import parse_entity_id, parse_storage_location_id
from storage_core.model.transfers import Uploaded, UploadOrder
from storage_core.model.trees import TransferFailure

if TYPE_CHECKING:
    from storage_core.wiring.transfers import TransferDesk

_Outcomes = list[Uploaded | TransferFailure]
_Work = Callable[["TransferDesk"], Awaitable[_Outcomes]]


def upload(  # noqa: PLR0913, PLR0917 - options of a command
    ctx: typer.Context,
    entity: Annotated[
        str | None,
        typer.Argument(
            metavar="ENTITY",
            help="Project or folder; or a file that gets a new version. With --manifest: for lines without a parent.",
            show_default=False,
        ),
    ] = None,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="Files; or one directory, whose contents go up.", show_default=False),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            metavar="FILE",
            help="What goes where, line by line, as the existing client's syncToSynapse reads it.",
            show_default=False,
        ),
    ] = None,
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
    annotation: AnnotationOption = None,
    used: UsedOption = None,
    executed: ExecutedOption = None,
    activity_name: ActivityNameOption = None,
    activity_description: ActivityDescriptionOption = None,
    use_boto_sts: StsOption = None,
    dry_run: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--dry-run", help="Check and compare everything, write nothing.")
    ] = False,
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
        parent_id=None if entity is None else parse_entity_id(entity),
        name=name,
        content_type=content_type,
        description=description,
        version_comment=version_comment,
        location_id=None if location_id is None else parse_storage_location_id(location_id),
        even_if_equal=force,
        metadata=metadata_of(
            annotations=annotation,
            used=used,
            executed=executed,
            activity_name=activity_name,
            activity_description=activity_description,
        ),
    )
    work = _by_manifest(order, manifest, paths) if manifest is not None else _by_paths(order, paths or ())
    outcomes = transfer(session, work, use_boto_sts=use_boto_sts, is_dry=dry_run)
    return told(session, outcomes, is_dry=dry_run)


def _by_manifest(order: UploadOrder, manifest: Path, paths: Sequence[Path] | None) -> _Work:
    if paths:
        raise UsageError("A manifest names its files itself.", fix="Give --manifest or PATHs, not both.")
    if order.name is not None or order.description is not None or order.version_comment is not None:
        raise UsageError(
            "--name, --description and --version-comment are for files that the command itself names.",
            fix="Leave them out; names stand in the manifest.",
        )
    if not order.metadata.is_empty:
        raise UsageError(
            "Annotations and provenance of a manifest's files stand in the manifest.", fix="Leave the options out."
        )
    return lambda desk: desk.manifests_up.upload_manifest(str(manifest), order)


def _by_paths(order: UploadOrder, paths: Sequence[Path]) -> _Work:
    if order.parent_id is None or not paths:
        raise UsageError(
            "It is not said what goes where.", fix="Give ENTITY and PATH, or --manifest FILE; --help shows more."
        )
    if len(paths) > 1 and any(path.is_dir() for path in paths):
        raise UsageError("A directory goes up alone.", fix="Run the command once for each directory.")
    if order.name is not None and (len(paths) > 1 or paths[0].is_dir()):
        raise UsageError("--name is for a single file.", fix="Leave it out.")
    return lambda desk: _uploaded(desk, order, paths)


async def _uploaded(desk: "TransferDesk", order: UploadOrder, paths: Sequence[Path]) -> _Outcomes:
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
