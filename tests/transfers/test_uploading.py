"""Uploads through Synapse: bytes, entity, versions, and what a repeat does."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from storage_core.errors import BadRequest, NotFound, SourceChanged, TransferFailed, UsageError
from storage_core.local_files import disk
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import LocalFile, Uploaded, UploadOrder, UploadResult
from storage_core.wiring.storage import StorageDesk
from tests.transfers.conftest import Transfers

MIB = 2**20


def upload(transfers: Transfers, path: Path, container: EntityId, **more: object) -> Uploaded:
    order = UploadOrder(path=str(path), parent_id=container, **more)  # type: ignore[arg-type]
    return transfers.run(lambda desk: desk.uploader.upload(order))


def stored_bytes(running: Sandbox, uploaded: Uploaded) -> bytes:
    handle = running.world.handles.require(uploaded.handle_id)
    return running.world.objects.get(handle.bucket or "", handle.key or "").content.bytes()


@pytest.mark.parametrize("size", [1, 1000, 5 * MIB, 5 * MIB + 1, 23 * MIB + 7])
def test_a_file_arrives_byte_for_byte(
    running: Sandbox, transfers: Transfers, container: EntityId, make_file: Callable[..., Path], size: int
) -> None:
    path = make_file("measured.csv", size)

    uploaded = upload(transfers, path, container)

    assert path.read_bytes() == stored_bytes(running, uploaded)
    handle = running.world.handles.require(uploaded.handle_id)
    assert (handle.content_md5, handle.content_size, handle.file_name, handle.content_type) == (
        hashlib.md5(path.read_bytes()).hexdigest(),
        size,
        "measured.csv",
        "text/csv",
    )
    assert (UploadResult.CREATED, 1) == (uploaded.result, uploaded.version)


def test_the_same_again_is_left_alone(
    running: Sandbox, transfers: Transfers, container: EntityId, make_file: Callable[..., Path]
) -> None:
    path = make_file("a.bin", 3000)
    first = upload(transfers, path, container)

    second = upload(transfers, path, container)

    assert UploadResult.UNCHANGED == second.result
    assert (first.entity_id, first.version, first.handle_id) == (second.entity_id, second.version, second.handle_id)
    assert 1 == len(running.world.entities.require(first.entity_id).versions)


def test_other_content_under_the_name_is_a_new_version(
    running: Sandbox, transfers: Transfers, container: EntityId, make_file: Callable[..., Path]
) -> None:
    """Id, annotations and description stay; the comment is the new version's own."""
    first = upload(transfers, make_file("a.bin", 3000), container, description="about it")
    entity = running.world.entities.require(first.entity_id)
    entity.current.annotations = {"tissue": {"type": "STRING", "value": ["liver"]}}  # type: ignore[assignment]

    second = upload(transfers, make_file("a.bin", 3001, seed=5), container, version_comment="longer")

    assert (first.entity_id, 2, UploadResult.NEW_VERSION) == (second.entity_id, second.version, second.result)
    assert [first.handle_id, second.handle_id] == [version.handle_id for version in entity.versions]
    assert ("about it", "longer") == (entity.current.description, entity.current.comment)
    assert {"tissue": {"type": "STRING", "value": ["liver"]}} == entity.current.annotations


def test_a_file_is_given_a_version_by_its_id(
    transfers: Transfers, container: EntityId, make_file: Callable[..., Path]
) -> None:
    """Whatever the local name is, the entity keeps its own."""
    first = upload(transfers, make_file("a.bin", 10), container)
    order = UploadOrder(path=str(make_file("other.bin", 11)), entity_id=first.entity_id)

    second = transfers.run(lambda desk: desk.uploader.upload(order))

    assert (first.entity_id, 2, "a.bin") == (second.entity_id, second.version, second.name)


def test_a_location_of_ones_own_is_used(
    running: Sandbox, transfers: Transfers, container: EntityId, make_file: Callable[..., Path], desk: StorageDesk
) -> None:
    """External S3: the object lies in the lab's bucket below its base key, and equal content there is left alone."""
    from storage_core.api.storage_location import StorageLocation, StorageLocationType

    made = StorageLocation(storage_type=StorageLocationType.EXTERNAL_S3, bucket="lab")
    location = made.store(synapse_client=transfers.config).storage_location_id
    path = make_file("ours.bin", 6 * MIB)
    upload(transfers, path, container)

    moved = upload(transfers, path, container, location_id=StorageLocationId(int(location or 0)))
    again = upload(transfers, path, container, location_id=StorageLocationId(int(location or 0)))

    assert "lab" == running.world.handles.require(moved.handle_id).bucket
    assert (UploadResult.NEW_VERSION, 2) == (moved.result, moved.version)
    assert UploadResult.UNCHANGED == again.result


