"""The SFTP adapter against OpenSSH."""

import gc
import hashlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from storage_core.config import Config, SftpLogin, load_config
from storage_core.errors import AccessError, SourceChanged, TransferBroken, TransferFailed, UsageError
from storage_core.local_files.reading import CHUNK
from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.ids import StorageLocationId
from storage_core.model.secret import Secret
from storage_core.model.transfers import AddressedFile, LocalFile, Readable, Stored, UploadDestination
from storage_core.plan.sftp_addresses import file_address
from storage_core.stores import sftp_store
from storage_core.stores.sftp_store import SftpStore
from tests.conformance.test_byte_stores import (
    ENTITY,
    StoreBench,
    content_of,
    local_file,
    readable_at,
    test_a_repeat_with_the_same_ticket_leaves_one_object,
    test_bytes_with_another_md5_never_become_visible,
    test_empty_files_are_stored_or_declared_impossible,
    test_reading_may_begin_anywhere,
    test_stat_tells_the_size,
    test_what_goes_up_comes_down,
    test_what_is_poured_comes_down,
    upload_of,
)
from tests.servers.cutting import Line, cuttable_line
from tests.servers.openssh import SftpServer

__all__ = [
    "test_a_repeat_with_the_same_ticket_leaves_one_object",
    "test_bytes_with_another_md5_never_become_visible",
    "test_empty_files_are_stored_or_declared_impossible",
    "test_reading_may_begin_anywhere",
    "test_stat_tells_the_size",
    "test_what_goes_up_comes_down",
    "test_what_is_poured_comes_down",
]
pytestmark = [pytest.mark.real_server, pytest.mark.anyio]
MIB = 1 << 20

Configured = Callable[..., Config]


@pytest.fixture
def folder(sftp: SftpServer, request: pytest.FixtureRequest) -> Path:
    """A folder on the server of the test's own, seen from here; the server has not made it yet."""
    return sftp.upload / hashlib.md5(request.node.nodeid.encode(), usedforsecurity=False).hexdigest()[:8]


@pytest.fixture
def configured(sftp: SftpServer, tmp_path: Path) -> Configured:
    """Makes configurations: signed in by key unless told otherwise."""

    def make(**login: object) -> Config:
        known = sftp.known_hosts(tmp_path / "known_hosts")
        by_key = {"password": Secret(""), "private_key": str(sftp.user_key)}
        said = {"url": f"sftp://{sftp.host}", "username": sftp.username, **by_key, **login}
        return Config(
            token=Secret("none"),
            state_folder=tmp_path,
            known_hosts=(known, tmp_path / "missing"),
            sftp_logins=(SftpLogin(**said),),  # type: ignore[arg-type]
            connect_seconds=5,
        )

    return make


@pytest.fixture
async def store(configured: Configured) -> AsyncIterator[SftpStore]:
    opened = SftpStore(configured())
    yield opened
    await opened.aclose()


def destination(url: str) -> UploadDestination:
    return UploadDestination(
        entity_id=ENTITY,
        location_id=StorageLocationId(7),
        kind=LocationKind.EXTERNAL_SFTP,
        upload_type=UploadType.SFTP,
        url=url,
    )


@pytest.fixture
def bench(store: SftpStore, sftp: SftpServer, folder: Path) -> StoreBench:
    def readable_of(stored: Stored, _file: LocalFile) -> Readable:
        assert isinstance(stored, AddressedFile)
        return readable_at(stored.url)

    return StoreBench(
        store=store,
        destination=destination(f"{sftp.url}/{folder.name}"),
        readable_of=readable_of,
        objects_there=lambda: len(list(folder.iterdir())) if folder.exists() else 0,
    )


def with_port(bench: StoreBench, sftp: SftpServer, line: Line) -> StoreBench:
    url = (bench.destination.url or "").replace(f":{sftp.port}/", f":{line.port}/")
    return StoreBench(
        store=bench.store,
        destination=destination(url),
        readable_of=bench.readable_of,
        objects_there=bench.objects_there,
    )


