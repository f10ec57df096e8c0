"""The engine `relay` alone: what it makes of a source and a target that fail in every way."""

import hashlib
from dataclasses import replace

import pytest

from storage_core.engines.relay_copy import RelayCopyEngine, RelayPlaces
from storage_core.errors import AccessError, BadRequest, ServerFault, SynapseStorageError, TransferFailed
from storage_core.model.copies import Copied, CopyFailed, CopyRequest
from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.model.transfers import AddressedFile, ContentFacts, Registrable, TransferWishes, Upload
from storage_core.ports.transfers import Content, Moved, untold
from storage_core.testing.fake_catalog import FakeCatalog
from storage_core.testing.fake_clock import FakeClock
from storage_core.testing.fake_store import MemoryStore

pytestmark = pytest.mark.anyio
CONTENT = bytes(range(256)) * 10_000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
SOURCE = FileHandle(
    id=FileHandleId("5"),
    kind=HandleKind.EXTERNAL_URL,
    concrete_type="ExternalFileHandle",
    storage_location_id=StorageLocationId(7),
    size_bytes=len(CONTENT),
    md5=MD5,
    file_name="a/b: größe.bin",
    url="memory://source",
)
REQUEST = CopyRequest(
    copy_id=1,
    source=SOURCE,
    association=Association(handle_id=SOURCE.id, object_id=EntityId("syn5"), kind=AssociationKind.FILE),
    destination=StorageLocationId(8),
    begun_before=False,
)


class Refusing(MemoryStore):
    """A target that says no."""

    trouble: SynapseStorageError

    async def pour(self, upload: Upload, content: Content, moved: Moved = untold) -> AddressedFile:
        raise self.trouble


class Lab:
    """An engine between two stores in memory; registrations are counted."""

    def __init__(self) -> None:
        self.source = MemoryStore(objects={"memory://source": CONTENT})
        self.target = MemoryStore()
        self.registered: list[tuple[Registrable, ContentFacts]] = []
        self.refusal: SynapseStorageError | None = None
        self.clock = FakeClock()

    def for_download(self, handle: FileHandle, facts: object, wishes: object) -> MemoryStore:
        return self.source if handle.id == SOURCE.id else self.target

    def for_stream(self, destination: object) -> MemoryStore:
        return self.target

    async def register(self, registrable: Registrable, facts: ContentFacts) -> FileHandle:
        if self.refusal is not None:
            raise self.refusal
        self.registered.append((registrable, facts))
        assert isinstance(registrable, AddressedFile)
        return replace(SOURCE, id=FileHandleId(str(100 + len(self.registered))), url=registrable.url)

    @property
    def engine(self) -> RelayCopyEngine:
        """A fresh one, as after a restart."""
        places = RelayPlaces(
            sources=self,  # type: ignore[arg-type]
            targets=self,
            registrar=self,
            catalog=FakeCatalog(),
            wishes=TransferWishes(),
        )
        to = LocationFacts(
            id=StorageLocationId(8), kind=LocationKind.EXTERNAL_SFTP, upload_type=UploadType.SFTP, url="sftp://h/x/"
        )
        return RelayCopyEngine(places, clock=self.clock, destination=lambda: to, migration_id="m", streams=2)


@pytest.fixture
def lab() -> Lab:
    return Lab()


async def test_bytes_are_hashed_on_their_way_and_the_object_is_registered_once(lab: Lab) -> None:
    copied = await lab.engine.copy(REQUEST)

    assert isinstance(copied, Copied)
    assert MD5 == copied.evidence.hashed_md5
    assert not copied.evidence.may_be_twice
    assert [CONTENT] == list(lab.target.objects.values())
    ((_, facts),) = lab.registered
    assert (SOURCE.file_name, len(CONTENT), MD5) == (facts.file_name, facts.size_bytes, facts.md5)
    assert [] == [address for address in lab.target.objects if "/a/b" in address]


