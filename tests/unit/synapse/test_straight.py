"""Requests that go straight to their carrier: what a client would have done for them, and what nobody does."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from storage_core.synapse.straight import StraightWay

TIMES = httpx.Timeout(2)
ADDRESS = httpx.URL("https://synapse.test/repo/v1/a")


class BreaksOff(httpx.AsyncByteStream):
    """The beginning of an answer, and then none."""

    def __init__(self) -> None:
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx.ReadError("gone")

    async def aclose(self) -> None:
        self.is_closed = True


class Given(httpx.AsyncBaseTransport):
    """Answers with what it was given, and remembers what it was asked."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.response


def test_a_header_of_a_request_takes_the_place_of_the_usual_one():
    way = StraightWay({"Accept": "application/json"}, TIMES, http=Given(httpx.Response(200)))

    request = way.request("GET", ADDRESS, headers=((b"accept-encoding", b"identity"),))

    assert "identity" == request.headers["accept-encoding"]
    assert "application/json" == request.headers["accept"]
    assert "synapse.test" == request.headers["host"]


def test_a_change_without_a_body_says_that_it_has_none():
    """S3 and Synapse refuse a PUT of unknown length."""
    way = StraightWay({}, TIMES, http=Given(httpx.Response(200)))

    assert "0" == way.request("PUT", ADDRESS).headers["content-length"]
    assert "0" == way.request("PUT", ADDRESS, content=b"").headers["content-length"]


def test_a_redirect_is_an_answer_like_others_and_nothing_follows_it():
    given = Given(httpx.Response(302, headers={"Location": "https://elsewhere.test/"}))
    way = StraightWay({"Authorization": "Bearer token"}, TIMES, http=given)

    response = asyncio.run(way.whole(way.request("GET", ADDRESS)))

    assert 302 == response.status_code
    assert 1 == len(given.asked)


def test_an_answer_that_breaks_off_is_closed():
    """Its connection would stay open, and one of three would be gone."""
    broken = BreaksOff()
    way = StraightWay({}, TIMES, http=Given(httpx.Response(200, stream=broken)))

    with pytest.raises(httpx.ReadError):
        asyncio.run(way.whole(way.request("GET", ADDRESS)))

    assert broken.is_closed


def test_behind_a_proxy_the_proxy_is_asked(monkeypatch):
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: sessionID=1; path=/\r\n\r\nok")
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def story() -> bytes:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        way = StraightWay({"Accept": "application/json"}, TIMES)
        address = httpx.URL("http://synapse.test/repo/v1/a")
        await way.whole(way.request("GET", address))
        answer = await way.whole(way.request("GET", address))
        await way.aclose()
        server.close()
        await server.wait_closed()
        return answer.content

    assert b"ok" == asyncio.run(story())
    assert all(head.startswith(b"GET http://synapse.test/repo/v1/a HTTP/1.1") for head in heads)
    assert b"cookie" not in heads[1].lower()
