"""`synapse-storage download`: a file, or everything in a folder or project, onto this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage_core.cli.arguments import parse_versioned_entity_id
from storage_core.cli.session import session_of
from storage_core.cli.transferring import StsOption, told, transfer
from storage_core.errors import ExitCode, UsageError
from storage_core.model.entities import EntityKind
from storage_core.model.ids import EntityId
from storage_core.model.transfers import DownloadOrder, IfCollision
from storage_core.plan.transfer_outcomes import Outcome

if TYPE_CHECKING:
    from storage_core.wiring.transfers import TransferDesk


def download(
    ctx: typer.Context,
    entity: Annotated[
        str,
        typer.Argument(
            metavar="ENTITY", help="A file, syn123 or syn123.4 for a version; a folder or project.", show_default=False
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to.", show_default="here")] = Path(),
    name: Annotated[
        str | None,
        typer.Option("--name", help="Local name of a single file.", show_default="the one it was uploaded under"),
    ] = None,
    if_collision: Annotated[
        IfCollision | None,
        typer.Option(
            "--if-collision",
            help="When another file has the name.",
            show_default="keep.both for a file, overwrite.local for a folder",
        ),
    ] = None,
    use_boto_sts: StsOption = None,
) -> ExitCode:
    """Fetch files, checked against their MD5. What is here already and equal is left alone.

    For a folder or project everything below it, with a manifest. Interrupted, the same command goes on where it was.
    """
    session = session_of(ctx)
    entity_id, version = parse_versioned_entity_id(entity)
    found, more = transfer(
        session,
        lambda desk: _downloaded(
            desk, entity_id, version, folder=str(folder.absolute()), name=name, if_collision=if_collision
        ),
        use_boto_sts=use_boto_sts,
    )
    return told(session, found, **more)


async def _downloaded(
    desk: "TransferDesk",
    entity_id: EntityId,
    version: int | None,
    *,
    folder: str,
    name: str | None,
    if_collision: IfCollision | None,
) -> tuple[list[Outcome], dict[str, Any]]:
    kind = (await desk.desk.storage.root(entity_id)).header.kind
    if kind.is_container:
        if name is not None or version is not None:
            raise UsageError(f"{entity_id} is a {kind}.", fix="A name or a version is for a single file; leave it out.")
        tree = await desk.trees_down.download_tree(entity_id, folder, if_collision or IfCollision.OVERWRITE_LOCAL)
        return list(tree.outcomes), {"manifest": tree.manifest_path}
    if kind is not EntityKind.FILE:
        raise UsageError(f"{entity_id} is a {kind}, which has no file.", fix="Give a file, a folder or a project.")
    order = DownloadOrder(
        entity_id=entity_id,
        version=version,
        folder=folder,
        name=name,
        if_collision=if_collision or IfCollision.KEEP_BOTH,
    )
    return [await desk.downloader.download(order)], {}
