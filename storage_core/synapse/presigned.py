"""Sends to and reads from presigned addresses, with a client that never carries the token.

Nothing is repeated here: an address lives 15 minutes at most, so a repeat often needs a fresh one, and only the
caller can get that. Trouble is a value (`S3Refused`), never an exception (contract 8.5, 8.8).
"""

import asyncio
import hashlib
import logging
import re
import xml.parsers.expat
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

import httpx

from storage_core.config import Config
from storage_core.synapse.redaction import guard_http_logs, redact, shorten
from storage_core.synapse.straight import HeaderFields, StraightWay

_LOG: Final = logging.getLogger("storage_core.synapse")
_LONGEST_DOCUMENT: Final = 1 << 20
_CHUNK: Final = 1 << 20
# the stored bytes are wanted, not what a decoder makes of them
_AS_STORED: Final = ((b"Accept-Encoding", b"identity"),)
_ONE_BYTE: Final = (*_AS_STORED, (b"Range", b"bytes=0-0"))
_ETAG: Final = re.compile(r"[0-9A-Za-z_.+/=-]{1,200}")


class S3Trouble(StrEnum):
    """What to do about S3's refusal (contract 8.8)."""

    EXPIRED = "expired"  # sign again
    SOURCE_CHANGED = "source changed"  # start the copy anew
    NO_SUCH_UPLOAD = "no such upload"  # start the copy anew
    NO_SUCH_OBJECT = "no such object"  # the source is gone
    BUSY = "busy"  # the same again, a little later
    REFUSED = "refused"  # no repeat helps
    MALFORMED = "malformed"  # not an answer S3 gives


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Refused:
    """S3 did not do it, or nobody knows whether it did."""

    trouble: S3Trouble
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCopied:
    """S3 copied the part; `etag` without quotes."""

    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedObject:
    """An object that was read to its end."""

    md5: str
    size_bytes: int


_BY_CODE: Final = {
    "PreconditionFailed": S3Trouble.SOURCE_CHANGED,
    "NoSuchUpload": S3Trouble.NO_SUCH_UPLOAD,
    "NoSuchKey": S3Trouble.NO_SUCH_OBJECT,
    "NoSuchBucket": S3Trouble.NO_SUCH_OBJECT,
    "SlowDown": S3Trouble.BUSY,
    "InternalError": S3Trouble.BUSY,
    "ServiceUnavailable": S3Trouble.BUSY,
    "OperationAborted": S3Trouble.BUSY,
    "RequestTimeout": S3Trouble.BUSY,
    "RequestLimitExceeded": S3Trouble.BUSY,
    "ExpiredToken": S3Trouble.EXPIRED,
    "InvalidObjectState": S3Trouble.REFUSED,
}
_BY_STATUS: Final = {
    403: S3Trouble.EXPIRED,
    404: S3Trouble.NO_SUCH_UPLOAD,
    408: S3Trouble.BUSY,
    412: S3Trouble.SOURCE_CHANGED,
    429: S3Trouble.BUSY,
}


