"""Files behind a file proxy: the sandbox signs, nginx checks, neither knows the other."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from sandbox.synapse.handles import HandleKind as SandboxKind
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import create_location
from storage_core.api.connection import Connection
from storage_core.config import load_config
from storage_core.errors import AccessError, Forbidden, TransferFailed
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.transfers import ObjectFacts, Readable
from storage_core.stores.proxy import ProxyStore
from tests.servers.nginx import SECRET, WebServer

pytestmark = pytest.mark.real_server
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxied:
    """A proxy location in the sandbox, the proxy behind it, and our adapter."""

    sandbox: Sandbox
    web: WebServer
    connection: Connection
    store: ProxyStore

    def behind(self, path: str, content: bytes, *, secret: str = SECRET) -> Readable:
        """Put a file behind the proxy, register it, and say how it may be read."""
        place = self.web.files / path.replace("%20", " ")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return self.registered(path, content, secret=secret)

    def registered(self, path: str, content: bytes, *, secret: str = SECRET) -> Readable:
        world = self.sandbox.world
        owner = world.principals.demo
        location = create_location(
            world,
            owner,
            {
                "concreteType": LocationClass.PROXY.value,
                "proxyUrl": self.web.url,
                "secretKey": secret,
                "uploadType": "PROXYLOCAL",
            },
        )
        handle = world.handles.add(
            world,
            kind=SandboxKind.PROXY,
            created_by=owner.id,
            file_path=path,
            file_name="a b+c.bin",
            content_type="application/octet-stream",
            content_md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            content_size=len(content),
            storage_location_id=location.id,
        )
        return self.readable_of(handle.id)

    def readable_of(self, handle_id: str) -> Readable:
        assert self.sandbox.facts is not None
        handle = FileHandle(
            id=FileHandleId(handle_id),
            kind=HandleKind.PROXY,
            concrete_type="org.sagebionetworks.repo.model.file.ProxyFileHandle",
            storage_location_id=StorageLocationId(7),
        )
        through = EntityId(self.sandbox.facts.root_id)
        return Readable(
            handle=handle, association=Association(handle_id=handle.id, object_id=through, kind=AssociationKind.FILE)
        )

    def read(self, readable: Readable, first: int = 0, last: int | None = None) -> bytes:
        async def reading() -> bytes:
            async with aclosing(self.store.read(readable, first_byte=first, last_byte=last)) as chunks:
                return b"".join([chunk async for chunk in chunks])

        return self.connection.desk.network.run(reading())

    def stat(self, readable: Readable) -> ObjectFacts:
        return self.connection.desk.network.run(self.store.stat(readable))


@pytest.fixture
def proxied(
    start_sandbox: Callable[..., Sandbox], web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxied]:
    monkeypatch.setenv("SSL_CERT_FILE", str(web.certificates.authority))
    sandbox = start_sandbox(scenario="demo")
    settings = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}
    config = load_config(sandbox.environment() | settings)
    with Connection(config) as connection:
        store = ProxyStore(config, connection.desk.remote.catalog, connection.desk.remote.clock)
        yield Proxied(sandbox=sandbox, web=web, connection=connection, store=store)
        connection.desk.network.run(store.aclose())


def test_bytes_come_whole_and_in_ranges(proxied: Proxied) -> None:
    """Also a single byte, which the reference proxy does not take for a range."""
    content = os.urandom(2 * MIB + 7)
    readable = proxied.behind("study%201/a+b.bam", content)

    assert content == proxied.read(readable)
    assert content[1_000_000:] == proxied.read(readable, 1_000_000)
    assert content[0:1] == proxied.read(readable, 0, 0)
    assert content[77:78] == proxied.read(readable, 77, 77)
    assert len(content) == proxied.stat(readable).size_bytes
    asked = [line.split()[-2] for line in proxied.web.requests.read_text().splitlines() if "proxylocal" in line]
    assert "bytes=77-77" not in asked


def test_a_wrong_secret_is_explained(proxied: Proxied) -> None:
    """The location's secret is not the proxy's: no repeat helps."""
    readable = proxied.behind("wrong.bin", b"x", secret="another-secret-of-more-than-36-characters")

    with pytest.raises(AccessError, match="was answered 401") as refused:
        proxied.read(readable)

    assert "secret key" in refused.value.fix
    assert "hmacSignature" not in str(refused.value)


def test_an_address_that_has_expired_is_refused_by_the_proxy(proxied: Proxied) -> None:
    """The clocks of Synapse and the proxy are five minutes apart."""
    readable = proxied.behind("late.bin", b"x")
    proxied.sandbox.clock.shift = timedelta(minutes=-5)

    with pytest.raises(AccessError, match="was answered 401") as refused:
        proxied.read(readable)

    assert "clock" in refused.value.fix


def test_a_file_that_is_not_behind_the_proxy_is_said_so(proxied: Proxied) -> None:
    readable = proxied.registered("nowhere/at/all.bin", b"x")

    with pytest.raises(TransferFailed, match="There is nothing at https://localhost"):
        proxied.read(readable)
    with pytest.raises(TransferFailed, match="There is nothing at https://localhost"):
        proxied.stat(readable)


def test_a_handle_that_may_not_be_read_gets_no_address(proxied: Proxied) -> None:
    with pytest.raises(Forbidden, match="You may not download it"):
        proxied.read(proxied.readable_of("999999999"))
