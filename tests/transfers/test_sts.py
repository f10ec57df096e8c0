"""Straight to the bucket with temporary keys: `use_boto_sts`."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from storage_core.api.storage_location import StorageLocation
from storage_core.errors import BadRequest, SynapseStorageError
from storage_core.model.ids import EntityId
from storage_core.model.transfers import (
    DownloadOrder,
    TransferWishes,
    Uploaded,
    UploadOrder,
    UploadResult,
)
from storage_core.wiring.storage import StorageDesk
from tests.transfers.conftest import Transfers

MIB = 2**20
STS = TransferWishes(use_boto_sts=True)
number = count(1)


@pytest.fixture
def sts_folder(running: Sandbox, transfers: Transfers, monkeypatch: pytest.MonkeyPatch) -> EntityId:
    """An empty folder whose location gives temporary keys; boto3 is pointed at the sandbox's S3."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, running.environment()[name])
    assert running.facts is not None
    folder, _, _ = StorageLocation.setup_s3(
        parent=running.facts.root_id,
        folder_name=f"sts {next(number)}",
        bucket_name="lab",
        base_key="sts",
        sts_enabled=True,
        synapse_client=transfers.config,
    )
    return EntityId(folder.id)


def upload(transfers: Transfers, path: Path, folder: EntityId, **more: object) -> Uploaded:
    order = UploadOrder(path=str(path), parent_id=folder, **more)  # type: ignore[arg-type]
    return transfers.run(lambda desk: desk.uploader.upload(order), wishes=STS)


@pytest.mark.parametrize("size", [0, 1000, 40 * MIB + 3])
def test_bytes_go_straight_to_the_bucket_and_back(
    running: Sandbox,
    transfers: Transfers,
    sts_folder: EntityId,
    make_file: Callable[..., Path],
    tmp_path: Path,
    size: int,
) -> None:
    """No multipart upload of Synapse's, a key below the base key without empty steps, the owner in control of it."""
    path = make_file("a.bin", size)
    before = running.app.traffic.by_call["POST /file/multipart"]

    uploaded = upload(transfers, path, sts_folder)
    order = DownloadOrder(entity_id=uploaded.entity_id, folder=str(tmp_path / "down"))
    downloaded = transfers.run(lambda desk: desk.downloader.download(order), wishes=STS)

    handle = running.world.handles.require(uploaded.handle_id)
    assert path.read_bytes() == Path(downloaded.path).read_bytes()
    assert before == running.app.traffic.by_call["POST /file/multipart"]
    assert ("lab", "sts", "a.bin") == (handle.bucket, *str(handle.key).split("/")[::2])
    assert 3 == len(str(handle.key).split("/"))


def test_equal_content_is_left_alone(
    transfers: Transfers, sts_folder: EntityId, make_file: Callable[..., Path]
) -> None:
    path = make_file("a.bin", 100)
    upload(transfers, path, sts_folder)

    assert UploadResult.UNCHANGED == upload(transfers, path, sts_folder).result


def test_keys_that_end_in_the_middle_are_renewed(
    running: Sandbox, transfers: Transfers, sts_folder: EntityId, make_file: Callable[..., Path]
) -> None:
    """Keys of a few seconds for an upload of several parts: more are borrowed, and nothing fails."""
    before = running.app.traffic.by_call["GET /entity/#/sts"]
    life, running.world.settings.sts_life = running.world.settings.sts_life, timedelta(seconds=30)
    try:
        path = make_file("long.bin", 70 * MIB)
        uploaded = upload(transfers, path, sts_folder)
    finally:
        running.world.settings.sts_life = life

    assert running.app.traffic.by_call["GET /entity/#/sts"] - before > 2
    handle = running.world.handles.require(uploaded.handle_id)
    assert path.read_bytes() == running.world.objects.get("lab", str(handle.key)).content.bytes()


def test_keys_that_s3_takes_for_ended_are_replaced(
    running: Sandbox, transfers: Transfers, sts_folder: EntityId, make_file: Callable[..., Path]
) -> None:
    """Clocks differ: the keys look alive here and are refused there. The next try borrows new ones."""
    path = make_file("a.bin", 3000)

    async def with_stale_keys(desk) -> Uploaded:
        store = desk.uploader.stores.for_upload(
            await desk.uploader.files.destination(sts_folder, None), desk.uploader.wishes
        )
        await desk.uploader.upload(UploadOrder(path=str(path), parent_id=sts_folder))
        assert store._buckets
        for session in list(running.world.objects._credentials.values()):
            if session.session_token is not None:
                object.__setattr__(session, "expires", running.clock.now() - timedelta(hours=1))
        changed = UploadOrder(path=str(make_file("a.bin", 3001)), parent_id=sts_folder)
        return await desk.uploader.upload(changed)

    assert UploadResult.NEW_VERSION == transfers.run(with_stale_keys, wishes=STS).result


def test_without_the_wish_it_goes_through_synapse(
    running: Sandbox, transfers: Transfers, sts_folder: EntityId, make_file: Callable[..., Path]
) -> None:
    before = running.app.traffic.by_call["POST /file/multipart"]
    order = UploadOrder(path=str(make_file("a.bin", 100)), parent_id=sts_folder)

    transfers.run(lambda desk: desk.uploader.upload(order))

    assert before + 1 == running.app.traffic.by_call["POST /file/multipart"]


def test_killed_between_bytes_and_entity_leaves_one_object(
    running: Sandbox, transfers: Transfers, sts_folder: EntityId, make_file: Callable[..., Path], desk: StorageDesk
) -> None:
    """The ticket is remembered until an entity refers to the bytes, so the repeat uses the same key."""
    path = make_file("a.bin", 5000)
    before = keys(running)
    order = UploadOrder(path=str(path), parent_id=sts_folder)

    async def dies(desk) -> None:
        async def refuse(*_words: object) -> None:
            raise BadRequest(call="POST /externalFileHandle/s3", status=400, reason="killed here")

        object.__setattr__(desk.uploader.storing, "registrar", type("Dead", (), {"register": refuse})())
        await desk.uploader.upload(order)

    with pytest.raises(SynapseStorageError, match="killed here"):
        transfers.run(dies, wishes=STS)
    upload(transfers, path, sts_folder)

    assert 1 == len(keys(running) - before)
    assert not list((transfers.config.state_folder / "uploads").iterdir())


def keys(running: Sandbox) -> set[str]:
    return {key for key, _ in running.world.objects.list("lab")}
