"""Straight to a bucket with temporary AWS keys, where the location gives them and the caller wishes it (contract 5)."""

from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.transfers import TransferWishes, UploadDestination
from storage_core.ports.transfers import ByteStore
from storage_core.stores.store_type import StoreTools, StoreType


def _takes(destination: UploadDestination, wishes: TransferWishes) -> bool:
    # for Synapse's own storage keys are given for reading only
    return wishes.use_boto_sts and destination.sts_enabled and destination.kind is LocationKind.EXTERNAL_S3


def _gives(handle: FileHandle, facts: LocationFacts | None, wishes: TransferWishes) -> bool:
    return wishes.use_boto_sts and handle.kind is HandleKind.S3 and facts is not None and facts.sts_enabled


def _make(tools: StoreTools) -> ByteStore:
    from storage_core.stores.sts_store import StsStore  # late: the library is slow to import

    return StsStore(tools)


STORE_TYPE = StoreType(name="sts", takes=_takes, gives=_gives, make=_make)