@pytest.fixture
def cuttable(sftp: SftpServer, bench: StoreBench, tmp_path: Path) -> Iterator[tuple[Line, StoreBench]]:
    with cuttable_line(sftp.port, sftp.host) as line:
        with (tmp_path / "known_hosts").open("a") as known:
            known.write(f"[{sftp.host}]:{line.port} {sftp.host_key}\n")
        yield line, with_port(bench, sftp, line)


async def test_the_password_opens_as_well(sftp: SftpServer, configured: Configured, folder: Path) -> None:
    if not sftp.has_passwords:
        pytest.skip("NO PASSWORD WAS TRIED: only root can start an sshd that knows passwords")
    (sftp.upload / "by password.txt").write_text("in")
    opened = SftpStore(configured(password=Secret(sftp.password), private_key=None))
    try:
        facts = await opened.stat(readable_at(f"{sftp.url}/by%20password.txt"))
    finally:
        await opened.aclose()

    assert 2 == facts.size_bytes


@pytest.mark.parametrize("name", ["a b.txt", "größe ✓.csv", "100%.txt", "semi;colon#hash?.txt", "+plus+.txt"])
async def test_every_name_survives(bench: StoreBench, tmp_path: Path, folder: Path, name: str) -> None:
    file = local_file(tmp_path, b"named")

    stored = await bench.store.put(upload_of(bench, file, name=name))

    assert [name] == [path.name for path in folder.iterdir()]
    assert isinstance(stored, AddressedFile)
    assert stored.url.isascii()
    assert b"named" == await content_of(bench, bench.readable_of(stored, file))


async def test_folders_on_the_way_are_made(bench: StoreBench, tmp_path: Path, folder: Path) -> None:
    """A location with sub-folders: the service puts the path of the entity into the address (contract 4)."""
    deep = StoreBench(
        store=bench.store,
        destination=destination(f"{bench.destination.url}/Study%201/Ergebnisse%20%C3%BC/0c9f"),
        readable_of=bench.readable_of,
        objects_there=bench.objects_there,
    )

    await deep.store.put(upload_of(deep, local_file(tmp_path, b"deep")))

    assert b"deep" == (folder / "Study 1" / "Ergebnisse ü" / "0c9f" / "a.bin").read_bytes()


async def test_an_upload_goes_on_after_breaks(cuttable: tuple[Line, StoreBench], tmp_path: Path, folder: Path) -> None:
    """Broken three times, in the middle and again: what was confirmed is not sent twice, the bytes are right."""
    line, bench = cuttable
    content = os.urandom(40 * MIB)
    upload = upload_of(bench, local_file(tmp_path, content))
    line.cut_after(15 * MIB, 12 * MIB, 0)

    for _ in range(3):
        with pytest.raises(TransferBroken):
            await bench.store.put(upload)
        assert [f".{upload.ticket}.part"] == [path.name for path in folder.iterdir()]
    line.cut_after(2**40)
    await bench.store.put(upload)

    assert ["a.bin"] == [path.name for path in folder.iterdir()]
    is_whole = content == (folder / "a.bin").read_bytes()
    assert is_whole
    # 27 MiB had gone up; all but the last pieces of each try need not travel again
    assert line._passed < 36 * MIB
    # a failure that nobody listened to would be told of now, and fail the test
    gc.collect()


