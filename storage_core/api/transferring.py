"""Many files at once, and manifests, as Python sees them. Each has a twin to be awaited."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from storage_core.api.connection import connection_of
from storage_core.api.files_and_tables import File
from storage_core.api.transferable import transferred
from storage_core.model.ids import parse_entity_id
from storage_core.model.transfers import Downloaded, DownloadOrder, Uploaded, UploadOrder
from storage_core.model.trees import TransferFailure
from storage_core.steps.side_by_side import or_failure, side_by_side
from storage_core.wiring.transfers import TransferDesk

T = TypeVar("T")
_Work = Callable[[TransferDesk], Awaitable[T]]


def upload_files(files: Sequence[File], *, synapse_client: object | None = None) -> list[File | TransferFailure]:
    """Store them side by side, as `File.store` stores one; each comes back filled, or as what went wrong with it.

    Raises:
        UsageError: one of them does not say what goes where; nothing was uploaded.
        AccessError, ServiceUnavailable: what would meet all of them.
    """
    connection = connection_of(synapse_client)
    return _filled(files, connection.run(transferred(connection, _uploading(files))))


async def upload_files_async(
    files: Sequence[File], *, synapse_client: object | None = None
) -> list[File | TransferFailure]:
    """The same as `upload_files`, awaited."""
    connection = connection_of(synapse_client)
    return _filled(files, await connection.hand_over(transferred(connection, _uploading(files))))


def download_files(files: Sequence[File], *, synapse_client: object | None = None) -> list[File | TransferFailure]:
    """Get them side by side, as `File.get` gets one; each comes back filled, or as what went wrong with it.

    Raises:
        UsageError: one of them has no id; nothing was downloaded.
        AccessError, ServiceUnavailable: what would meet all of them.
    """
    connection = connection_of(synapse_client)
    return _filled(files, connection.run(transferred(connection, _downloading(files))))


async def download_files_async(
    files: Sequence[File], *, synapse_client: object | None = None
) -> list[File | TransferFailure]:
    """The same as `download_files`, awaited."""
    connection = connection_of(synapse_client)
    return _filled(files, await connection.hand_over(transferred(connection, _downloading(files))))


def upload_manifest(
    path: str | Path, *, parent_id: str | None = None, dry_run: bool = False, synapse_client: object | None = None
) -> list[Uploaded | TransferFailure]:
    """Make Synapse hold what the manifest lists; what became of each file.

    Args:
        path: in either of the existing client's formats, with tabs or with commas.
        parent_id: the project or folder for lines that name none.
        dry_run: check and compare everything, write nothing.

    Raises:
        ManifestUnusable: lines that cannot be done, every one with its number; nothing was uploaded.
        UsageError: it is no manifest.
        AccessError, ServiceUnavailable: what would meet all files.
    """
    connection = connection_of(synapse_client)
    return connection.run(transferred(connection, _listed(path, parent_id), is_dry=dry_run))


async def upload_manifest_async(
    path: str | Path, *, parent_id: str | None = None, dry_run: bool = False, synapse_client: object | None = None
) -> list[Uploaded | TransferFailure]:
    """The same as `upload_manifest`, awaited."""
    connection = connection_of(synapse_client)
    return await connection.hand_over(transferred(connection, _listed(path, parent_id), is_dry=dry_run))


def _uploading(files: Sequence[File]) -> _Work[list[Uploaded | TransferFailure]]:
    orders = [file.upload_order() for file in files]
    return lambda desk: desk.trees_up.upload_many(_each(orders))


def _downloading(files: Sequence[File]) -> _Work[list[Downloaded | TransferFailure]]:
    orders = [file.download_order() for file in files]

    async def work(desk: TransferDesk) -> list[Downloaded | TransferFailure]:
        async def move(order: DownloadOrder) -> Downloaded | TransferFailure:
            return await or_failure(desk.downloader.download(order), order.entity_id, entity_id=order.entity_id)

        return await side_by_side(_each(orders), move)

    return work


def _listed(path: str | Path, parent_id: str | None) -> _Work[list[Uploaded | TransferFailure]]:
    order = UploadOrder(path="", parent_id=None if parent_id is None else parse_entity_id(parent_id))
    return lambda desk: desk.manifests_up.upload_manifest(str(path), order)


def _filled(
    files: Sequence[File], outcomes: Sequence[Uploaded | Downloaded | TransferFailure]
) -> list[File | TransferFailure]:
    return [
        outcome if isinstance(outcome, TransferFailure) else file.filled_from(outcome)
        for file, outcome in zip(files, outcomes, strict=True)
    ]


async def _each(orders: Sequence[T]) -> AsyncIterator[T]:
    for order in orders:
        yield order
