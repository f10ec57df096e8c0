"""Every kind of storage there is, in the order in which they are asked. Adding one: its file, and a line here."""

from storage_core.errors import UsageError
from storage_core.model.destinations import LocationFacts
from storage_core.model.handles import FileHandle
from storage_core.model.transfers import TransferWishes, UploadDestination
from storage_core.ports.transfers import ByteStore, StreamStore
from storage_core.stores import google_cloud, object_store, proxy, sftp, sts, synapse_multipart, web
from storage_core.stores.store_type import StoreTools, StoreType

STORE_TYPES: tuple[StoreType, ...] = (
    # only when wished for, so before the one that always can
    google_cloud.STORE_TYPE,
    sts.STORE_TYPE,
    synapse_multipart.STORE_TYPE,
    object_store.STORE_TYPE,
    sftp.STORE_TYPE,
    web.STORE_TYPE,
    proxy.STORE_TYPE,
)


class Stores:
    """Implements `ports.transfers.StoreChoice`: the first type that says yes, opened at its first use."""

    def __init__(self, tools: StoreTools, types: tuple[StoreType, ...] = STORE_TYPES) -> None:
        self._tools = tools
        self._types = types
        self._open: dict[str, ByteStore] = {}

    def for_upload(self, destination: UploadDestination, wishes: TransferWishes) -> ByteStore:
        """The store that uploads there.

        Raises:
            UsageError: uploads to this kind of location do not exist.
        """
        for kind in self._types:
            if kind.takes(destination, wishes):
                return self._opened(kind)
        raise UsageError(
            f"Nothing can be uploaded to storage location {destination.location_id}, of type {destination.kind}.",
            fix="Put the file there by the means of that place, then give it a file handle with"
            " `synapse-storage register`; or choose another location with `synapse-storage setting set`.",
        )

    def for_download(self, handle: FileHandle, facts: LocationFacts | None, wishes: TransferWishes) -> ByteStore:
        """The store that reads what this handle stands for.

        Raises:
            UsageError: handles of this class cannot be read by us.
        """
        for kind in self._types:
            if kind.gives(handle, facts, wishes):
                return self._opened(kind)
        what = handle.url or handle.concrete_type.rpartition(".")[2] or handle.kind
        raise UsageError(
            f"File handle {handle.id} ({what}) is of a kind that cannot be downloaded.",
            fix="Fetch it from where it lies by other means.",
        )

    def for_stream(self, destination: UploadDestination) -> StreamStore:
        """The store that takes bytes there which are in no file of this machine.

        Raises:
            UsageError: no kind of storage does that for such a location.
        """
        store = self.for_upload(destination, TransferWishes())
        if not isinstance(store, StreamStore):
            raise UsageError(
                f"Bytes cannot be streamed to storage location {destination.location_id}, of type {destination.kind}.",
                fix="Choose a destination of another type.",
            )
        return store

    async def aclose(self) -> None:
        """Close what was opened."""
        while self._open:
            _, store = self._open.popitem()
            await store.aclose()

    def _opened(self, kind: StoreType) -> ByteStore:
        if kind.name not in self._open:
            self._open[kind.name] = kind.make(self._tools)
        return self._open[kind.name]
