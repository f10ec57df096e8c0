"""What carries our requests, against servers of all kinds: sent once, to the letter, and every failure by its name."""

import asyncio
import contextlib
import gzip
import socket
import struct

import httpx
import pytest

from storage_core.synapse.carrier import DIRECT, AiohttpCarrier, way_out

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SIGNED = "/a?X-Amz-Signature=planted-signature"
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout)


class Server:
    """Answers the n-th request on a connection with the n-th of *answers*; None breaks the connection."""

    def __init__(self, *answers: bytes | None, takes_bodies: bool = True) -> None:
        self.answers = answers
        self.takes_bodies = takes_bodies
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        self.tasks.append(asyncio.create_task(self._answer(reader, writer)))

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            for answer in self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if not self.takes_bodies:
                    await asyncio.sleep(3)
                self.bodies.append(await reader.readexactly(_length(head)))
                if answer is None:
                    _reset(writer)
                    return
                writer.write(answer)
                await writer.drain()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def with_client(server: Server, work, **timeout: float):
    """Run *work* with a client and the address of *server*."""

    async def story():
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        times = httpx.Timeout(timeout.get("read", 5.0), write=timeout.get("write", 5.0), connect=5.0)
        async with httpx.AsyncClient(**way_out(), timeout=times) as client:
            try:
                return await work(client, base)
            finally:
                listening.close()
                await server.end()

    return asyncio.run(story())


async def _pieces(*pieces: bytes, pause: float = 0.0, error: Exception | None = None):
    for piece in pieces:
        await asyncio.sleep(pause)
        yield piece
    if error is not None:
        raise error


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET", "POST"])
def test_a_request_on_a_kept_connection_that_breaks_is_not_sent_again(method):
    server = Server(OK, None)

    async def work(client, base):
        await client.get(f"{base}/first")
        with pytest.raises(httpx.TransportError) as caught:
            await client.request(method, base + SIGNED)
        return caught.value

    error = with_client(server, work)

    assert not isinstance(error, NOT_SENT)
    assert len(server.heads) == 2
    assert "planted-signature" not in str(error)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, httpx.ReadError),
        (b"", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Le", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf", httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", httpx.RemoteProtocolError),
    ],
)
def test_an_answer_that_breaks_off_may_have_been_given_to_a_request_that_arrived(answer, expected):
    async def work(client, base):
        with pytest.raises(expected) as caught:
            await client.put(base + SIGNED, content=b"body")
        return caught.value

    error = with_client(Server(answer), work)

    assert "planted-signature" not in str(error)


def test_nobody_listening_means_that_nothing_was_sent():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]

        async def story():
            async with httpx.AsyncClient(**way_out()) as client:
                await client.put(f"http://127.0.0.1:{port}{SIGNED}", content=b"body")

        with pytest.raises(httpx.ConnectError, match="refused") as caught:
            asyncio.run(story())

    assert "planted-signature" not in str(caught.value)


def test_a_connection_that_does_not_come_about_in_time_means_that_nothing_was_sent():
    """A listener whose queue is full answers no further knock."""
    with socket.socket() as deaf, contextlib.ExitStack() as knocking:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        for _ in range(4):
            knock = knocking.enter_context(socket.socket())
            knock.setblocking(False)
            knock.connect_ex(address)

        async def story():
            async with httpx.AsyncClient(**way_out(), timeout=httpx.Timeout(5, connect=0.3)) as client:
                await client.put(f"http://127.0.0.1:{address[1]}{SIGNED}", content=b"body")

        with pytest.raises(httpx.ConnectTimeout) as caught:
            asyncio.run(story())

    assert "planted-signature" not in str(caught.value)


def test_a_server_that_thinks_too_long_runs_into_the_time_for_reading():
    async def work(client, base):
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"{base}/slow")

    with_client(Server(OK, takes_bodies=False), work, read=0.2)


def test_a_server_that_takes_nothing_runs_into_the_time_for_writing():
    async def work(client, base):
        with pytest.raises(httpx.WriteTimeout):
            await client.put(f"{base}/stuck", content=b"x" * (32 << 20))

    with_client(Server(OK, takes_bodies=False), work, write=0.2, read=60.0)


def test_a_source_that_is_slow_does_not_run_into_any_time():
    server = Server(OK)

    async def work(client, base):
        content = _pieces(b"ab", b"cd", pause=0.4)
        return await client.put(f"{base}/slow", content=content, headers={"Content-Length": "4"})

    assert with_client(server, work, write=0.2, read=0.2).status_code == 200
    assert server.bodies == [b"abcd"]


