"""Carries httpx's requests with aiohttp: the same interface and errors, for a third of the computing.

httpx stays what the code speaks (requests, answers, errors); this is the part below it that owns sockets. Two promises
of its own, on which nothing doubled depends: a request is put on the line once, and an error says whether it may have
arrived. `httpx.ConnectError` and `httpx.ConnectTimeout` are raised only while there is no connection yet.
"""

import asyncio
import os
import ssl
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, TypedDict, cast

import aiohttp
import httpx
from yarl import URL

_PIECE: Final = 1 << 18
_SMALL: Final = 1 << 16
"""Such a body fits into the buffer of a connection: handing it over takes no waiting."""
_LONGEST_HEADER: Final = 1 << 16
_KEPT_SECONDS: Final = 30.0
_OURS_ALONE: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp would add where httpx says nothing: S3 would keep a content type that nobody chose."""
# an address on this machine is never asked through a proxy, whatever the environment says
DIRECT: Final[dict[str, httpx.AsyncBaseTransport | None]] = {
    "all://127.0.0.1": None,
    "all://localhost": None,
    "all://[::1]": None,
}


class Way(TypedDict):
    """How an `httpx.AsyncClient` reaches others: given to it as arguments."""

    transport: httpx.AsyncBaseTransport | None
    mounts: dict[str, httpx.AsyncBaseTransport | None] | None
    limits: httpx.Limits


def way_out(given: httpx.AsyncBaseTransport | None = None, *, connections: int | None = None) -> Way:
    """The way to others; *given* where there is one. At most *connections* are open at a time, None: any number.

    Behind a proxy it is httpx's own carrier, which knows all kinds of proxies.
    """
    limits = httpx.Limits(max_connections=connections, keepalive_expiry=_KEPT_SECONDS)
    if given is not None:
        return Way(transport=given, mounts=None, limits=limits)
    if {"http", "https", "all"} & urllib.request.getproxies().keys():
        return Way(transport=None, mounts=DIRECT, limits=limits)
    return Way(transport=AiohttpCarrier(connections=connections), mounts=None, limits=limits)


class AiohttpCarrier(httpx.AsyncBaseTransport):
    """Opens connections when they are needed and keeps them for half a minute; belongs to one event loop."""

    def __init__(self, *, connections: int | None = None) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._certificates: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Put *request* on the line, once, and come back with the head of the answer.

        Raises:
            ConnectError, ConnectTimeout: no connection came about, so nothing was sent.
            ReadError, ReadTimeout, WriteError, WriteTimeout, RemoteProtocolError: it may have arrived.
            LocalProtocolError, UnsupportedProtocol: there is no sending such a thing.
        """
        times = request.extensions.get("timeout", {})
        body = _Body(request, times.get("write"))
        try:
            with _translated(body):
                async with body.alarm:
                    answer = await self._opened().request(
                        request.method,
                        _address(request),
                        headers=_headers(request),
                        data=body.content,
                        allow_redirects=False,
                        ssl=self._trusted(request),
                        timeout=aiohttp.ClientTimeout(
                            connect=times.get("connect"),
                            sock_connect=times.get("connect"),
                            sock_read=times.get("read"),
                        ),
                    )
        finally:
            body.is_watched = False
        return httpx.Response(
            status_code=answer.status,
            headers=list(answer.raw_headers),
            stream=_AnswerBody(answer),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": (answer.reason or "").encode("ascii", "replace")},
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # httpx keeps cookies, redirects, decoding and proxies to itself
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections or 0, keepalive_timeout=_KEPT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_OURS_ALONE,
                auto_decompress=False,
                trust_env=False,
                read_bufsize=_PIECE,
                max_line_size=_LONGEST_HEADER,
                max_field_size=_LONGEST_HEADER,
            )
            # aiohttp sends PUT and DELETE again on its own when a kept connection breaks: a second version, perhaps
            self._session._retry_connection = False  # noqa: SLF001 - there is no other switch; a test watches it
        return self._session

    def _trusted(self, request: httpx.Request) -> ssl.SSLContext | bool:
        if request.url.scheme != "https":
            return True
        if self._certificates is None:
            self._certificates = httpx.create_ssl_context()
        return self._certificates


