"""More parts than the service takes: larger ones instead, or words before a byte is read. Through the whole path."""

from collections.abc import Callable
from pathlib import Path

import pytest

import sandbox.synapse.multipart
from sandbox.server import Sandbox
from storage_core.errors import BadRequest, UsageError
from storage_core.local_files import disk
from storage_core.model.copies import PartPlan
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import Uploaded, UploadOrder
from storage_core.plan.parts import GIB, MIB, TIB
from storage_core.plan.upload_parts import UPLOAD_LIMITS, UploadPartLimits
from storage_core.synapse.wire_multipart import UploadStart
from storage_core.wiring.transfers import transfer_desk
from tests.transfers.conftest import Transfers

MOST = 3
SIZE = 15 * MIB + 1
"""One byte more than so many of the smallest parts hold."""
LIMITS = UploadPartLimits(
    smallest_part_bytes=5 * MIB, largest_usual_part_bytes=5 * MIB, most_parts=MOST, largest_file_bytes=MOST * 2 * GIB
)


@pytest.fixture
def strict(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The service with a limit that a test can reach."""
    monkeypatch.setattr(sandbox.synapse.multipart, "MOST_PARTS", MOST)
    return running


def uploaded(transfers: Transfers, path: Path, container: EntityId, limits: UploadPartLimits) -> Uploaded:
    async def upload() -> Uploaded:
        async with transfer_desk(transfers.config, transfers.desk, part_limits=limits) as desk:
            return await desk.uploader.upload(UploadOrder(path=str(path), parent_id=container))

    return transfers.desk.network.run(upload())


def test_one_part_too_many_becomes_larger_parts(
    strict: Sandbox, transfers: Transfers, container: EntityId, make_file: Callable[..., Path]
) -> None:
    path = make_file("a.bin", SIZE)

    done = uploaded(transfers, path, container, LIMITS)

    handle = strict.world.handles.require(done.handle_id)
    stored = strict.world.objects.get(handle.bucket or "", handle.key or "")
    assert path.read_bytes() == b"".join(stored.content.read(0, SIZE - 1))
    assert (6 * MIB, 6 * MIB, SIZE - 12 * MIB) == stored.part_sizes


def test_the_service_would_refuse_one_part_too_many(strict: Sandbox, transfers: Transfers) -> None:
    start = UploadStart(
        file_name="a.bin",
        content_type="application/octet-stream",
        md5="0" * 32,
        location_id=StorageLocationId(1),
        parts=PartPlan(size_bytes=SIZE, part_size_bytes=5 * MIB),
    )

    with pytest.raises(BadRequest, match="at most 3 parts, this one has 4"):
        transfers.desk.network.run(transfers.desk.remote.multipart.start_upload(start=start))


def test_a_file_that_no_parts_can_hold_is_refused_before_it_is_read(
    transfers: Transfers, container: EntityId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real limits; reading such a file would take hours."""
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        try:
            file.truncate(5 * TIB + 1)
        except OSError:
            pytest.skip("this file system holds no such file, not even an empty one")
    monkeypatch.setattr(disk, "measure", None)

    with pytest.raises(UsageError, match="holds files of at most 5,497,558,138,880") as refused:
        uploaded(transfers, path, container, UPLOAD_LIMITS)

    assert "Split the file." == refused.value.fix
