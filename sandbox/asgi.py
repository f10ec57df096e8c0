"""The few pieces of ASGI that both servers of the sandbox use."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CUT = "sandbox.cut"
"""The scope extension under which the server offers to cut the connection."""


class BodyTooLarge(Exception):  # noqa: N818 - the caller turns it into a refusal
    """The request body is larger than the caller allows."""


class ClientGone(Exception):  # noqa: N818 - nobody is left to be told
    """The client closed the connection before it had sent the whole request."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole request body; raises ClientGone when it never arrives in full.

    Raises BodyTooLarge, after having read what was sent, when it exceeds *limit*.
    """
    message = await _next(receive)
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        chunks = [body]
        size = len(body)
        while message.get("more_body"):
            message = await _next(receive)
            size += len(message.get("body", b""))
            if size <= limit:
                chunks.append(message.get("body", b""))
        body = b"".join(chunks)
        if size > limit:
            raise BodyTooLarge
    if len(body) > limit:
        raise BodyTooLarge
    return body


async def _next(receive: Receive) -> dict[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


async def send_answer(
    send: Send, status: int, body: bytes, *, content_type: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send a complete answer."""
    fields = [(b"content-length", str(len(body)).encode()), *headers]
    if body:
        fields.append((b"content-type", content_type.encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def halved(send: Send) -> Send:
    """A way to send that loses the second half of whatever it is given; the connection is to be cut afterwards."""

    async def send_half(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return send_half


async def cut_connection(scope: Scope) -> None:
    """Close the connection without an answer, as a failing network does."""
    cut = scope.get("extensions", {}).get(CUT)
    if cut is None:
        raise RuntimeError("this server cannot cut connections")
    cut["abort"]()
    # let the loop tell the protocol, so that it does not complain about the missing answer
    for _ in range(3):
        await asyncio.sleep(0)