@pytest.mark.parametrize("pieces", [(), (b"abcd",), (b"ab", b"", b"cd")])
def test_whatever_makes_a_body_has_come_to_its_end_when_the_answer_is_there(pieces):
    server = Server(OK)
    ended = []

    async def content():
        for piece in pieces:
            yield piece
        await asyncio.sleep(0.2)
        ended.append(True)

    async def work(client, base):
        length = {"Content-Length": str(len(b"".join(pieces)))}
        assert (await client.put(f"{base}/a", content=content(), headers=length)).status_code == 200
        return list(ended)

    assert with_client(server, work) == [True]
    assert server.bodies == [b"".join(pieces)]


def test_what_goes_wrong_while_a_body_is_made_comes_back_as_it_is():
    class DiskFullError(Exception):
        pass

    async def work(client, base):
        with pytest.raises(DiskFullError):
            await client.put(
                f"{base}/a", content=_pieces(b"ab", error=DiskFullError()), headers={"Content-Length": "4"}
            )

    with_client(Server(OK), work)


@pytest.mark.parametrize("pieces", [(b"ab",), (b"abcd", b"e")])
def test_a_body_of_another_length_than_announced_is_not_sent(pieces):
    async def work(client, base):
        with pytest.raises(httpx.LocalProtocolError, match="4 were announced"):
            await client.put(f"{base}/a", content=_pieces(*pieces), headers={"Content-Length": "4"})

    with_client(Server(OK), work)


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_000])
def test_a_body_arrives_as_it_was_given(size):
    server = Server(OK)
    content = bytes(range(256)) * (size // 256 + 1)

    async def work(client, base):
        return await client.put(f"{base}/a", content=content[:size])

    assert with_client(server, work).content == b"ok"
    assert server.bodies == [content[:size]]


def test_the_address_is_sent_to_the_letter():
    server = Server(OK)
    target = "/bucket/a/../b%2Fc%20d+e/%E2%82%AC?x=%2F&y=a+b&z"

    async def work(client, base):
        await client.get(f"{base}/other", extensions={"target": target.encode()})

    with_client(server, work)

    assert server.heads[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


def test_nothing_is_added_to_what_was_signed():
    server = Server(OK)

    async def work(client, base):
        request = httpx.Request("PUT", f"{base}/a", content=b"body", headers=[(b"X-Mine", "ä".encode())])
        await client.send(request)

    with_client(server, work)

    names = {line.split(b":")[0].lower() for line in server.heads[0].split(b"\r\n")[1:] if line}
    assert names == {b"host", b"content-length", b"x-mine"}
    assert "X-Mine: ä\r\n".encode() in server.heads[0]


def test_a_header_that_would_begin_another_one_is_refused():
    server = Server(OK)

    async def work(client, base):
        with pytest.raises(httpx.LocalProtocolError):
            await client.get(f"{base}/a", headers={"X-Mine": "a\r\nX-Other: b"})

    with_client(server, work)

    assert server.heads == []


def test_a_compressed_answer_is_unpacked_once():
    body = gzip.compress(b'{"a":1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def work(client, base):
        return (await client.get(f"{base}/a")).json()

    assert with_client(Server(head + body), work) == {"a": 1}


def test_no_cookie_is_kept_by_the_carrier():
    server = Server(b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1\r\nContent-Length: 0\r\n\r\n", OK)

    async def work(client, base):
        await client.get(f"{base}/a")
        client.cookies.clear()
        await client.get(f"{base}/b")

    with_client(server, work)

    assert b"cookie" not in server.heads[1].lower()


@pytest.mark.parametrize(("reads_it_all", "connections"), [(True, 1), (False, 2)])
def test_a_connection_is_used_again_when_its_answer_was_read(reads_it_all, connections):
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    server = Server(long, OK)

    async def work(client, base):
        async with client.stream("GET", f"{base}/long") as response:
            async for _ in response.aiter_raw(1000):
                if not reads_it_all:
                    break
        server.answers = server.answers if reads_it_all else (OK,)
        return await client.get(f"{base}/next")

    assert with_client(server, work).content == b"ok"
    assert server.connections == connections


def test_an_address_that_is_none_is_refused():
    async def story():
        async with httpx.AsyncClient(**way_out()) as client:
            await client.get("ftp://127.0.0.1/a")

    with pytest.raises(httpx.UnsupportedProtocol):
        asyncio.run(story())


def test_behind_a_proxy_httpx_carries_itself_and_this_machine_is_asked_directly(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(way_out()["transport"], AiohttpCarrier)

    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    assert way_out()["transport"] is None
    assert way_out()["mounts"] is DIRECT