class PresignedSender:
    """Many connections to S3; `async with PresignedSender(...)` or `aclose()` ends it."""

    def __init__(
        self, config: Config, *, http: httpx.AsyncBaseTransport | None = None, busy: Callable[[], None] | None = None
    ) -> None:
        """Open nothing yet; *busy* is called each time S3 asks for less."""
        guard_http_logs()
        self._token = config.token.reveal()
        self._tell_busy = busy
        # whoever sends takes one of the slots first, and their number may change while this lives
        self._way = StraightWay(
            {"Accept": "*/*"},
            httpx.Timeout(config.s3_read_seconds, connect=config.connect_seconds, pool=None),
            http=http,
            log=_LOG,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._way.aclose()

    async def copy_part(self, url: str, headers: Sequence[tuple[str, str]]) -> PartCopied | S3Refused:
        """Let S3 copy one part: every signed header as it is, and no body.

        S3 answers some failures with 200 and an error document; those come back as refusals, too.
        """
        outcome = await self._put(url, headers, b"")
        if isinstance(outcome, S3Refused):
            return outcome
        return _copy_result(outcome.document, self._token)

    async def send_part(self, url: str, headers: Sequence[tuple[str, str]], content: bytes) -> PartCopied | S3Refused:
        """Send the bytes of one part; the ETag is empty where the store gives none."""
        outcome = await self._put(url, headers, content)
        return outcome if isinstance(outcome, S3Refused) else PartCopied(etag=outcome.etag.strip('"'))

    async def stream_part(
        self, url: str, headers: Sequence[tuple[str, str]], content: AsyncIterable[bytes], *, size_bytes: int
    ) -> PartCopied | S3Refused:
        """Send *size_bytes* bytes as they come; the ETag is empty where the store gives none.

        What *content* raises comes through.
        """
        # the length in advance: S3 takes no body without one
        outcome = await self._put(url, (*headers, ("Content-Length", str(size_bytes))), content)
        return outcome if isinstance(outcome, S3Refused) else PartCopied(etag=outcome.etag.strip('"'))

    async def stream_object(
        self, url: str, *, first_byte: int = 0, last_byte: int | None = None, headers: Sequence[tuple[str, str]] = ()
    ) -> AsyncGenerator[bytes | S3Refused, None]:
        """Read stored bytes, as they are stored; a refusal or a broken line is the last thing that comes.

        To be closed when it is not read to its end.
        """
        wanted = {"Accept-Encoding": "identity"} | dict(headers)
        if first_byte or last_byte is not None:
            wanted["Range"] = f"bytes={first_byte}-{'' if last_byte is None else last_byte}"
        try:
            async with self._way.stream(self._request("GET", url, _fields(wanted.items()))) as response:
                refused = await self._unwanted(response, is_range="Range" in wanted)
                if refused is not None:
                    yield refused
                    return
                async for chunk in response.aiter_raw(_CHUNK):
                    yield chunk
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            yield _lost(error, self._token)

    async def etag_of(self, url: str) -> str | S3Refused:
        """The ETag of the object there, unquoted; empty where the store gives none. Reads one byte at most."""
        try:
            # an address signed for GET takes no HEAD
            async with self._way.stream(self._request("GET", url, _ONE_BYTE)) as response:
                # a store that knows no ranges answers 200; its body is left unread
                is_range = response.status_code != httpx.codes.OK
                refused = await self._unwanted(response, is_range=is_range)
                return refused or str(response.headers.get("etag", "")).strip('"')
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _lost(error, self._token)

    async def _unwanted(self, response: httpx.Response, *, is_range: bool) -> S3Refused | None:
        good = httpx.codes.PARTIAL_CONTENT if is_range else httpx.codes.OK
        if response.status_code == good:
            return None
        if is_range and response.status_code == httpx.codes.OK:
            return S3Refused(trouble=S3Trouble.REFUSED, detail="the place gives whole files only")
        if response.status_code == httpx.codes.NOT_FOUND:
            return S3Refused(trouble=S3Trouble.NO_SUCH_OBJECT, detail="S3 answered 404")
        return _refusal(response.status_code, await _document(response), self._token)

    async def _put(
        self, url: str, headers: Sequence[tuple[str, str]], content: bytes | AsyncIterable[bytes]
    ) -> "_Done | S3Refused":
        try:
            async with self._way.stream(self._request("PUT", url, _fields(headers), content)) as response:
                document = await _document(response)
                if response.status_code == httpx.codes.SERVICE_UNAVAILABLE and self._tell_busy is not None:
                    self._tell_busy()
                if response.status_code != httpx.codes.OK:
                    return _refusal(response.status_code, document, self._token)
                return _Done(document=document, etag=response.headers.get("etag", ""))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _lost(error, self._token)

    def _request(
        self, method: str, url: str, headers: HeaderFields, content: bytes | AsyncIterable[bytes] | None = None
    ) -> httpx.Request:
        """A request to that address, to the letter: the signature covers it byte by byte.

        Raises:
            httpx.InvalidURL: it is none.
        """
        address = httpx.URL(url)
        return self._way.request(method, address, headers=headers, content=content, target=_exact_target(url, address))

    async def stream_md5(self, url: str) -> HashedObject | S3Refused:
        """Read the whole object in bounded memory and hash it."""
        md5 = hashlib.md5(usedforsecurity=False)
        size_bytes = 0
        try:
            async with self._way.stream(self._request("GET", url, _AS_STORED)) as response:
                if response.status_code == httpx.codes.NOT_FOUND:
                    return S3Refused(trouble=S3Trouble.NO_SUCH_OBJECT, detail="S3 answered 404")
                if response.status_code != httpx.codes.OK:
                    return _refusal(response.status_code, await _document(response), self._token)
                async for chunk in response.aiter_raw(_CHUNK):
                    # hashing a megabyte takes longer than handing it to a thread, and the loop must stay free
                    await asyncio.to_thread(md5.update, chunk)
                    size_bytes += len(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _lost(error, self._token)
        return HashedObject(md5=md5.hexdigest(), size_bytes=size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    document: bytes
    etag: str


def _fields(headers: Iterable[tuple[str, str]]) -> HeaderFields:
    return [(name.encode("ascii", "replace"), value.encode()) for name, value in headers]


def _exact_target(url: str, address: httpx.URL) -> bytes | None:
    """Path and query of *url*, where *address*, which is *url* as httpx reads it, has them tidied up.

    A key may hold segments such as ``..``, which are taken out there.
    """
    rest = url.partition("://")[2]
    slash = rest.find("/")
    target = rest[slash:].partition("#")[0].encode("ascii", "replace") if slash >= 0 else b""
    return target if target and target != address.raw_path else None


async def _document(response: httpx.Response) -> bytes:
    """Read a short document; what is longer than any of S3's is cut off."""
    document = bytearray()
    async for chunk in response.aiter_bytes():
        document += chunk
        if len(document) > _LONGEST_DOCUMENT:
            break
    return bytes(document)


def _copy_result(document: bytes, token: str) -> PartCopied | S3Refused:
    elements = _elements(document)
    if elements is None:
        return S3Refused(trouble=S3Trouble.MALFORMED, detail=_excerpt(document, token))
    if "Error" in elements:
        # contract 8.5: the copy failed after the status line had been sent
        return _refusal(httpx.codes.OK, document, token)
    etag = elements.get("CopyPartResult/ETag", "").strip().strip('"')
    if _ETAG.fullmatch(etag) is None:
        return S3Refused(trouble=S3Trouble.MALFORMED, detail=_excerpt(document, token))
    return PartCopied(etag=etag)


def _refusal(status: int, document: bytes, token: str) -> S3Refused:
    elements = _elements(document) or {}
    code, message = elements.get("Error/Code", "").strip(), elements.get("Error/Message", "")
    said = f"{code}: {message}" if code else _excerpt(document, token)
    return S3Refused(trouble=_trouble(status, code), detail=shorten(redact(f"S3 answered {status}, {said}", token)))


def _trouble(status: int, code: str) -> S3Trouble:
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.OK:
        return S3Trouble.BUSY
    return _BY_STATUS.get(status, S3Trouble.REFUSED)


def _lost(error: Exception, token: str) -> S3Refused:
    trouble = S3Trouble.BUSY
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        trouble = S3Trouble.MALFORMED
    return S3Refused(
        trouble=trouble, detail=shorten(redact(f"no answer from S3: {str(error) or type(error).__name__}", token))
    )


def _excerpt(document: bytes, token: str) -> str:
    return shorten(redact(document[:2000].decode("utf-8", "replace"), token), most=160) or "an empty document"


class _DocumentTypeFoundError(Exception):
    """S3 never sends one; it could make a small document a huge one."""


def _elements(document: bytes) -> dict[str, str] | None:
    """Give the text of each element by its path, without namespaces; None when it is no XML."""
    path: list[str] = []
    texts: dict[str, str] = {}

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        texts.setdefault("/".join(path), "")

    def text(data: str) -> None:
        texts["/".join(path)] += data

    def end(_name: str) -> None:
        path.pop()

    def refuse(*_declaration: object) -> None:
        raise _DocumentTypeFoundError

    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        # S3 sends blanks while a long copy runs; nothing may stand before an XML declaration
        parser.Parse(document.lstrip(), True)  # noqa: FBT003 - the parser takes no name here
    except (xml.parsers.expat.ExpatError, _DocumentTypeFoundError):
        return None
    return texts
