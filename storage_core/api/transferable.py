"""Files and whole containers, up and down, as Python sees them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from storage_core.api.connection import Connection, connection_of
from storage_core.api.migrating import entity_id_of
from storage_core.errors import UsageError
from storage_core.model.ids import EntityId, parse_entity_id, parse_storage_location_id
from storage_core.model.transfers import Downloaded, DownloadOrder, IfCollision, Uploaded, UploadOrder
from storage_core.model.trees import TransferFailure, WantedMetadata, WantedProvenance
from storage_core.plan.annotating import AnnotationValue, annotation_from, check_name
from storage_core.plan.provenance import parse_references
from storage_core.steps.trees_down import TreeDownloaded
from storage_core.wiring.transfers import TransferDesk, transfer_desk

T = TypeVar("T")


@dataclass
class TransferableFile:
    """A file entity and its local file.

    Attributes:
        id: of the entity; without one, `store` finds or makes it by name in `parent_id`.
        path: the local file to store; the folder to put it in, and afterwards the file itself, when it is got.
        name: of the entity; the local file's when None.
        version_number: which version to get; the newest when None. Afterwards the one that was got or made.
        storage_location_id: where to store it, if not at the container's default location.
        if_collision: keep.both, overwrite.local or keep.local, for another local file of the name.
        force_version: makes a version also where Synapse has this very content already.
        annotations: by name, a value or a list of values of one kind; `store` writes them, others stay.
        used, executed: what it was made from, and by: ``syn1``, ``syn1.2`` or an address; `store` writes them.
        activity_name, activity_description: of the step that made it.
        data_file_handle_id, content_md5, content_size: of the version; read-only.
    """

    id: str | None = None
    path: str | Path | None = None
    parent_id: str | None = None
    name: str | None = None
    description: str | None = None
    version_comment: str | None = None
    version_number: int | None = None
    content_type: str | None = None
    storage_location_id: int | str | None = None
    if_collision: str = IfCollision.KEEP_BOTH
    force_version: bool = False
    annotations: Mapping[str, AnnotationValue | Sequence[AnnotationValue]] | None = None
    used: Sequence[str] = ()
    executed: Sequence[str] = ()
    activity_name: str | None = None
    activity_description: str | None = None
    data_file_handle_id: str | None = None
    content_md5: str | None = None
    content_size: int | None = None

    def store(self, *, synapse_client: object | None = None) -> Self:
        """Store the local file: a new entity, a new version, or nothing when Synapse has this content there.

        Raises:
            UsageError: no such file, or a name or place that cannot be.
            TransferFailed: the bytes could not be stored.
            RestError, AccessError, ServiceUnavailable: what Synapse says.
        """
        order, connection = self.upload_order(), connection_of(synapse_client)
        return self.filled_from(connection.run(transferred(connection, lambda desk: desk.uploader.upload(order))))

    async def store_async(self, *, synapse_client: object | None = None) -> Self:
        """The same as `store`, awaited."""
        order, connection = self.upload_order(), connection_of(synapse_client)
        work = transferred(connection, lambda desk: desk.uploader.upload(order))
        return self.filled_from(await connection.hand_over(work))

    def get(self, *, synapse_client: object | None = None) -> Self:
        """Put the file into the folder `path`, checked against its MD5; afterwards `path` is the file.

        Raises:
            VerificationMismatch: the bytes are not those that Synapse recorded; nothing was kept.
            UsageError, TransferFailed, RestError, AccessError, ServiceUnavailable: see `store`.
        """
        order, connection = self.download_order(), connection_of(synapse_client)
        return self.filled_from(connection.run(transferred(connection, lambda desk: desk.downloader.download(order))))

    async def get_async(self, *, synapse_client: object | None = None) -> Self:
        """The same as `get`, awaited."""
        order, connection = self.download_order(), connection_of(synapse_client)
        work = transferred(connection, lambda desk: desk.downloader.download(order))
        return self.filled_from(await connection.hand_over(work))

    def upload_order(self) -> UploadOrder:
        """What `store` does.

        Raises:
            UsageError: there is no local file, or an id, annotation or reference is none.
        """
        if self.path is None:
            raise UsageError("There is no local file to store.", fix="Set path.")
        location = self.storage_location_id
        return UploadOrder(
            path=str(self.path),
            parent_id=None if self.parent_id is None else parse_entity_id(self.parent_id),
            entity_id=None if self.id is None else entity_id_of(self),
            name=self.name,
            content_type=self.content_type,
            description=self.description,
            version_comment=self.version_comment,
            location_id=None if location is None else parse_storage_location_id(location),
            even_if_equal=self.force_version,
            metadata=self._metadata(),
        )

    def _metadata(self) -> WantedMetadata:
        provenance = WantedProvenance(
            name=self.activity_name or "",
            description=self.activity_description or "",
            used=parse_references(";".join(self.used)),
            executed=parse_references(";".join(self.executed)),
        )
        wanted = (annotation_from(check_name(name), value) for name, value in (self.annotations or {}).items())
        return WantedMetadata(
            annotations=tuple(wanted), provenance=None if provenance == WantedProvenance() else provenance
        )

    def download_order(self) -> DownloadOrder:
        """What `get` does.

        Raises:
            UsageError: there is no id, or no such way to treat a collision.
        """
        return DownloadOrder(
            entity_id=entity_id_of(self),
            folder=str(Path(self.path or ".").absolute()),
            version=self.version_number,
            if_collision=_policy(self.if_collision),
        )

    def filled_from(self, done: Uploaded | Downloaded) -> Self:
        """Take over what became of it."""
        self.name, self.version_number = done.name, done.version
        self.data_file_handle_id, self.content_md5, self.content_size = done.handle_id, done.md5, done.size_bytes
        if isinstance(done, Downloaded):
            self.path = done.path
        else:
            self.id = done.entity_id
        return self


class TransferableContainer:
    """Whole trees of a project or folder. Needs an attribute `id`."""

    id: str | None

    def sync_to_synapse(
        self, path: str | Path, *, synapse_client: object | None = None
    ) -> list[Uploaded | TransferFailure]:
        """Make this container hold what the directory *path* holds; nothing is deleted. What became of each file.

        Raises:
            UsageError: no such directory.
            RestError, AccessError, ServiceUnavailable: what Synapse says about the container itself.
        """
        order, connection = UploadOrder(path="", parent_id=entity_id_of(self)), connection_of(synapse_client)
        return connection.run(transferred(connection, lambda desk: desk.trees_up.upload_tree(str(path), order)))

    async def sync_to_synapse_async(
        self, path: str | Path, *, synapse_client: object | None = None
    ) -> list[Uploaded | TransferFailure]:
        """The same as `sync_to_synapse`, awaited."""
        order, connection = UploadOrder(path="", parent_id=entity_id_of(self)), connection_of(synapse_client)
        work = transferred(connection, lambda desk: desk.trees_up.upload_tree(str(path), order))
        return await connection.hand_over(work)

    def sync_from_synapse(
        self,
        path: str | Path,
        *,
        if_collision: str = IfCollision.OVERWRITE_LOCAL,
        synapse_client: object | None = None,
    ) -> TreeDownloaded:
        """Make the directory *path* hold what this container holds, with a manifest; nothing is deleted.

        Raises:
            UsageError, TransferFailed: the directory cannot be written to.
            RestError, AccessError, ServiceUnavailable: what Synapse says about the container itself.
        """
        connection = connection_of(synapse_client)
        return connection.run(transferred(connection, _tree(entity_id_of(self), path, _policy(if_collision))))

    async def sync_from_synapse_async(
        self,
        path: str | Path,
        *,
        if_collision: str = IfCollision.OVERWRITE_LOCAL,
        synapse_client: object | None = None,
    ) -> TreeDownloaded:
        """The same as `sync_from_synapse`, awaited."""
        connection = connection_of(synapse_client)
        work = transferred(connection, _tree(entity_id_of(self), path, _policy(if_collision)))
        return await connection.hand_over(work)


async def transferred(
    connection: Connection, work: Callable[[TransferDesk], Awaitable[T]], *, is_dry: bool = False
) -> T:
    """Do *work* with everything that moves files; to be run on the connection's network loop."""
    async with transfer_desk(connection.config, connection.desk, is_dry=is_dry) as desk:
        return await work(desk)


def _tree(
    entity_id: EntityId, path: str | Path, policy: IfCollision
) -> Callable[[TransferDesk], Awaitable[TreeDownloaded]]:
    return lambda desk: desk.trees_down.download_tree(entity_id, str(Path(path).absolute()), policy)


def _policy(word: str) -> IfCollision:
    if word in set(IfCollision):
        return IfCollision(word)
    raise UsageError(f"{word!r} is no way to treat a collision.", fix=f"Use one of {', '.join(IfCollision)}.")
