"""upload-tree, upload-manifest, download-tree: files of the worker into Synapse, or of Synapse onto the worker."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from prefect import get_run_logger
from prefect.states import Completed, Failed

from flows.credentials import configuration
from flows.forms import flow_with_form
from flows.parameters import (
    Collision,
    Container,
    Credentials,
    DryRun,
    EvenIfEqual,
    FolderToFill,
    FolderToUpload,
    ManifestToUpload,
    ParentOfTheRest,
    UploadLocation,
    UseBotoSts,
    VersionComment,
    on_the_worker,
)
from storage_core.errors import ExitCode, UsageError
from storage_core.model.ids import EntityId, StorageLocationId, parse_entity_id, parse_storage_location_id
from storage_core.model.transfers import IfCollision, UploadOrder
from storage_core.model.trees import TransferFailure
from storage_core.plan.transfer_outcomes import Outcome, transfer_exit_code
from storage_core.reports.wording import counted, size_text
from storage_core.steps.in_batches import BatchedMover
from storage_core.wiring.storage import storage_desk
from storage_core.wiring.transfers import TransferDesk, transfer_desk, wishes_of
from tasks.batches import AT_HAND, TaskLauncher
from tasks.pausing import noticing_pause
from tasks.transferring import TRANSFER_TASKS
from tasks.visibility import show_transfers

T = TypeVar("T")
Work = Callable[[TransferDesk, BatchedMover], Coroutine[Any, Any, T]]


@flow_with_form("upload-tree")
def upload_tree(
    *,
    folder: FolderToUpload,
    container_id: Container,
    storage_location_id: UploadLocation = None,
    version_comment: VersionComment = "",
    even_if_equal: EvenIfEqual = False,
    use_boto_sts: UseBotoSts = None,
    credentials: Credentials = "",
) -> Any:
    """Make a project or folder hold what a directory of the worker holds: folders made, files uploaded that differ.

    Nothing is deleted. Run again, it goes on where it ended, and uploads nothing that is there already.
    """
    parent_id, root = parse_entity_id(container_id), _local(folder)
    order = UploadOrder(
        path="",
        parent_id=parent_id,
        version_comment=version_comment or None,
        location_id=_location(storage_location_id),
        even_if_equal=even_if_equal,
    )

    async def work(desk: TransferDesk, mover: BatchedMover) -> Sequence[Outcome]:
        await _require_container(desk, parent_id)
        return await replace(desk.trees_up, mover=mover).upload_tree(root, order)

    return _ended(_moved("upload-files", work, use_boto_sts, credentials))


@flow_with_form("upload-manifest")
def upload_manifest(
    *,
    manifest: ManifestToUpload,
    parent_id: ParentOfTheRest = "",
    storage_location_id: UploadLocation = None,
    even_if_equal: EvenIfEqual = False,
    dry_run: DryRun = False,
    use_boto_sts: UseBotoSts = None,
    credentials: Credentials = "",
) -> Any:
    """Make Synapse hold what a manifest lists: each file in its place, with its annotations and provenance.

    The whole manifest is checked before the first byte moves. Run again, only what changed travels.
    """
    path = _local(manifest)
    order = UploadOrder(
        path="",
        parent_id=parse_entity_id(parent_id) if parent_id.strip() else None,
        location_id=_location(storage_location_id),
        even_if_equal=even_if_equal,
    )

    async def work(desk: TransferDesk, mover: BatchedMover) -> Sequence[Outcome]:
        return await replace(desk.manifests_up, mover=mover).upload_manifest(path, order)

    return _ended(_moved("upload-files", work, use_boto_sts, credentials, is_dry=dry_run), is_dry=dry_run)


@flow_with_form("download-tree")
def download_tree(
    *,
    container_id: Container,
    folder: FolderToFill,
    if_collision: Collision = IfCollision.OVERWRITE_LOCAL,
    use_boto_sts: UseBotoSts = None,
    credentials: Credentials = "",
) -> Any:
    """Make a directory of the worker hold what a project or folder holds, each file checked, with a manifest.

    Nothing is deleted. Run again, it goes on where it ended, and downloads nothing that is there already.
    """
    entity_id, root = parse_entity_id(container_id), _local(folder)

    async def work(desk: TransferDesk, mover: BatchedMover) -> Sequence[Outcome]:
        await _require_container(desk, entity_id)
        done = await replace(desk.trees_down, mover=mover).download_tree(entity_id, root, if_collision)
        return done.outcomes

    return _ended(_moved("download-files", work, use_boto_sts, credentials))


def _moved(batches: str, work: Work[T], use_boto_sts: bool | None, credentials: str, *, is_dry: bool = False) -> T:
    """Do *work* on an open connection; its batches run as tasks called *batches*.

    Raises:
        Pause: the run was suspended in Prefect; resumed, it goes on from what is there.
    """
    config = configuration(credentials)
    wishes = wishes_of(config) if use_boto_sts is None else replace(wishes_of(config), use_boto_sts=use_boto_sts)
    with noticing_pause(get_run_logger().warning) as pause, storage_desk(config) as desk:
        AT_HAND.open(desk.network)
        look = pause.end_when_paused if pause is not None else None
        mover = BatchedMover(desk.network.loop, TaskLauncher(TRANSFER_TASKS), batches, look=look)

        async def opened() -> T:
            async with transfer_desk(config, desk, wishes=wishes, is_dry=is_dry) as transfers:
                return await work(transfers, mover)

        return mover.run(opened())


async def _require_container(desk: TransferDesk, entity_id: EntityId) -> None:
    header = (await desk.desk.storage.root(entity_id)).header
    if not header.kind.is_container:
        raise UsageError(f"{header.id} is a {header.kind}.", fix="Give a project or a folder.")


def _location(location_id: int | None) -> StorageLocationId | None:
    return None if location_id is None else parse_storage_location_id(location_id)


def _local(path: str) -> str:
    return str(on_the_worker(path).absolute())


def _ended(outcomes: Sequence[Outcome], *, is_dry: bool = False) -> Any:
    """Publish what became of the files; the state the flow run ends in."""
    show_transfers(outcomes)
    failures = [one for one in outcomes if isinstance(one, TransferFailure)]
    size = sum(one.size_bytes for one in outcomes if not isinstance(one, TransferFailure))
    done = f"{counted(len(outcomes) - len(failures), 'file')}, {size_text(size)}"
    if is_dry:
        done += "; a dry run: nothing was sent or written"
    code = transfer_exit_code(failures)
    if code is ExitCode.DONE:
        return Completed(message=done)
    return Failed(message=f"ended with exit code {int(code)}: {len(failures):,} failed, see the artifact; done: {done}")
