"""Addresses on the web, read from nginx over TLS."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storage_core.config import Config
from storage_core.errors import AccessError, TransferBroken, TransferFailed, UsageError
from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.ids import StorageLocationId
from storage_core.model.secret import Secret
from storage_core.model.transfers import UploadDestination
from storage_core.stores.web import WebStore
from tests.conformance.test_byte_stores import ENTITY, StoreBench, local_file, readable_at, upload_of
from tests.servers.cutting import Line, cuttable_line
from tests.servers.nginx import WebServer

pytestmark = [pytest.mark.real_server, pytest.mark.anyio]
MIB = 1 << 20


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(token=Secret("a-token-that-must-stay"), state_folder=tmp_path, connect_seconds=5)


@pytest.fixture
def trusted(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way a user names an authority of their own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(web.certificates.authority))


@pytest.fixture
async def store(config: Config, trusted: None) -> AsyncIterator[WebStore]:
    opened = WebStore(config)
    yield opened
    await opened.aclose()


@pytest.fixture
def cut(web: WebServer) -> Iterator[tuple[Line, str]]:
    with cuttable_line(urlsplit(web.url).port or 0) as line:
        yield line, f"https://localhost:{line.port}"


async def content_of(store: WebStore, url: str, first: int = 0, last: int | None = None) -> bytes:
    async with aclosing(store.read(readable_at(url), first_byte=first, last_byte=last)) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("way", ["files", "whole", "moved"])
async def test_bytes_come_whole_and_in_ranges(web: WebServer, store: WebStore, way: str) -> None:
    """Also from a server that knows no ranges, and from one that sends us elsewhere."""
    content = os.urandom(3 * MIB + 11)
    (web.files / f"{way}.bin").write_bytes(content)
    url = f"{web.url}/{way}/{way}.bin"

    assert content == await content_of(store, url)
    assert content[2_000_000:] == await content_of(store, url, 2_000_000)
    assert content[5:8] == await content_of(store, url, 5, 7)
    assert content[:1] == await content_of(store, url, 0, 0)
    assert len(content) == (await store.stat(readable_at(url))).size_bytes


async def test_an_empty_file_is_empty(web: WebServer, store: WebStore) -> None:
    (web.files / "empty.bin").write_bytes(b"")

    assert b"" == await content_of(store, f"{web.url}/files/empty.bin")
    assert 0 == (await store.stat(readable_at(f"{web.url}/files/empty.bin"))).size_bytes


async def test_names_are_asked_for_as_they_are_written(web: WebServer, store: WebStore) -> None:
    (web.files / "größe 100%+.csv").write_bytes(b"named")

    assert b"named" == await content_of(store, f"{web.url}/files/gr%C3%B6%C3%9Fe%20100%25+.csv")


async def test_a_broken_line_is_said_so_and_reading_goes_on(
    web: WebServer, store: WebStore, cut: tuple[Line, str]
) -> None:
    content = os.urandom(9 * MIB)
    (web.files / "broken.bin").write_bytes(content)
    line, url = cut[0], f"{cut[1]}/files/broken.bin"
    line.cut_after(-4 * MIB)
    got = bytearray()

    async def go_on() -> None:
        async for chunk in store.read(readable_at(url), first_byte=len(got)):
            got.extend(chunk)

    with pytest.raises(TransferBroken, match="the line broke"):
        await go_on()
    assert 0 < len(got) < len(content)
    await go_on()

    assert content == got


async def test_halves_of_two_versions_are_never_joined(web: WebServer, store: WebStore) -> None:
    """The file was replaced between the two readings."""
    url = f"{web.url}/files/replaced.bin"
    (web.files / "replaced.bin").write_bytes(b"first" * 10)
    await content_of(store, url, 0, 24)
    (web.files / "replaced.bin").write_bytes(b"other" * 10)
    os.utime(web.files / "replaced.bin", (1, 1))

    with pytest.raises(TransferFailed, match="was changed while it was read"):
        await content_of(store, url, 25)

    assert b"other" * 10 == await content_of(store, url)


async def test_a_certificate_nobody_vouches_for_is_refused(web: WebServer, config: Config) -> None:
    store = WebStore(config)
    try:
        with pytest.raises(AccessError, match="does not prove who it is") as refused:
            await store.stat(readable_at(f"{web.url}/files/a"))
    finally:
        await store.aclose()

    assert "SSL_CERT_FILE" in refused.value.fix


async def test_another_servers_certificate_is_refused(web: WebServer, store: WebStore) -> None:
    """Signed by somebody we trust, but for another name."""
    port = urlsplit(web.url).port

    with pytest.raises(AccessError, match="does not prove who it is"):
        await store.stat(readable_at(f"https://127.0.0.1:{port}/files/a"))


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("files/nowhere", TransferFailed, "There is nothing at"),
        ("closed/a", AccessError, "was answered 403"),
        ("round/", TransferFailed, "round in circles"),
        ("plain/", AccessError, "leads to http://"),
    ],
)
async def test_what_cannot_be_read_is_explained(
    web: WebServer, store: WebStore, path: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await content_of(store, f"{web.url}/{path}?secret=in-the-query")
    with pytest.raises(error) as refused:
        await store.stat(readable_at(f"{web.url}/{path}?secret=in-the-query"))

    assert "in-the-query" not in str(refused.value)


async def test_a_range_beyond_the_end_is_refused(web: WebServer, store: WebStore) -> None:
    (web.files / "short.bin").write_bytes(b"short")

    with pytest.raises(TransferFailed, match="was answered 416"):
        await content_of(store, f"{web.url}/files/short.bin", 99)


async def test_our_token_goes_to_nobody_else(web: WebServer, store: WebStore) -> None:
    (web.files / "token.bin").write_bytes(b"x")

    await content_of(store, f"{web.url}/files/token.bin")

    assert "authorization" not in {name.lower() for name in store._reader._client.headers}
    assert "a-token" not in web.requests.read_text()


async def test_nothing_is_uploaded_to_a_web_address(store: WebStore, tmp_path: Path) -> None:
    to = UploadDestination(
        entity_id=ENTITY,
        location_id=StorageLocationId(7),
        kind=LocationKind.EXTERNAL_HTTPS,
        upload_type=UploadType.HTTPS,
        url="https://localhost/x",
    )
    bench = StoreBench(store=store, destination=to, readable_of=lambda *_: readable_at(""), objects_there=lambda: 0)

    with pytest.raises(UsageError, match="Nothing can be uploaded") as refused:
        await store.put(upload_of(bench, local_file(tmp_path, b"a")))

    assert "register" in refused.value.fix