@pytest.mark.parametrize(
    ("length", "hole"),
    [
        pytest.param(15 * MIB, (8 * MIB, 14 * MIB), id="near its end, as pieces come in disorder"),
        pytest.param(15 * MIB, (2 * MIB, 3 * MIB), id="far from its end, as a server that crashed leaves it"),
        pytest.param(13 * MIB, (3 * MIB, 13 * MIB - 4096), id="before one late piece of an old server process"),
        pytest.param(24 * MIB, (0, 0), id="none, but it is too long"),
    ],
)
async def test_no_hole_of_an_unfinished_file_gets_into_the_finished_one(
    bench: StoreBench, tmp_path: Path, folder: Path, length: int, hole: tuple[int, int]
) -> None:
    """Nothing that an earlier try left is taken for granted, wherever it is."""
    content = os.urandom(20 * MIB)
    upload = upload_of(bench, local_file(tmp_path, content))
    await bench.store.put(upload_of(bench, local_file(tmp_path, b"x", "other"), name="other", ticket="f" * 32))
    holed = bytearray((content * 2)[:length])
    holed[slice(*hole)] = bytes(hole[1] - hole[0])
    unfinished = folder / f".{upload.ticket}.part"
    unfinished.write_bytes(holed)
    unfinished.chmod(0o666)

    await bench.store.put(upload)

    # compared outside the assertion: showing how 20 MiB differ takes minutes
    is_whole = content == (folder / "a.bin").read_bytes()
    assert is_whole
    assert {"a.bin", "other"} == {path.name for path in folder.iterdir()}


async def test_a_late_process_of_a_broken_connection_spoils_nothing(
    cuttable: tuple[Line, StoreBench], tmp_path: Path, folder: Path
) -> None:
    """Three tries: what the first one still had on its way arrives far ahead of what the second one had confirmed."""
    line, bench = cuttable
    content = os.urandom(20 * MIB)
    upload = upload_of(bench, local_file(tmp_path, content))
    for bytes_up in (2 * MIB, MIB):
        line.cut_after(bytes_up)
        with pytest.raises(TransferBroken):
            await bench.store.put(upload)
    unfinished = folder / f".{upload.ticket}.part"
    assert unfinished.stat().st_size < 14 * MIB
    with unfinished.open("r+b") as late:
        late.seek(14 * MIB)
        late.write(content[14 * MIB : 15 * MIB])
    line.cut_after(2**40)

    await bench.store.put(upload)

    is_whole = content == (folder / "a.bin").read_bytes()
    assert is_whole


async def test_a_rename_that_came_late_is_no_failure(bench: StoreBench, tmp_path: Path, folder: Path) -> None:
    """The finished file appears under its name between the last piece and our own rename."""
    content = os.urandom(3 * MIB)
    upload = upload_of(bench, local_file(tmp_path, content))

    def rename_it(_count: int) -> None:
        unfinished = folder / f".{upload.ticket}.part"
        if unfinished.exists():
            unfinished.rename(folder / "a.bin")

    with pytest.raises(TransferBroken, match="was renamed by an earlier try"):
        await bench.store.put(upload, rename_it)
    await bench.store.put(upload)

    is_whole = content == (folder / "a.bin").read_bytes()
    assert is_whole


def test_what_is_on_its_way_fits_into_what_is_written_again() -> None:
    assert sftp_store._UNCONFIRMED * CHUNK <= sftp_store._UNCERTAIN
    assert 0 == sftp_store._UNCERTAIN % CHUNK


async def test_a_download_breaks_loudly_and_goes_on(cuttable: tuple[Line, StoreBench], tmp_path: Path) -> None:
    line, bench = cuttable
    content = os.urandom(12 * MIB)
    file = local_file(tmp_path, content)
    readable = bench.readable_of(await bench.store.put(upload_of(bench, file)), file)
    line.cut_after(-5 * MIB)
    got = bytearray()

    async def go_on() -> None:
        async for chunk in bench.store.read(readable, first_byte=len(got)):
            got.extend(chunk)

    with pytest.raises(TransferBroken):
        await go_on()
    assert 0 < len(got) < len(content)
    await go_on()

    is_whole = content == got
    assert is_whole
    gc.collect()


async def test_a_strange_host_key_is_refused(sftp: SftpServer, configured: Configured, tmp_path: Path) -> None:
    """Somebody else answers at the address: nothing is sent, the password least of all."""
    config = configured()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    strange = " ".join((tmp_path / "k.pub").read_text().split()[:2])
    (tmp_path / "known_hosts").write_text(f"[{sftp.host}]:{sftp.port} {strange}\n")

    with pytest.raises(AccessError, match="shows another host key than the one you know"):
        await SftpStore(config).stat(readable_at(f"{sftp.url}/a"))


