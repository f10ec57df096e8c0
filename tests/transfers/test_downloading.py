"""Downloads: right bytes under the right name, or nothing."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from storage_core.errors import NotFound, TransferFailed, UsageError, VerificationMismatch
from storage_core.model.ids import EntityId
from storage_core.model.transfers import Downloaded, DownloadOrder, DownloadResult, IfCollision, UploadOrder
from storage_core.wiring.storage import StorageDesk
from tests.transfers.conftest import Transfers

MIB = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "down"


@pytest.fixture
def stored(
    transfers: Transfers, container: EntityId, make_file: Callable[..., Path]
) -> Callable[..., tuple[EntityId, Path]]:
    """Uploads a file; its entity and the original."""

    def store(name: str = "a.bin", size: int = 1000, *, seed: int = 0) -> tuple[EntityId, Path]:
        # content of the test's own: the service gives equal uploads one handle, and tests spoil handles
        path = make_file(name, size, seed=100 * int(container[3:]) + seed)
        order = UploadOrder(path=str(path), parent_id=container)
        return transfers.run(lambda desk: desk.uploader.upload(order)).entity_id, path

    return store


def download(transfers: Transfers, entity_id: EntityId, folder: Path, **more: object) -> Downloaded:
    order = DownloadOrder(entity_id=entity_id, folder=str(folder), **more)  # type: ignore[arg-type]
    return transfers.run(lambda desk: desk.downloader.download(order))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [1, 1000, 16 * MIB, 16 * MIB + 1, 70 * MIB + 3])
def test_a_file_comes_down_byte_for_byte(
    transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path, size: int
) -> None:
    entity_id, original = stored("measured.csv", size)

    done = download(transfers, entity_id, folder)

    assert original.read_bytes() == (folder / "measured.csv").read_bytes()
    assert (DownloadResult.DOWNLOADED, True) == (done.result, done.is_verified)
    assert ["measured.csv"] == names_in(folder)


def test_an_older_version_can_be_had(
    transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path
) -> None:
    entity_id, first = stored("a.bin", 1000)
    content = first.read_bytes()
    stored("a.bin", 2000, seed=1)

    done = download(transfers, entity_id, folder, version=1)

    assert content == Path(done.path).read_bytes()
    assert 1 == done.version


def test_an_equal_file_is_left_alone(
    transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path, desk: StorageDesk
) -> None:
    """One call to learn what Synapse has, and no byte moves."""
    entity_id, _ = stored()
    download(transfers, entity_id, folder)
    changed, before = (folder / "a.bin").stat().st_mtime_ns, desk.remote.calls.total

    done = download(transfers, entity_id, folder)

    assert DownloadResult.UNCHANGED == done.result
    assert changed == (folder / "a.bin").stat().st_mtime_ns
    assert 1 == desk.remote.calls.total - before


@pytest.mark.parametrize(
    ("policy", "names", "result"),
    [
        (IfCollision.KEEP_BOTH, ["a(1).bin", "a.bin"], DownloadResult.DOWNLOADED),
        (IfCollision.OVERWRITE_LOCAL, ["a.bin"], DownloadResult.DOWNLOADED),
        (IfCollision.KEEP_LOCAL, ["a.bin"], DownloadResult.KEPT_LOCAL),
    ],
)
def test_another_file_of_that_name_is_treated_as_wished(
    transfers: Transfers,
    stored: Callable[..., tuple[EntityId, Path]],
    folder: Path,
    policy: IfCollision,
    names: list[str],
    result: DownloadResult,
) -> None:
    entity_id, original = stored()
    folder.mkdir()
    (folder / "a.bin").write_text("mine")

    done = download(transfers, entity_id, folder, if_collision=policy)

    assert (names, result) == (names_in(folder), done.result)
    if policy is IfCollision.OVERWRITE_LOCAL:
        assert original.read_bytes() == (folder / "a.bin").read_bytes()
    else:
        assert "mine" == (folder / "a.bin").read_text()


def test_wrong_bytes_are_not_kept(
    running: Sandbox, transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path
) -> None:
    """Somebody replaced the object: the error names both MD5s, and the folder stays empty."""
    entity_id, original = stored()
    version = running.world.entities.require(entity_id).current
    handle = running.world.handles.require(str(version.handle_id))
    flipped = bytes([original.read_bytes()[0] ^ 1]) + original.read_bytes()[1:]
    running.world.objects.put(str(handle.bucket), str(handle.key), flipped)

    with pytest.raises(VerificationMismatch, match=str(hashlib.md5(flipped).hexdigest())):
        download(transfers, entity_id, folder)

    assert [] == names_in(folder)


def test_a_truncated_object_is_no_success(
    running: Sandbox, transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path
) -> None:
    entity_id, original = stored()
    version = running.world.entities.require(entity_id).current
    handle = running.world.handles.require(str(version.handle_id))
    running.world.objects.put(str(handle.bucket), str(handle.key), original.read_bytes()[:-1])

    with pytest.raises(TransferFailed):
        download(transfers, entity_id, folder)

    assert not (folder / "a.bin").exists()


@pytest.mark.parametrize("name", ["../escaped.bin", "/etc/escaped", "a\\b.bin", "..", "bell\x07.bin", "\u202egnp.exe"])
def test_a_name_that_leads_elsewhere_is_refused(
    running: Sandbox,
    transfers: Transfers,
    stored: Callable[..., tuple[EntityId, Path]],
    folder: Path,
    tmp_path: Path,
    name: str,
) -> None:
    """The file handle's name is anybody's choice; nothing is written, and --name is a way out."""
    entity_id, original = stored()
    version = running.world.entities.require(entity_id).current
    object.__setattr__(running.world.handles.require(str(version.handle_id)), "file_name", name)
    before = sorted(tmp_path.rglob("files/*"))

    with pytest.raises(UsageError, match="cannot be called"):
        download(transfers, entity_id, folder)

    assert before == [path for path in sorted(tmp_path.rglob("*")) if path.is_file() and "state" not in path.parts]
    if "\x07" in name:
        return  # the sandbox's S3 puts the name into a header, which cannot carry it
    done = download(transfers, entity_id, folder, name="safe.bin")
    assert original.read_bytes() == Path(done.path).read_bytes()


def test_no_room_is_said_before_anything_is_read(
    running: Sandbox, transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path
) -> None:
    entity_id, _ = stored()
    version = running.world.entities.require(entity_id).current
    object.__setattr__(running.world.handles.require(str(version.handle_id)), "content_size", 2**60)

    with pytest.raises(TransferFailed, match="bytes left, the file needs"):
        download(transfers, entity_id, folder)


def test_a_disk_that_takes_no_more_is_said_so_and_gone_on_with(
    transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path
) -> None:
    """The system refuses to let a file grow; nothing is under the final name, and with room the same call succeeds."""
    resource = pytest.importorskip("resource")
    entity_id, original = stored("a.bin", 3 * MIB)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, limits[1]))
    try:
        with pytest.raises(TransferFailed, match="no room left"):
            download(transfers, entity_id, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (folder / "a.bin").exists()

    done = download(transfers, entity_id, folder)

    assert original.read_bytes() == Path(done.path).read_bytes()
    assert ["a.bin"] == names_in(folder)


def test_a_file_in_the_way_of_the_folder_is_explained(
    transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path
) -> None:
    entity_id, _ = stored()
    folder.write_text("a file")

    with pytest.raises(UsageError, match="cannot be written to"):
        download(transfers, entity_id, folder / "below")


def test_what_is_not_there_is_said_so(transfers: Transfers, folder: Path, container: EntityId) -> None:
    with pytest.raises(NotFound):
        download(transfers, EntityId("syn99999999"), folder)
    with pytest.raises(UsageError, match="is a folder, no file"):
        download(transfers, container, folder)


def test_an_object_that_is_gone_is_said_so(
    running: Sandbox, transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path
) -> None:
    entity_id, _ = stored()
    version = running.world.entities.require(entity_id).current
    handle = running.world.handles.require(str(version.handle_id))
    running.world.objects.delete(str(handle.bucket), str(handle.key))

    with pytest.raises(TransferFailed, match="could not be read"):
        download(transfers, entity_id, folder)

    assert not (folder / "a.bin").exists()


def test_many_files_share_their_calls_for_addresses(
    transfers: Transfers, stored: Callable[..., tuple[EntityId, Path]], folder: Path, desk: StorageDesk
) -> None:
    entities = [stored(f"{number}.bin", 100 + number)[0] for number in range(20)]
    before = desk.remote.calls.total

    async def all_of_them(desk) -> None:
        import asyncio

        orders = [DownloadOrder(entity_id=entity_id, folder=str(folder)) for entity_id in entities]
        await asyncio.gather(*(desk.downloader.download(order) for order in orders))

    transfers.run(all_of_them)

    assert 20 == len(names_in(folder))
    assert desk.remote.calls.total - before < 20 + 12
