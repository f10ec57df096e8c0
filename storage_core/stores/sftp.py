"""SFTP servers, as a kind of storage: uploads to SFTP locations, downloads of ``sftp://`` addresses."""

from urllib.parse import urlsplit

from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.transfers import TransferWishes, UploadDestination
from storage_core.ports.transfers import ByteStore
from storage_core.stores.store_type import StoreTools, StoreType


def _takes(destination: UploadDestination, _wishes: TransferWishes) -> bool:
    return destination.kind is LocationKind.EXTERNAL_SFTP


def _gives(handle: FileHandle, _facts: LocationFacts | None, _wishes: TransferWishes) -> bool:
    return handle.kind is HandleKind.EXTERNAL_URL and urlsplit(handle.url or "").scheme.lower() == "sftp"


def _make(tools: StoreTools) -> ByteStore:
    from storage_core.stores.sftp_store import SftpStore  # late: the library is slow to import

    return SftpStore(tools.config)


STORE_TYPE = StoreType(name="sftp", takes=_takes, gives=_gives, make=_make)