async def test_an_unknown_host_is_refused_with_its_fingerprint(
    sftp: SftpServer, configured: Configured, tmp_path: Path
) -> None:
    config = configured()
    (tmp_path / "known_hosts").write_text("")

    with pytest.raises(AccessError, match=r"not known here \(it shows SHA256:") as refused:
        await SftpStore(config).stat(readable_at(f"{sftp.url}/a"))

    assert f"ssh-keyscan -p {sftp.port} {sftp.host}" in refused.value.fix


@pytest.mark.parametrize("form", ["key", "fingerprint", "wrong fingerprint"])
async def test_a_pinned_host_key_needs_no_known_hosts(
    sftp: SftpServer, configured: Configured, tmp_path: Path, form: str
) -> None:
    (sftp.upload / "pinned.txt").write_text("in")
    told = subprocess.run(["ssh-keygen", "-lf", sftp.user_key.parent / "host_key.pub"], capture_output=True, check=True)
    pins = {"key": sftp.host_key, "fingerprint": told.stdout.decode().split()[1], "wrong fingerprint": "SHA256:abc"}
    config = configured(host_key=pins[form])
    (tmp_path / "known_hosts").write_text("")
    opened = SftpStore(config)

    try:
        if form == "wrong fingerprint":
            with pytest.raises(AccessError, match="shows another host key"):
                await opened.stat(readable_at(f"{sftp.url}/pinned.txt"))
        else:
            assert 2 == (await opened.stat(readable_at(f"{sftp.url}/pinned.txt"))).size_bytes
    finally:
        await opened.aclose()


async def test_a_wrong_password_is_refused_without_showing_it(sftp: SftpServer, configured: Configured) -> None:
    config = configured(password=Secret("not-the-password"), private_key=None)

    with pytest.raises(AccessError, match=f"could not let {sftp.username} in") as refused:
        await SftpStore(config).stat(readable_at(f"{sftp.url}/a"))

    assert "not-the-password" not in str(refused.value)


async def test_a_server_without_a_login_is_named(sftp: SftpServer, configured: Configured) -> None:
    config = configured(url="sftp://elsewhere.example.org")

    with pytest.raises(AccessError, match=f"no login for sftp://{sftp.host}:{sftp.port}") as refused:
        await SftpStore(config).stat(readable_at(f"{sftp.url}/a"))

    assert f"[sftp://{sftp.host}:{sftp.port}]" in refused.value.fix


@pytest.mark.parametrize("spoil", ["missing", "not a key", "locked"])
async def test_a_private_key_that_cannot_be_used_is_named(
    sftp: SftpServer, configured: Configured, tmp_path: Path, spoil: str
) -> None:
    path = tmp_path / "my_key"
    if spoil == "not a key":
        path.write_text("no key")
    if spoil == "locked":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "opens it", "-f", path], check=True)

    with pytest.raises(AccessError, match="my_key"):
        await SftpStore(configured(private_key=str(path))).stat(readable_at(f"{sftp.url}/a"))


async def test_a_server_that_does_not_answer_may_come_back(configured: Configured) -> None:
    with cuttable_line(1) as line:
        line.cut_after(0, 0)
        with pytest.raises(TransferBroken):
            await SftpStore(configured()).stat(readable_at(f"sftp://127.0.0.1:{line.port}/a"))


async def test_a_file_that_is_not_there_is_said_so(bench: StoreBench, sftp: SftpServer) -> None:
    with pytest.raises(TransferFailed, match="there is no /"):
        await bench.store.stat(readable_at(f"{sftp.url}/nowhere/a.txt"))
    with pytest.raises(TransferFailed, match="there is no /"):
        await content_of(bench, readable_at(f"{sftp.url}/nowhere/a.txt"))


