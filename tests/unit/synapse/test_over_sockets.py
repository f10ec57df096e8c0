"""The transport with real connections: how many there are, and what the HTTP libraries log of them."""

import asyncio
import contextlib
import dataclasses
import logging

import pytest

from storage_core.errors import ServiceUnavailable
from storage_core.plan.retrying import Patience
from storage_core.synapse.calls import RestCall
from storage_core.synapse.clock import SystemClock
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.presigned import PartCopied, PresignedSender
from storage_core.synapse.transport import Transport

READ = RestCall(method="GET", path="/userProfile", repeat_safe=True)
OBJECT = b'{"ownerId":"3412"}'


class Counted:
    """A tiny server: counts connections and calls in flight, and answers what it was told to."""

    def __init__(self, answer=None):
        self.answer = answer or _http(200, OBJECT)
        self.connections = self.inside = self.most_inside = 0
        self.seen = []

    async def serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.seen.append(head)
                self.inside += 1
                self.most_inside = max(self.most_inside, self.inside)
                await asyncio.sleep(0.002)
                self.inside -= 1
                writer.write(self.answer)
                await writer.drain()
        writer.close()


def _http(status, body, *more):
    head = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(head).encode() + body


def served(config, server, work):
    """Run *work* with the configuration that points at *server*."""

    async def story():
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        here = dataclasses.replace(config, repo_endpoint=f"http://127.0.0.1:{port}/repo/v1")
        limiter = CallLimiter(
            folder=config.state_folder, endpoint=here.repo_endpoint, calls_in_flight=3, calls_per_minute=600
        )
        try:
            async with Transport(here, limiter, SystemClock()) as transport, PresignedSender(here) as sender:
                return await work(transport, sender, port)
        finally:
            limiter.close()
            listening.close()
            await asyncio.sleep(0)

    return asyncio.run(story())


def test_forty_calls_at_once_use_three_connections(config):
    server = Counted(_http(200, OBJECT, "Set-Cookie: sessionID=abc; Path=/; HttpOnly"))

    async def work(transport, _sender, _port):
        await asyncio.gather(*(transport.send(READ) for _ in range(40)))

    served(config, server, work)

    assert 40 == len(server.seen)
    assert 3 == server.most_inside
    assert 3 >= server.connections
    assert not [head for head in server.seen if b"cookie" in head.lower()]
    assert all(head.startswith(b"GET /repo/v1/userProfile HTTP/1.1\r\n") for head in server.seen)


def test_no_log_of_any_library_holds_a_credential(config, caplog):
    """Everything is logged at DEBUG: token, presigned address, and a redirect to one."""
    planted = "https://bucket.test/key?X-Amz-Signature=planted-signature"
    server = Counted(_http(200, b"<CopyPartResult><ETag>abc</ETag></CopyPartResult>", f"Location: {planted}"))
    token = config.token.reveal()

    async def work(transport, sender, port):
        copied = await sender.copy_part(
            f"http://127.0.0.1:{port}/key?X-Amz-Credential=planted-credential&X-Amz-Signature=planted-signature",
            (("x-amz-security-token", "planted-session"),),
        )
        with pytest.raises(ServiceUnavailable) as caught:
            await transport.send(READ)
        return copied, caught.value

    with caplog.at_level(logging.DEBUG):
        copied, error = served(config, server, work)

    assert PartCopied(etag="abc") == copied
    assert "storage_core.synapse" in {record.name for record in caplog.records}
    for secret in ("planted-signature", "planted-credential", "planted-session", token):
        assert secret not in caplog.text
        assert secret not in str(error)
    assert [head for head in server.seen if token.encode() in head], "the token was sent, but to Synapse only"
    assert not [head for head in server.seen if b"planted" in head and token.encode() in head]


def test_a_key_that_looks_like_a_way_up_reaches_s3_as_it_was_signed(config):
    server = Counted(_http(200, b"", "ETag: abc"))

    async def work(_transport, sender, port):
        address = f"http://127.0.0.1:{port}/bucket/a/../b/.."
        return [await sender.send_part(f"{address}?sig=1", (), b""), await sender.stream_md5(f"{address}?sig=2")]

    served(config, server, work)

    assert [b"PUT /bucket/a/../b/..?sig=1 HTTP/1.1", b"GET /bucket/a/../b/..?sig=2 HTTP/1.1"] == [
        head.split(b"\r\n")[0] for head in server.seen
    ]


def test_a_closed_port_is_named_soon(config):
    impatient = dataclasses.replace(
        config,
        repo_endpoint="http://127.0.0.1:9/repo/v1",
        patience=Patience(unreachable_seconds=0.05, first_wait_seconds=0.02),
    )

    async def story():
        limiter = CallLimiter(folder=config.state_folder, endpoint="x", calls_in_flight=3, calls_per_minute=600)
        try:
            async with Transport(impatient, limiter, SystemClock()) as transport:
                await transport.send(READ)
        finally:
            limiter.close()

    with pytest.raises(ServiceUnavailable, match=r"http://127\.0\.0\.1:9/repo/v1 cannot be reached"):
        asyncio.run(story())