def test_equal_files_of_two_folders_share_their_bytes(
    transfers: Transfers, container: EntityId, make_file: Callable[..., Path], desk: StorageDesk
) -> None:
    """Side by side in one run: the service would take the same parts only once, so one waits for the other."""
    inner = desk.network.run(desk.storage.folder_named("inner", container)).id
    path = make_file("twice.bin", 11 * MIB)

    async def both(desk):
        import asyncio

        orders = [UploadOrder(path=str(path), parent_id=parent) for parent in (container, inner)]
        return await asyncio.gather(*(desk.uploader.upload(order) for order in orders))

    one, other = transfers.run(both)

    assert one.entity_id != other.entity_id
    assert one.handle_id == other.handle_id


@pytest.mark.parametrize(
    ("name", "said"),
    [("semi;colon.txt", "no name for a file"), (" ", "no name for a file"), ("x" * 257, "no name for a file")],
)
def test_names_that_synapse_refuses_are_refused_before_anything_is_sent(
    transfers: Transfers, container: EntityId, make_file: Callable[..., Path], name: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        upload(transfers, make_file("a.bin", 10), container, name=name)


def test_an_empty_file_is_refused_with_a_way_out(
    transfers: Transfers, container: EntityId, make_file: Callable[..., Path]
) -> None:
    with pytest.raises(UsageError, match="is empty") as caught:
        upload(transfers, make_file("empty.txt", 0), container)

    assert "--use-boto-sts" in caught.value.fix


def test_a_folder_of_that_name_is_not_overwritten(
    transfers: Transfers, container: EntityId, make_file: Callable[..., Path], desk: StorageDesk
) -> None:
    desk.network.run(desk.storage.folder_named("a.bin", container))

    with pytest.raises(UsageError, match="is a folder, no file"):
        upload(transfers, make_file("a.bin", 10), container)


def test_what_is_no_file_is_refused(transfers: Transfers, container: EntityId, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        upload(transfers, tmp_path / "nowhere.bin", container)
    with pytest.raises(UsageError, match="no ordinary file"):
        upload(transfers, tmp_path, container, name="folder")


def test_a_container_that_is_not_there_is_said_so(transfers: Transfers, make_file: Callable[..., Path]) -> None:
    with pytest.raises((NotFound, BadRequest)):
        upload(transfers, make_file("a.bin", 10), EntityId("syn999999999"))


def test_a_new_file_costs_six_calls(
    transfers: Transfers, container: EntityId, make_file: Callable[..., Path], desk: StorageDesk
) -> None:
    """Name, destination, start, sign, add, complete, entity: seven, and six for each next one of the same folder."""
    upload(transfers, make_file("first.bin", 10), container)
    paths = [make_file(f"{number}.bin", 10 + number) for number in range(3)]
    before = desk.remote.calls.total

    async def all_of_them(desk) -> None:
        for path in paths:
            await desk.uploader.upload(UploadOrder(path=str(path), parent_id=container))

    transfers.run(all_of_them)

    assert 1 + 6 * 3 == desk.remote.calls.total - before


@pytest.mark.parametrize("size", [1000, 12 * MIB])
@pytest.mark.parametrize("tells", [True, False])
def test_what_was_exchanged_after_it_was_hashed_is_not_stored(
    transfers: Transfers,
    container: EntityId,
    make_file: Callable[..., Path],
    desk: StorageDesk,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    tells: bool,
) -> None:
    """Also where neither size nor time of change tell: Synapse compares what arrived with what was hashed."""
    path = make_file("a.bin", size)
    real = disk.measure

    async def exchanged(*arguments: Any) -> LocalFile:
        found = await real(*arguments)
        path.write_bytes(bytes(size))
        moment = found.modified_ns + (1 if tells else 0)
        os.utime(path, ns=(moment, moment))
        return found

    monkeypatch.setattr(disk, "measure", exchanged)

    said = "changed while it was read" if tells else "arrived damaged"
    with pytest.raises(SourceChanged if tells else TransferFailed, match=said):
        upload(transfers, path, container)

    assert () == tuple(desk.network.run(desk.remote.catalog.children(container, page_token=None)).children)
