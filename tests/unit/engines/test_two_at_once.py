"""Two processes make the same copy: the service knows one upload, so there is one object, whoever completes it."""

import asyncio
from collections.abc import Callable

import pytest

from storage_core.engines.synapse_copy import SynapseCopyEngine
from storage_core.model.copies import Copied, CopyRequest
from storage_core.model.handles import Association, AssociationKind
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.testing.fake_multipart import FakeStorage
from storage_core.testing.fake_objects import cut

DESTINATION = StorageLocationId(77)
SIZE = 3 * 1024**2


def completes_before(call: str, storage: FakeStorage) -> Callable[[int], None]:
    """The other process completes everything as the first call of this name begins."""

    def act(_: int) -> None:
        if storage.journal[-1] != call or storage.copies:
            return
        for upload in storage._uploads.values():
            source = storage.objects[upload.source.key or ""]
            upload.sent[1] = (cut(source.stretches, 0, SIZE - 1), source.md5)
            upload.added[1] = source.md5
            storage._join(upload)

    return act


@pytest.mark.parametrize("call", ["presign", "s3", "add", "complete"])
def test_a_copy_that_another_process_finishes_is_not_made_again(call: str) -> None:
    storage = FakeStorage()
    storage.owned.add(DESTINATION)
    source = storage.add_source("1", size_bytes=SIZE)
    association = Association(handle_id=source.id, object_id=EntityId("syn9"), kind=AssociationKind.FILE)
    request = CopyRequest(copy_id=3, source=source, association=association, destination=DESTINATION)
    storage.before = completes_before(call, storage)

    async def run() -> object:
        slots = asyncio.Semaphore(4)
        return await SynapseCopyEngine(storage, storage, storage, clock=storage.clock, s3_slots=slots).copy(request)

    outcome = asyncio.run(run())

    assert isinstance(outcome, Copied)
    assert [outcome.new] == [handle.id for handle in storage.copies]
    assert "start!" not in storage.journal
