"""CPU milliseconds of one exchange over loopback by way of sending. Arguments: the port, how many exchanges.

Prints a JSON object. The server is another process, so its time is not counted.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import httpx

from storage_core.synapse.carrier import AiohttpCarrier
from storage_core.synapse.straight import StraightWay

PORT, COUNT = int(sys.argv[1]), int(sys.argv[2])
ADDRESS = f"http://127.0.0.1:{PORT}/file/v1/file/multipart/1234567/add/1"
QUESTION = {"uploadId": "1234567", "partNumbers": [1], "note": "x" * 200}
HEADERS = {"Authorization": f"Bearer {'x' * 200}", "Accept": "application/json"}
WARM_UP = 30
AT_ONCE = 3

Exchange = Callable[[bytes], Awaitable[bytes]]


async def measured(exchange: Exchange) -> float:
    """Milliseconds of CPU of this process per exchange, JSON both ways included."""

    async def some(count: int) -> None:
        for _ in range(count):
            json.loads(await exchange(json.dumps(QUESTION).encode()))

    await some(WARM_UP)
    began = time.process_time()
    await asyncio.gather(*(some(COUNT // AT_ONCE) for _ in range(AT_ONCE)))
    return 1000 * (time.process_time() - began) / (COUNT // AT_ONCE * AT_ONCE)


class Bare(asyncio.Protocol):
    """The least that an exchange takes: nothing is checked, nothing is timed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is under way yet."""
        self.transport = transport
        self.received = b""
        self.answer: asyncio.Future[bytes] | None = None

    def data_received(self, data: bytes) -> None:
        """Hand over the body when it is whole."""
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if blank and len(body) == int(head.rpartition(b":")[2]) and self.answer is not None:
            self.received = b""
            self.answer.set_result(body)


async def bare() -> float:
    """Nothing but asyncio and a socket."""
    loop = asyncio.get_running_loop()
    idle: list[Bare] = []
    head = f"PUT {ADDRESS} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in HEADERS.items())

    async def exchange(body: bytes) -> bytes:
        line = idle.pop() if idle else (await loop.create_connection(Bare, "127.0.0.1", PORT))[1]
        line.answer = loop.create_future()
        line.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        try:
            return await line.answer
        finally:
            idle.append(line)

    try:
        return await measured(exchange)
    finally:
        for line in idle:
            line.transport.close()


async def by_aiohttp() -> float:
    """By aiohttp and nothing else."""
    async with aiohttp.ClientSession(headers=HEADERS, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def exchange(body: bytes) -> bytes:
            async with session.put(ADDRESS, data=body) as answer:
                return await answer.read()

        return await measured(exchange)


async def straight() -> float:
    """As the product sends."""
    way = StraightWay(HEADERS, httpx.Timeout(60))

    async def exchange(body: bytes) -> bytes:
        return (await way.whole(way.request("PUT", httpx.URL(ADDRESS), content=body))).content

    try:
        return await measured(exchange)
    finally:
        await way.aclose()


async def by_httpx(carrier: httpx.AsyncBaseTransport | None) -> float:
    """A client of httpx around a carrier."""
    async with httpx.AsyncClient(transport=carrier, headers=HEADERS) as client:

        async def exchange(body: bytes) -> bytes:
            return (await client.put(ADDRESS, content=body)).content

        return await measured(exchange)


WAYS = {
    "a bare socket under asyncio": bare,
    "aiohttp alone": by_aiohttp,
    "the product's way: httpx's records, carried by aiohttp": straight,
    "httpx's client, carried by aiohttp": lambda: by_httpx(AiohttpCarrier()),
    "httpx's client, carried by itself": lambda: by_httpx(None),
}

print(json.dumps({name: asyncio.run(way()) for name, way in WAYS.items()}))
