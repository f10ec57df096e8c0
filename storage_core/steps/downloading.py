"""Puts a file of Synapse on this machine: whole, with the right MD5, under its name, or not at all."""

from dataclasses import dataclass, field

from storage_core.errors import Forbidden, TransferFailed, UsageError
from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import FileSnapshot
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import (
    Downloaded,
    DownloadOrder,
    DownloadResult,
    IfCollision,
    Readable,
    TransferWishes,
)
from storage_core.plan.local_names import check_name, local_name, other_names
from storage_core.ports.catalog import Catalog
from storage_core.ports.transfers import Files, LocalFiles, StoreChoice, TransferWatch
from storage_core.steps.fetching import Fetched, Fetching
from storage_core.steps.placing import read_file


@dataclass(slots=True, kw_only=True)
class Downloader:
    """Downloads files; one for all files of a run. Lives on the network loop."""

    files: Files
    catalog: Catalog
    stores: StoreChoice
    local: LocalFiles
    fetching: Fetching
    watch: TransferWatch
    on_windows: bool
    wishes: TransferWishes = field(default_factory=TransferWishes)
    _facts: dict[StorageLocationId, LocationFacts] = field(default_factory=dict)

    async def download(self, order: DownloadOrder) -> Downloaded:
        """Make the folder hold the file as Synapse has it. Two calls, one when it is here already.

        Raises:
            UsageError: no file, a name that cannot be one here, a folder that cannot be written to.
            VerificationMismatch: the bytes are not those that Synapse recorded; nothing was kept.
            Forbidden: it may not be downloaded.
            TransferFailed: the bytes could not be had, or there is no room; running again goes on.
        """
        return await self.download_version(order, await read_file(order.entity_id, self.files, version=order.version))

    async def download_version(self, order: DownloadOrder, snapshot: FileSnapshot) -> Downloaded:
        """The same for a version that was read already."""
        handle = _handle_of(snapshot)
        name = check_name(order.name or local_name(handle.file_name, snapshot.name), on_windows=self.on_windows)
        path = _joined(order.folder, name)
        entry = await self.local.entry(path)
        if entry.exists:
            md5 = await self._md5_if_equal(path, entry.size_bytes, handle)
            if md5 is not None:
                return _told(path, snapshot, handle, md5, DownloadResult.UNCHANGED)
            if order.if_collision is IfCollision.KEEP_LOCAL:
                return _told(path, snapshot, handle, None, DownloadResult.KEPT_LOCAL)
            _require_replaceable(path, entry.size_bytes, order)
        fetched = await self._fetched(order, snapshot, handle, path)
        try:
            final = await self._named(fetched, order, name)
        finally:
            await fetched.receiving.close()
        return _told(final, snapshot, handle, fetched.md5, DownloadResult.DOWNLOADED)

    async def _md5_if_equal(self, path: str, size_bytes: int | None, handle: FileHandle) -> str | None:
        if handle.md5 is None or size_bytes is None or handle.size_bytes not in {None, size_bytes}:
            return None
        md5 = (await self.local.measure(path)).md5
        return md5 if md5 == handle.md5 else None

    async def _fetched(self, order: DownloadOrder, snapshot: FileSnapshot, handle: FileHandle, path: str) -> Fetched:
        association = Association(handle_id=handle.id, object_id=snapshot.entity_id, kind=AssociationKind.FILE)
        readable = Readable(handle=handle, association=association)
        store = self.stores.for_download(handle, await self._location(snapshot.entity_id, handle), self.wishes)
        size_bytes = handle.size_bytes
        if size_bytes is None:
            size_bytes = (await store.stat(readable)).size_bytes
        self.watch.began(path, size_bytes)
        try:
            return await self.fetching.fetch(
                readable, store, order.folder, size_bytes, lambda count: self.watch.moved(path, count)
            )
        finally:
            self.watch.ended(path)

    async def _named(self, fetched: Fetched, order: DownloadOrder, name: str) -> str:
        path = _joined(order.folder, name)
        if await fetched.receiving.publish(path, replace=order.if_collision is IfCollision.OVERWRITE_LOCAL):
            return path
        for other in other_names(name):
            beside = _joined(order.folder, other)
            if await fetched.receiving.publish(beside, replace=False):
                return beside
        raise TransferFailed(f"{path} and all names beside it are taken.", fix="Choose another folder.")

    async def _location(self, entity_id: EntityId, handle: FileHandle) -> LocationFacts | None:
        """What is known of the handle's location, where that may change how it is read. One call per location."""
        if not self.wishes.use_boto_sts or handle.kind is not HandleKind.S3:
            return None
        if handle.storage_location_id not in self._facts:
            facts = await self.catalog.location_seen_from(entity_id, handle.storage_location_id)
            self._facts[handle.storage_location_id] = facts
        return self._facts[handle.storage_location_id]


def _handle_of(snapshot: FileSnapshot) -> FileHandle:
    if snapshot.handle is not None:
        return snapshot.handle
    raise Forbidden(
        call=f"POST /entity/{snapshot.entity_id}/bundle2",
        status=403,
        reason=f"you may not download {snapshot.name}",
        fix="Ask for the permission to download, and see whether conditions for use have to be accepted.",
    )


def _require_replaceable(path: str, size_bytes: int | None, order: DownloadOrder) -> None:
    if size_bytes is None and order.if_collision is IfCollision.OVERWRITE_LOCAL:
        raise UsageError(f"{path} is no file that could be overwritten.", fix="Choose another folder or name.")


def _joined(folder: str, name: str) -> str:
    return f"{folder.rstrip('/') or '/'}/{name}" if folder != "/" else f"/{name}"


def _told(path: str, snapshot: FileSnapshot, handle: FileHandle, md5: str | None, result: DownloadResult) -> Downloaded:
    return Downloaded(
        path=path,
        entity_id=snapshot.entity_id,
        name=snapshot.name,
        version=snapshot.version,
        handle_id=handle.id,
        size_bytes=handle.size_bytes or 0,
        md5=md5,
        is_verified=md5 is not None and md5 == handle.md5,
        result=result,
    )
