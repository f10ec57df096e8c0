"""S3-compatible stores that Synapse never touches, as a kind of storage: reached with the user's own keys."""

from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.transfers import TransferWishes, UploadDestination
from storage_core.ports.transfers import ByteStore
from storage_core.stores.store_type import StoreTools, StoreType


def _takes(destination: UploadDestination, _wishes: TransferWishes) -> bool:
    return destination.kind is LocationKind.EXTERNAL_OBJECT_STORE


def _gives(handle: FileHandle, _facts: LocationFacts | None, _wishes: TransferWishes) -> bool:
    return handle.kind is HandleKind.OBJECT_STORE


def _make(tools: StoreTools) -> ByteStore:
    from storage_core.stores.own_keys_store import OwnKeysStore  # late: the library is slow to import

    return OwnKeysStore(tools.config)


STORE_TYPE = StoreType(name="object-store", takes=_takes, gives=_gives, make=_make)
