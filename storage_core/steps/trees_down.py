"""Makes a directory hold what a container of Synapse holds, and writes the manifest of it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.ids import EntityId
from storage_core.model.transfers import Downloaded, DownloadOrder, IfCollision
from storage_core.model.trees import FileDetails, ManifestRow, TransferFailure
from storage_core.plan.local_names import LocalNames, check_name, local_name
from storage_core.plan.manifests import MANIFEST_NAME, manifest_text
from storage_core.ports.catalog import Catalog
from storage_core.ports.transfers import Files, LocalFiles
from storage_core.steps.downloading import Downloader
from storage_core.steps.side_by_side import OF_ONE_FILE, Mover, or_failure, side_by_side

_DESCRIBED_AT_ONCE = 50
_WITH_PLACES = frozenset({EntityKind.FILE, EntityKind.FOLDER})


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDownloaded:
    """What became of every file of a tree.

    Attributes:
        manifest_path: where the manifest is.
    """

    outcomes: tuple[Downloaded | TransferFailure, ...]
    manifest_path: str


@dataclass(slots=True, kw_only=True)
class TreeDownloader:
    """Downloads containers. Lives on the network loop."""

    downloader: Downloader
    files: Files
    local: LocalFiles
    catalog: Catalog
    mover: Mover = side_by_side

    async def download_tree(self, container_id: EntityId, folder: str, if_collision: IfCollision) -> TreeDownloaded:
        """Mirror a project or folder into *folder*: below it one directory per folder, each file under its name.

        Empty folders become empty directories. Files of one folder that have the same name get a number, the same at
        every run. Nothing is deleted: what only this machine has stays. One call per 50 children, one per file to
        learn about it, a fraction of one for the address of its bytes. The manifest names every file that is here
        afterwards.

        Raises:
            RestError: the container itself cannot be listed.
            AccessError, ServiceUnavailable, UsageError: see `ports`.
        """
        finding = _Finding(self.files, self.catalog, self.local, if_collision, on_windows=self.downloader.on_windows)
        rows: list[ManifestRow] = []

        async def move(found: _Found) -> Downloaded | TransferFailure:
            work = self.downloader.download_version(found.order, found.details.snapshot)
            done = await or_failure(work, found.order.name or "", entity_id=found.order.entity_id)
            if isinstance(done, Downloaded):
                rows.append(ManifestRow(path=done.path, details=found.details))
            return done

        outcomes = await self.mover(finding.found(container_id, folder), move)
        rows.sort(key=lambda row: row.path)
        manifest_path = f"{folder}/{MANIFEST_NAME}"
        await self.local.write_text(manifest_path, manifest_text(rows))
        return TreeDownloaded(outcomes=(*outcomes, *finding.failures), manifest_path=manifest_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    order: DownloadOrder
    details: FileDetails


@dataclass(slots=True)
class _Finding:
    """Goes through a container and says what is to be downloaded, and as what."""

    files: Files
    catalog: Catalog
    local: LocalFiles
    if_collision: IfCollision
    on_windows: bool = field(kw_only=True)
    failures: list[TransferFailure] = field(default_factory=list)

    async def found(self, container_id: EntityId, folder: str) -> AsyncIterator[_Found]:
        waiting = [(container_id, folder)]
        is_root = True
        while waiting:
            container_id, folder = waiting.pop()
            try:
                children = await self._children(container_id)
                if not any(child.kind in _WITH_PLACES for child in children):
                    # nothing in it would make its directory
                    await self.local.make_directory(folder)
            except OF_ONE_FILE as error:
                if is_root:
                    raise
                self.failures.append(TransferFailure(what=folder, error=error, entity_id=container_id))
                continue
            finally:
                is_root = False
            names = LocalNames()
            below = self._folders(children, folder, names)
            async for found in self._files(children, folder, names):
                yield found
            waiting += reversed(below)

    def _folders(self, children: Sequence[EntityHeader], folder: str, names: LocalNames) -> list[tuple[EntityId, str]]:
        below = []
        for child in children:
            if child.kind is EntityKind.FOLDER:
                try:
                    name = names.give(check_name(child.name, on_windows=self.on_windows))
                except OF_ONE_FILE as error:
                    self.failures.append(TransferFailure(what=child.name, error=error, entity_id=child.id))
                else:
                    below.append((child.id, f"{folder}/{name}"))
        return below

    async def _files(self, children: Sequence[EntityHeader], folder: str, names: LocalNames) -> AsyncIterator[_Found]:
        wanted = [child for child in children if child.kind is EntityKind.FILE]
        for begin in range(0, len(wanted), _DESCRIBED_AT_ONCE):
            some = wanted[begin : begin + _DESCRIBED_AT_ONCE]
            for child, details in zip(some, await self._described(some), strict=True):
                if isinstance(details, TransferFailure):
                    self.failures.append(details)
                    continue
                handle = details.snapshot.handle
                name = names.give(local_name(handle.file_name if handle else None, child.name))
                order = DownloadOrder(entity_id=child.id, folder=folder, name=name, if_collision=self.if_collision)
                yield _Found(order=order, details=details)

    async def _described(self, some: Sequence[EntityHeader]) -> list[FileDetails | TransferFailure]:
        return await side_by_side(
            _each(some), lambda child: or_failure(self.files.details(child.id), child.name, entity_id=child.id)
        )

    async def _children(self, container_id: EntityId) -> list[EntityHeader]:
        found: dict[EntityId, EntityHeader] = {}
        token: str | None = None
        while True:
            page = await self.catalog.children(container_id, page_token=token)
            found |= {child.id: child for child in page.children}
            token = page.next_page_token
            if token is None:
                return list(found.values())


async def _each(some: Sequence[EntityHeader]) -> AsyncIterator[EntityHeader]:
    for one in some:
        yield one
