"""S3 calls as they arrive and answers as they leave."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

XML = "application/xml"


class ClientGone(Exception):  # noqa: N818 - it left; nothing is broken
    """The client closed the connection in the middle of its body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Request:
    """One call.

    Attributes:
        path: as it was sent, percent-encoded.
        query_string: as it was sent.
        headers: by lower-case name.
        query: decoded; a member without a value is an empty string.
    """

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    bucket: str
    key: str
    body: AsyncIterator[bytes]

    @property
    def url(self) -> str:
        """The address as the client signed it."""
        base = f"http://{self.headers.get('host', '')}{self.path}"
        return f"{base}?{self.query_string}" if self.query_string else base

    def header(self, name: str) -> str | None:
        """The header's value, or None."""
        return self.headers.get(name)

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "S3Request":
        """Read an ASGI request; path-style addressing."""
        path = bytes(scope["raw_path"]).decode("ascii")
        query_string = bytes(scope["query_string"]).decode("ascii")
        bucket, _, key = path.removeprefix("/").partition("/")
        return cls(
            method=str(scope["method"]),
            path=path,
            query_string=query_string,
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            query=dict(parse_qsl(query_string, keep_blank_values=True)),
            bucket=unquote(bucket),
            key=unquote(key),
            body=_chunks(receive),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Answer:
    """One answer. `stream` is sent instead of `body` when given; `length` is its size."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: Iterable[bytes] | None = None
    length: int | None = None

    async def send(self, send: Send, *, request_id: str, is_head: bool) -> None:
        """Send it; a HEAD request gets everything but the body."""
        length = self.length if self.length is not None else len(self.body)
        headers = {"x-amz-request-id": request_id, **self.headers}
        if self.status not in {204, 304}:
            headers["content-length"] = str(length)
        pairs = [(name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": pairs})
        if self.stream is not None and not is_head:
            for chunk in self.stream:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if is_head else self.body})


def xml_answer(document: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> S3Answer:
    """An answer that carries an XML document."""
    return S3Answer(status=status, headers={"content-type": XML, **(headers or {})}, body=document.encode())


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if message.get("body"):
            yield bytes(message["body"])
        if not message.get("more_body"):
            return