class _Body:
    """What a request sends: it says what went wrong while it was made, and when nobody took it.

    Attributes:
        content: what aiohttp is given.
        alarm: runs out when a piece is not taken for as long as the request's time for writing says.
        error: what making the body raised; it is the caller's own and goes back to it as it is.
    """

    def __init__(self, request: httpx.Request, seconds: float | None) -> None:
        self.alarm = asyncio.timeout(None)
        self.error: BaseException | None = None
        self.is_watched = True
        self._seconds = seconds
        length = request.headers.get("content-length", "")
        self._length = int(length) if length.isdecimal() else None
        self.content: bytes | AsyncIterator[bytes] | None
        try:
            whole = request.content
        except httpx.RequestNotRead:
            self.content = self._pieces(cast("AsyncIterable[bytes]", request.stream))
        else:
            self.content = (whole or None) if len(whole) <= _SMALL else self._pieces(_cut(whole))

    async def _pieces(self, made: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        size, held = 0, b""
        try:
            async for piece in made:
                size += len(piece)
                self._require(may_end_here=False, size=size)
                if held:
                    self._watch(self._seconds)
                    yield held
                    self._watch(None)
                held = piece
            self._require(may_end_here=True, size=size)
            # only now: aiohttp asks for no more when the announced length is there, and whatever makes the body
            # wants to come to its end
            self._watch(self._seconds)
            yield held
            self._watch(None)
        except Exception as error:
            self.error = error
            raise

    def _require(self, *, may_end_here: bool, size: int) -> None:
        # the server would wait for the rest, and take what is too much for the next request
        if self._length is not None and (size > self._length or (may_end_here and size < self._length)):
            raise httpx.LocalProtocolError(f"{size} bytes came where {self._length} were announced")

    def _watch(self, seconds: float | None) -> None:
        if self.is_watched:
            self.alarm.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


async def _cut(whole: bytes) -> AsyncIterator[bytes]:
    view = memoryview(whole)
    for start in range(0, len(whole), _PIECE):
        yield bytes(view[start : start + _PIECE])


class _AnswerBody(httpx.AsyncByteStream):
    """The bytes of an answer, as they are on the line."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated(None):
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        """Keep the connection when everything was read, close it otherwise: the rest may be terabytes."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


def _address(request: httpx.Request) -> URL:
    """The address to the letter: a signature covers it, so nothing may be tidied up."""
    target = request.extensions.get("target", request.url.raw_path).decode("ascii")
    url = request.url
    if url.scheme not in {"http", "https"} or not url.host:
        raise httpx.UnsupportedProtocol(f"The address begins with neither http:// nor https:// ({url.scheme}).")
    return URL(f"{url.scheme}://{url.netloc.decode('ascii')}{target}", encoded=True)


def _headers(request: httpx.Request) -> list[tuple[str, str]]:
    # how a body without a length is cut up is up to whoever sends it
    return [
        (name.decode("ascii"), value.decode("utf-8", "surrogateescape"))
        for name, value in request.headers.raw
        if name.lower() != b"transfer-encoding"
    ]


@contextmanager
def _translated(body: _Body | None) -> Iterator[None]:
    """Raise httpx's errors for aiohttp's.

    aiohttp's own texts hold whole addresses, signatures included, so they are not passed on.
    """
    try:
        yield
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if body is not None and body.error is not None:
            raise body.error from None
        raise _httpx_error(error) from error


_SAID_BY_HTTPX: Final[tuple[tuple[type[Exception], type[httpx.TransportError], str], ...]] = (
    # the first that fits; without a text, what the system said. Only the first four mean that nothing was sent
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, "no connection in time"),
    (aiohttp.ClientConnectorError, httpx.ConnectError, ""),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol, "this is no address"),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol, "this is no address on the web"),
    (aiohttp.SocketTimeoutError, httpx.ReadTimeout, "no answer in time"),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError, "the server closed the connection without an answer"),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError, "the connection ended in the middle of the answer"),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError, "the answer is no HTTP"),
    (aiohttp.ClientError, httpx.ReadError, ""),
    (TimeoutError, httpx.WriteTimeout, "nobody took in time what was sent"),
    (OSError, httpx.ReadError, ""),
    (ValueError, httpx.LocalProtocolError, "a header holds what no header may hold"),
)


def _httpx_error(error: Exception) -> httpx.TransportError:
    for theirs, ours, text in _SAID_BY_HTTPX:
        if isinstance(error, theirs):
            return ours(text or _said(error))
    return httpx.ReadError(type(error).__name__)


def _said(error: Exception) -> str:
    """What the system said, without addresses."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        error = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    if isinstance(error, ssl.SSLError):
        return str(error).partition(" (_ssl.c")[0]
    if isinstance(error, OSError) and error.errno is not None:
        # the numbers of name look-ups are negative, and their words are in the error
        return os.strerror(error.errno) if error.errno > 0 else error.strerror or type(error).__name__
    return "the connection broke" if isinstance(error, aiohttp.ClientError) else type(error).__name__
