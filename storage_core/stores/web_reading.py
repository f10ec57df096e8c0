"""Reads addresses on the web: certificates checked, redirects followed where they are safe, ranges.

Never with our token, nor with anybody's cookies.
"""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import httpx

from storage_core.config import Config
from storage_core.errors import AccessError, SynapseStorageError, TransferBroken, TransferFailed
from storage_core.synapse.carrier import way_out
from storage_core.synapse.redaction import guard_http_logs, redact, shorten
from storage_core.synapse.straight import USER_AGENT

_CHUNK = 1 << 20
_MOST_REDIRECTS = 10
_AGAIN = "Run the same command again; it goes on from here."
_REFUSED = frozenset({401, 403, 407})
_GONE = frozenset({404, 410})
_BUSY = frozenset({408, 425, 429})
_UNHEAD = frozenset({400, 403, 405, 501})
"""How servers answer that do not know HEAD, or whose signature is for GET only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFacts:
    """What the server said before the bytes; `version` changes when they do, and is None where nobody can tell."""

    size_bytes: int | None
    version: str | None


class WebReader:
    """One client for all addresses; `aclose()` ends it."""

    def __init__(self, config: Config, *, when_refused: str) -> None:
        """*when_refused* is what a person can do when the server says 401 or 403."""
        guard_http_logs()
        self._when_refused = when_refused
        self._client = httpx.AsyncClient(
            **way_out(connections=config.s3_connections),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(config.s3_read_seconds, connect=config.connect_seconds, pool=None),
            follow_redirects=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def stream(
        self, url: str, first_byte: int, last_byte: int | None, *, version: str | None = None
    ) -> AsyncGenerator[bytes | WebFacts, None]:
        """The facts, then the bytes from *first_byte* to *last_byte*, inclusive; as they are stored.

        A server that knows no ranges sends the whole, of which the rest is passed over.

        Raises:
            TransferFailed: what is there now is not *version*, or nothing is there.
            TransferBroken, AccessError: see `ports.transfers`.
        """
        wanted = {}
        if first_byte or last_byte is not None:
            wanted["Range"] = f"bytes={first_byte}-{'' if last_byte is None else last_byte}"
        with _translated(url):
            async with self._answered("GET", url, wanted) as response:
                facts = _facts(response)
                _require_version(url, facts, version)
                yield facts
                skip = 0 if response.status_code == httpx.codes.PARTIAL_CONTENT else first_byte
                left = None if last_byte is None else last_byte + 1 - first_byte
                async with aclosing(cut(response.aiter_raw(_CHUNK), skip, left)) as chunks:
                    async for chunk in chunks:
                        yield chunk

    async def facts(self, url: str) -> WebFacts:
        """What the server says without sending the bytes; asked with GET where it does not know HEAD."""
        with _translated(url):
            try:
                async with self._answered("HEAD", url, {}) as response:
                    return _facts(response)
            except _HeadRefusedError:
                async with self._answered("GET", url, {}) as response:
                    return _facts(response)

    @asynccontextmanager
    async def _answered(self, method: str, url: str, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        """The first answer that is no redirect."""
        for _ in range(_MOST_REDIRECTS):
            async with self._client.stream(method, url, headers=headers) as response:
                if not response.has_redirect_location:
                    self._require_good(response, method)
                    yield response
                    return
                url = _next_url(url, response.headers["location"])
        raise TransferFailed(f"{_shown(url)} leads round in circles.", fix="Correct the address.")

    def _require_good(self, response: httpx.Response, method: str) -> None:
        status, url = response.status_code, _shown(str(response.url))
        if status in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
            return
        if method == "HEAD" and status in _UNHEAD:
            raise _HeadRefusedError
        raise self._refusal(status, url)

    def _refusal(self, status: int, url: str) -> SynapseStorageError:
        what = f"{url} was answered {status}."
        if status in _GONE:
            return TransferFailed(f"There is nothing at {url}.", fix="Ask its owner where the file went.")
        if status in _REFUSED:
            return AccessError(what, fix=self._when_refused)
        if status in _BUSY or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return TransferBroken(what, fix=_AGAIN)
        return TransferFailed(what, fix="Ask its owner whether the file was changed.")


class _HeadRefusedError(Exception):
    """Perhaps GET works."""


def _next_url(url: str, location: str) -> str:
    following = urljoin(url, location)
    scheme = urlsplit(following).scheme
    if scheme != "https" and (scheme != "http" or urlsplit(url).scheme == "https"):
        raise AccessError(
            f"{_shown(url)} leads to {_shown(following)}, where nobody could tell who answers.",
            fix="Correct the address, or ask who runs that server.",
        )
    return following


def _facts(response: httpx.Response) -> WebFacts:
    length = response.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else None
    total = response.headers.get("content-range", "").rpartition("/")[2]
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        size = int(total) if total.isdecimal() else None
    etag = response.headers.get("etag", "")
    # weak ones say "much the same", which is not enough to join two halves
    strong = etag if etag and not etag.startswith("W/") else None
    return WebFacts(size_bytes=size, version=strong or response.headers.get("last-modified"))


def _require_version(url: str, facts: WebFacts, version: str | None) -> None:
    if version is not None and facts.version != version:
        raise TransferFailed(
            f"{_shown(url)} was changed while it was read.", fix="Run again; what was read is thrown away."
        )


async def cut(chunks: AsyncIterator[bytes], skip: int, left: int | None) -> AsyncGenerator[bytes, None]:
    """Pass over *skip* bytes, then give at most *left*."""
    async for chunk in chunks:
        rest = memoryview(chunk)[skip:]
        skip = max(0, skip - len(chunk))
        if left is not None:
            rest = rest[:left]
            left -= len(rest)
        if rest:
            yield bytes(rest)
        if left == 0:
            return


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn what the library raises into our errors."""
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
        raise TransferFailed(f"{_shown(url)} is no address.", fix="Correct it.") from error
    except httpx.HTTPError as error:
        why = shorten(redact(str(error) or type(error).__name__), most=160)
        if _is_about_the_certificate(error):
            raise AccessError(
                f"{_shown(url)}: the server shows a certificate that does not prove who it is ({why}).",
                fix="Ask who runs it. An authority of your own is named by SSL_CERT_FILE.",
            ) from error
        raise TransferBroken(f"{_shown(url)}: the line broke ({why}).", fix=_AGAIN) from error


def _is_about_the_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _shown(url: str) -> str:
    """The address without its query and user: either may be a credential."""
    return redact(url).partition("?")[0]
