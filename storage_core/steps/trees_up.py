"""Makes a container of Synapse hold what a directory holds: folders made, files uploaded where they differ."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from storage_core.errors import BadRequest, UsageError
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.ids import EntityId
from storage_core.model.transfers import Uploaded, UploadOrder
from storage_core.model.trees import Directory, TransferFailure
from storage_core.plan.uploading import blame_name, check_folder_name
from storage_core.ports.catalog import Catalog
from storage_core.ports.storage import Containers
from storage_core.ports.transfers import LocalFiles
from storage_core.steps.side_by_side import OF_ONE_FILE, Mover, or_failure, side_by_side
from storage_core.steps.uploading import Uploader


@dataclass(slots=True, kw_only=True)
class TreeUploader:
    """Uploads directories and lists of files. Lives on the network loop."""

    uploader: Uploader
    local: LocalFiles
    catalog: Catalog
    containers: Containers
    mover: Mover = side_by_side

    async def upload_tree(self, path: str, order: UploadOrder) -> list[Uploaded | TransferFailure]:
        """Mirror the contents of the directory *path* into the container that *order* names.

        *order* says for all files what it says for one; its path and name count for nothing. Nothing is deleted:
        what only Synapse has stays. Per container one call for 50 children, none for a new one; per file see
        `Uploader.upload`. Links to files are followed, links to directories are not.

        Raises:
            UsageError: no such directory.
            AccessError, ServiceUnavailable: see `ports`.
        """
        if order.parent_id is None:
            raise UsageError("It is not said where the directory goes.", fix="Give a project or a folder.")
        finding = _Finding(self.local, self.catalog, self.containers, order)
        outcomes = await self.upload_many(finding.orders(path, order.parent_id))
        return [*outcomes, *finding.failures]

    async def upload_many(self, orders: AsyncIterator[UploadOrder]) -> list[Uploaded | TransferFailure]:
        """Upload all of them side by side; what became of each, in their order."""
        return await self.mover(
            orders, lambda order: or_failure(self.uploader.upload(order), order.path, entity_id=order.entity_id)
        )


@dataclass(slots=True)
class _Finding:
    """Goes through a directory, makes folders on the way, and says what is to be uploaded."""

    local: LocalFiles
    catalog: Catalog
    containers: Containers
    order: UploadOrder
    failures: list[TransferFailure] = field(default_factory=list)

    async def orders(self, path: str, container_id: EntityId) -> AsyncIterator[UploadOrder]:
        waiting = [(path, container_id, False)]
        while waiting:
            path, container_id, is_new = waiting.pop()
            try:
                directory = await self.local.directory(path)
                there = {} if is_new else await self._children(container_id)
            except OF_ONE_FILE as error:
                if container_id == self.order.parent_id:
                    raise
                self.failures.append(TransferFailure(what=path, error=error))
                continue
            self._note_skipped(directory)
            for name in directory.files:
                yield self._order(f"{path}/{name}", name, container_id, there.get(name))
            for name in reversed(directory.directories):
                below = await or_failure(self._folder(name, container_id, there.get(name)), f"{path}/{name}")
                if isinstance(below, TransferFailure):
                    self.failures.append(below)
                else:
                    waiting.append((f"{path}/{name}", below.id, name not in there))

    def _order(self, path: str, name: str, container_id: EntityId, present: EntityHeader | None) -> UploadOrder:
        return replace(
            self.order,
            path=path,
            name=name,
            parent_id=container_id,
            entity_id=None if present is None else present.id,
            is_name_free=present is None,
        )

    async def _folder(self, name: str, container_id: EntityId, present: EntityHeader | None) -> EntityHeader:
        if present is not None and present.kind is EntityKind.FOLDER:
            return present
        if present is not None:
            raise UsageError(f"{name!r} in {container_id} is a {present.kind}, no folder.", fix="Choose another name.")
        check_folder_name(name)
        try:
            return await self.containers.folder_named(name, container_id)
        except BadRequest as error:
            blame_name(name, error)
            raise

    async def _children(self, container_id: EntityId) -> dict[str, EntityHeader]:
        found: dict[str, EntityHeader] = {}
        token: str | None = None
        while True:
            page = await self.catalog.children(container_id, page_token=token)
            found |= {child.name: child for child in page.children}
            token = page.next_page_token
            if token is None:
                return found

    def _note_skipped(self, directory: Directory) -> None:
        for name in directory.skipped:
            path = f"{directory.path}/{name}"
            error = UsageError(f"{path} is no file and no directory.", fix="Leave it out, or put a file there.")
            self.failures.append(TransferFailure(what=path, error=error))