async def test_a_crash_between_writing_and_registration_leaves_no_second_object(lab: Lab) -> None:
    """The repeat meets the object, reads it back, and asks the source for nothing."""
    lab.refusal = ServerFault(call="POST /externalFileHandle", status=503, reason="down")
    first = await lab.engine.copy(REQUEST)
    lab.refusal = None
    lab.source.objects.clear()

    second = await lab.engine.copy(replace(REQUEST, begun_before=True))

    assert isinstance(first, CopyFailed)
    assert ReasonCode.SERVICE_FAULT is first.reason
    assert isinstance(second, Copied)
    assert MD5 == second.evidence.hashed_md5
    assert second.evidence.may_be_twice
    assert (1, 1) == (lab.target.puts, len(lab.registered))


async def test_what_is_met_and_is_not_the_source_is_replaced(lab: Lab) -> None:
    await lab.engine.copy(REQUEST)
    (address,) = lab.target.objects
    lab.target.objects[address] = bytes(len(CONTENT))

    again = await lab.engine.copy(replace(REQUEST, begun_before=True))

    assert isinstance(again, Copied)
    assert {address: CONTENT} == lab.target.objects


async def test_a_repeat_that_is_told_to_discard_begins_anew(lab: Lab) -> None:
    await lab.engine.copy(REQUEST)
    await lab.engine.copy(replace(REQUEST, discard_previous=True))

    assert (2, 1) == (lab.target.puts, len(lab.target.objects))


async def test_a_disowned_copy_is_gone(lab: Lab) -> None:
    await lab.engine.copy(REQUEST)
    await lab.engine.disown(REQUEST)

    assert {} == lab.target.objects


async def test_lines_that_break_are_taken_up_where_they_broke(lab: Lab) -> None:
    lab.source.breaks_after = [1, 700_000, 2_000_000]
    lab.target.refuses_puts = 2

    assert isinstance(await lab.engine.copy(REQUEST), Copied)
    assert [CONTENT] == list(lab.target.objects.values())


async def test_a_line_that_breaks_again_and_again_can_be_retried_later(lab: Lab) -> None:
    lab.source.breaks_after = [0] * 20

    failed = await lab.engine.copy(REQUEST)

    assert isinstance(failed, CopyFailed)
    assert ReasonCode.S3_FAULT is failed.reason
    assert {} == lab.target.objects


async def test_a_source_that_never_had_the_recorded_md5_is_suspect_and_not_moved(lab: Lab) -> None:
    lab.source.objects["memory://source"] = bytes(len(CONTENT))

    failed = await lab.engine.copy(REQUEST)

    assert isinstance(failed, CopyFailed)
    assert ReasonCode.SOURCE_SUSPECT is failed.reason
    assert MD5 in failed.detail
    assert ({}, []) == (lab.target.objects, lab.registered)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size_bytes": None}, ReasonCode.NO_SIZE),
        ({"size_bytes": 0}, ReasonCode.EMPTY_FILE),
        ({"md5": None}, ReasonCode.NO_MD5),
        ({"kind": HandleKind.UNKNOWN}, ReasonCode.NO_ENGINE),
    ],
)
async def test_what_cannot_be_copied_costs_nothing(lab: Lab, changes: dict[str, object], reason: ReasonCode) -> None:
    failed = await lab.engine.copy(replace(REQUEST, source=replace(SOURCE, **changes)))  # type: ignore[arg-type]

    assert isinstance(failed, CopyFailed)
    assert reason is failed.reason


async def test_a_source_that_is_gone_needs_a_person(lab: Lab) -> None:
    lab.source.objects.clear()

    failed = await lab.engine.copy(REQUEST)

    assert isinstance(failed, CopyFailed)
    assert ReasonCode.SOURCE_UNREADABLE is failed.reason


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (TransferFailed("full", fix=""), ReasonCode.S3_FAULT),
        (AccessError("no login", fix=""), ReasonCode.NO_KEY_ACCESS),
        (BadRequest(call="c", status=400, reason="r"), ReasonCode.REFUSED),
        (ServerFault(call="c", status=500, reason="r"), ReasonCode.SERVICE_FAULT),
    ],
)
async def test_what_a_target_refuses_is_one_files_trouble(
    lab: Lab, trouble: SynapseStorageError, reason: ReasonCode
) -> None:
    lab.target = Refusing()
    lab.target.trouble = trouble

    failed = await lab.engine.copy(REQUEST)

    assert isinstance(failed, CopyFailed)
    assert reason is failed.reason