async def test_a_closed_folder_is_said_so(sftp: SftpServer, bench: StoreBench, tmp_path: Path) -> None:
    if not sftp.has_passwords:
        pytest.skip("NO CLOSED FOLDER WAS TRIED: the server runs as the very user who asks")
    upload = upload_of(bench, local_file(tmp_path, b"a"))
    closed = StoreBench(
        store=bench.store,
        destination=destination(f"sftp://{sftp.host}:{sftp.port}/not-mine/x"),
        readable_of=bench.readable_of,
        objects_there=bench.objects_there,
    )

    with pytest.raises(AccessError, match="permission denied"):
        await bench.store.put(upload_of(closed, upload.file))


async def test_a_full_disk_is_said_so_and_left_empty(sftp: SftpServer, bench: StoreBench, tmp_path: Path) -> None:
    if sftp.full is None:
        pytest.skip("NO DISK WAS FILLED: mounting a small one is not allowed here")
    full = StoreBench(
        store=bench.store,
        destination=destination(f"sftp://{sftp.host}:{sftp.port}{sftp.full_path}/x"),
        readable_of=bench.readable_of,
        objects_there=bench.objects_there,
    )

    with pytest.raises(TransferFailed, match=f"is full: it could not store {9 * MIB} bytes"):
        await full.store.put(upload_of(full, local_file(tmp_path, bytes(9 * MIB))))

    assert [] == list((sftp.full / "x").iterdir())


async def test_somebody_elses_file_is_left_alone(bench: StoreBench, tmp_path: Path, folder: Path) -> None:
    upload = upload_of(bench, local_file(tmp_path, b"ours"))
    await bench.store.put(upload_of(bench, local_file(tmp_path, b"theirs", "b"), ticket="e" * 32))

    with pytest.raises(TransferFailed, match="another file called"):
        await bench.store.put(upload)

    assert b"theirs" == (folder / "a.bin").read_bytes()


async def test_a_file_that_changes_is_not_stored(bench: StoreBench, tmp_path: Path, folder: Path) -> None:
    file = local_file(tmp_path, b"first")
    os.utime(file.path, ns=(1, 1))

    with pytest.raises(SourceChanged):
        await bench.store.put(upload_of(bench, file))

    assert not folder.exists()


@pytest.mark.parametrize(
    "url", ["sftp://h/../../etc/passwd", "sftp://h/%2e%2e/x", "sftp://h", "https://h/a", "sftp://h:x/a"]
)
async def test_addresses_that_lead_elsewhere_are_refused(store: SftpStore, url: str) -> None:
    with pytest.raises(UsageError, match="not the address of a file"):
        await store.stat(readable_at(url))


def test_addresses_are_encoded_once() -> None:
    assert "sftp://h/f/100%25%20a%2Fb.txt" == file_address("sftp://h/f/", "100% a/b.txt")


def test_logins_come_from_the_environment_before_the_file(tmp_path: Path) -> None:
    """What the existing client reads from its file works; SYNAPSE_SFTP_* wins for the server it names."""
    path = tmp_path / "config"
    path.write_text(
        "[sftp://a.example.org]\nusername = anna\npassword = p%1\n"
        "[sftp://b.example.org:2222]\nusername = bert\nprivate_key = ~/k\npassphrase = s\nhost_key = SHA256:x\n"
    )
    environment = {
        "SYNAPSE_AUTH_TOKEN": "t",
        "SYNAPSE_SFTP_URL": "sftp://a.example.org",
        "SYNAPSE_SFTP_USERNAME": "carl",
        "SYNAPSE_SFTP_PASSWORD": "q",
        "SYNAPSE_SFTP_KNOWN_HOSTS": str(tmp_path / "known"),
    }

    config = load_config(environment, config_path=path)

    assert ("carl", "anna", "bert") == tuple(login.username for login in config.sftp_logins)
    assert Secret("s") == config.sftp_logins[2].passphrase
    assert (tmp_path / "known",) == config.known_hosts
