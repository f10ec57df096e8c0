"""Choosing the adapter for a place."""

import re

import pytest

from storage_core.errors import UsageError
from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.handles import FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.transfers import TransferWishes, UploadDestination
from storage_core.ports.transfers import ByteStore
from storage_core.stores.registry import STORE_TYPES, Stores
from storage_core.stores.store_type import StoreTools, StoreType
from storage_core.testing.fake_store import MemoryStore

NO_WISHES = TransferWishes()
MADE: list[str] = []


def store_type(name: str, *, takes: LocationKind, gives: HandleKind) -> StoreType:
    def make(_tools: StoreTools) -> ByteStore:
        MADE.append(name)
        return MemoryStore()

    def does_give(handle: FileHandle, _facts: LocationFacts | None, _wishes: TransferWishes) -> bool:
        return handle.kind is gives

    return StoreType(name=name, takes=lambda to, _wishes: to.kind is takes, gives=does_give, make=make)


def destination(kind: LocationKind) -> UploadDestination:
    return UploadDestination(
        entity_id=EntityId("syn1"), location_id=StorageLocationId(5), kind=kind, upload_type=UploadType.NONE
    )


def handle(kind: HandleKind) -> FileHandle:
    return FileHandle(id=FileHandleId("1"), kind=kind, concrete_type="x.y", storage_location_id=StorageLocationId(5))


@pytest.fixture
def stores() -> Stores:
    MADE.clear()
    types = (
        store_type("first", takes=LocationKind.PROXY, gives=HandleKind.S3),
        store_type("second", takes=LocationKind.PROXY, gives=HandleKind.PROXY),
    )
    return Stores(None, types)  # type: ignore[arg-type]


def test_the_first_type_that_says_yes_is_opened_once(stores: Stores) -> None:
    chosen = stores.for_upload(destination(LocationKind.PROXY), NO_WISHES)

    assert chosen is stores.for_download(handle(HandleKind.S3), None, NO_WISHES)
    assert ["first"] == MADE


@pytest.mark.anyio
async def test_what_was_opened_is_closed(stores: Stores) -> None:
    chosen = stores.for_download(handle(HandleKind.PROXY), None, NO_WISHES)

    await stores.aclose()

    assert isinstance(chosen, MemoryStore)
    assert chosen.is_closed


def test_a_place_without_an_adapter_is_explained(stores: Stores) -> None:
    with pytest.raises(UsageError, match=re.escape("location 5, of type EXTERNAL_HTTPS")):
        stores.for_upload(destination(LocationKind.EXTERNAL_HTTPS), NO_WISHES)
    with pytest.raises(UsageError, match="cannot be downloaded"):
        stores.for_download(handle(HandleKind.UNKNOWN), None, NO_WISHES)


def test_names_are_used_once() -> None:
    names = [kind.name for kind in STORE_TYPES]

    assert len(set(names)) == len(names)
