"""What the registry knows about each kind of storage, and what its adapter may work with."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from storage_core.config import Config
from storage_core.model.credentials import StsPermission, StsToken
from storage_core.model.destinations import LocationFacts
from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId
from storage_core.model.transfers import TransferWishes, UploadDestination
from storage_core.plan.upload_parts import UPLOAD_LIMITS, UploadPartLimits
from storage_core.ports.catalog import Catalog
from storage_core.ports.clock import Clock
from storage_core.ports.storage import Storage
from storage_core.ports.transfers import ByteStore
from storage_core.synapse.endpoints.multipart import Multipart
from storage_core.synapse.presigned import PresignedSender


class TokenSource(Protocol):
    """Lends temporary AWS credentials."""

    def __call__(self, entity_id: EntityId, permission: StsPermission, *, at_least: timedelta) -> StsToken:
        """A token with that much life left if it can; called on any thread but the network's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTools:
    """What adapters are built from; they borrow it and close none of it.

    Attributes:
        catalog: reads handles and hands out presigned addresses.
        storage: reads the caller's own locations whole.
        sender: the connections to presigned addresses.
        s3_slots: entered around each request that moves bytes, so that all transfers share one number of connections.
    """

    config: Config
    clock: Clock
    catalog: Catalog
    storage: Storage
    multipart: Multipart
    sender: PresignedSender
    s3_slots: AbstractAsyncContextManager[object]
    borrow_token: TokenSource
    part_limits: UploadPartLimits = UPLOAD_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreType:
    """One kind of storage.

    Attributes:
        name: for messages and reports.
        takes: whether it uploads to this destination, under these wishes.
        gives: whether it reads the bytes of this handle; of its location the facts where they are known.
        make: builds the adapter; imports its library only then.
    """

    name: str
    takes: Callable[[UploadDestination, TransferWishes], bool]
    gives: Callable[[FileHandle, LocationFacts | None, TransferWishes], bool]
    make: Callable[[StoreTools], ByteStore]
