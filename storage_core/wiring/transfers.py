"""Joins what transfers of files need, on an open connection."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from storage_core.config import Config
from storage_core.local_files.disk import Disk
from storage_core.local_files.tickets import TicketFolder
from storage_core.model.transfers import TransferWishes
from storage_core.plan.upload_parts import UPLOAD_LIMITS, UploadPartLimits
from storage_core.ports.transfers import TransferWatch
from storage_core.steps.downloading import Downloader
from storage_core.steps.dry_run import DryContainers, DryFiles, DryStores
from storage_core.steps.fetching import Fetching
from storage_core.steps.manifest_checking import ManifestChecking
from storage_core.steps.manifests_up import ManifestUploader
from storage_core.steps.referring import Referring
from storage_core.steps.registering import Registering
from storage_core.steps.storing import Storing
from storage_core.steps.trees_down import TreeDownloader
from storage_core.steps.trees_up import TreeUploader
from storage_core.steps.uploading import Uploader
from storage_core.stores.registry import Stores
from storage_core.stores.store_type import StoreTools
from storage_core.synapse.files import SynapseFiles
from storage_core.wiring.storage import StorageDesk


class QuietTransfers:
    """A `ports.transfers.TransferWatch` that tells nobody."""

    def began(self, path: str, size_bytes: int) -> None:
        """Nothing."""

    def moved(self, path: str, count: int) -> None:
        """Nothing."""

    def ended(self, path: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferDesk:
    """Everything that moves files, on one connection. Lives on the network loop."""

    desk: StorageDesk
    uploader: Uploader
    downloader: Downloader
    trees_up: TreeUploader
    manifests_up: ManifestUploader
    trees_down: TreeDownloader
    registering: Registering


def wishes_of(config: Config) -> TransferWishes:
    """How bytes travel, as far as the configuration says."""
    return TransferWishes(use_boto_sts=config.use_boto_sts, use_google_credentials=config.use_google_credentials)


@asynccontextmanager
async def transfer_desk(
    config: Config,
    desk: StorageDesk,
    *,
    watch: TransferWatch | None = None,
    wishes: TransferWishes | None = None,
    part_limits: UploadPartLimits = UPLOAD_LIMITS,
    is_dry: bool = False,
) -> AsyncIterator[TransferDesk]:
    """Open the stores as they are needed, close them in the end. To be entered on the network loop.

    Args:
        wishes: how bytes travel where there is a choice; the default is what the configuration says.
        part_limits: other than usual only to see many parts without many bytes.
        is_dry: uploads and registrations do everything but send and write; what they return did not happen.
    """
    remote = desk.remote
    opened = Stores(
        StoreTools(
            config=config,
            clock=remote.clock,
            catalog=remote.catalog,
            storage=desk.storage,
            multipart=remote.multipart,
            sender=remote.sender,
            s3_slots=remote.s3_slots,
            borrow_token=desk.token,
            part_limits=part_limits,
        )
    )
    reading, local = SynapseFiles(remote.transport, remote.catalog), Disk()
    files = DryFiles(reading) if is_dry else reading
    stores = DryStores(opened) if is_dry else opened
    containers = DryContainers(desk.storage) if is_dry else desk.storage
    watch = watch or QuietTransfers()
    wishes = wishes or wishes_of(config)
    storing = Storing(
        registrar=files,
        tickets=TicketFolder(config.state_folder / "uploads", synapse=config.repo_endpoint),
        clock=remote.clock,
        watch=watch,
    )
    uploader = Uploader(files=files, stores=stores, local=local, storing=storing, wishes=wishes)
    downloader = Downloader(
        files=files,
        catalog=remote.catalog,
        stores=stores,
        local=local,
        fetching=Fetching(local=local, clock=remote.clock),
        watch=watch,
        on_windows=sys.platform == "win32",
        wishes=wishes,
    )
    registering = Registering(files=files, registrar=files, local=local, catalog=remote.catalog)
    try:
        yield TransferDesk(
            desk=desk,
            uploader=uploader,
            downloader=downloader,
            trees_up=TreeUploader(uploader=uploader, local=local, catalog=remote.catalog, containers=containers),
            manifests_up=ManifestUploader(
                checking=ManifestChecking(uploader=uploader, files=files, local=local),
                uploader=uploader,
                referring=Referring(files=files, registering=registering),
            ),
            registering=registering,
            trees_down=TreeDownloader(downloader=downloader, files=files, local=local, catalog=remote.catalog),
        )
    finally:
        await opened.aclose()
