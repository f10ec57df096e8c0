"""Google Cloud with credentials of the user's own, as a kind of storage; only when that is wished for.

Otherwise Synapse signs the addresses, for uploads and downloads alike, and nobody needs a Google account.
"""

from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.transfers import TransferWishes, UploadDestination
from storage_core.ports.transfers import ByteStore
from storage_core.stores.store_type import StoreTools, StoreType


def _takes(destination: UploadDestination, wishes: TransferWishes) -> bool:
    return wishes.use_google_credentials and destination.kind is LocationKind.EXTERNAL_GOOGLE_CLOUD


def _gives(handle: FileHandle, _facts: LocationFacts | None, wishes: TransferWishes) -> bool:
    return wishes.use_google_credentials and handle.kind is HandleKind.GOOGLE_CLOUD


def _make(tools: StoreTools) -> ByteStore:
    from storage_core.stores.google_cloud_store import GoogleCloudStore  # late: the library is slow to import

    return GoogleCloudStore(tools.config)


STORE_TYPE = StoreType(name="google-cloud", takes=_takes, gives=_gives, make=_make)
