"""Sends finished requests straight to the carrier, without what `httpx.AsyncClient` does around each.

We follow no redirect and keep no cookie, yet a client looks for both in every answer: that costs as much as carrying
the request (decision 0034). Only behind a proxy a client is asked, since it alone
knows which proxy is for whom.
"""

import logging
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx

from storage_core.synapse.carrier import way_out
from storage_core.synapse.redaction import redact

USER_AGENT: Final = "synapse-storage"
ENCODINGS: Final = "gzip, deflate"
"""Of answers; what httpx undoes without further libraries."""

HeaderFields = Sequence[tuple[bytes, bytes]]


class StraightWay:
    """Makes requests and sends each once; `aclose()` ends it. Belongs to one event loop."""

    def __init__(
        self,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        *,
        http: httpx.AsyncBaseTransport | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            headers: go with each request.
            timeout: of each request that has no other.
            http: instead of the way out.
            log: where each answer is noted at DEBUG, its address without what may be a signature.
        """
        way = way_out(http)
        usual = {"User-Agent": USER_AGENT, "Accept-Encoding": ENCODINGS, "Connection": "keep-alive"} | dict(headers)
        self._headers = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in usual.items())
        self._seconds = timeout.as_dict()
        self._log = log
        self._carrier = way["transport"]
        self._client: httpx.AsyncClient | None = None
        if self._carrier is None:
            # a kept sessionID cookie would put every process into a budget of its own (contract 1.5)
            cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
            self._client = httpx.AsyncClient(**way, cookies=cookies, follow_redirects=False)

    def request(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: HeaderFields = (),
        content: bytes | AsyncIterable[bytes] | None = None,
        timeout: httpx.Timeout | None = None,
        target: bytes | None = None,
    ) -> httpx.Request:
        """Make a request; one of *headers* takes the place of a usual one of the same name.

        Args:
            target: path and query to the letter, where *url* has them tidied up.
        """
        extensions: dict[str, Any] = {"timeout": self._seconds if timeout is None else timeout.as_dict()}
        if target is not None:
            extensions["target"] = target
        own = {name.lower() for name, _ in headers}
        fields = [field for field in self._headers if field[0].lower() not in own]
        return httpx.Request(method, url, headers=[*fields, *headers], content=content, extensions=extensions)

    async def head(self, request: httpx.Request) -> httpx.Response:
        """Send *request*, once; the answer's body is unread, and whoever gets it closes it.

        Raises:
            httpx.TransportError: no answer came; see `carrier.AiohttpCarrier`.
        """
        if self._carrier is not None:
            response = await self._carrier.handle_async_request(request)
        elif self._client is not None:
            response = await self._client.send(request, stream=True)
        else:
            raise RuntimeError("there is neither a carrier nor a client")
        if self._log is not None and self._log.isEnabledFor(logging.DEBUG):
            self._log.debug("%s %s -> %d", request.method, redact(str(request.url)), response.status_code)
        return response

    async def whole(self, request: httpx.Request) -> httpx.Response:
        """Send *request*, once, and read the answer to its end."""
        response = await self.head(request)
        try:
            await response.aread()
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            await response.aclose()
            raise
        return response

    @asynccontextmanager
    async def stream(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """Send *request*, once; what the block leaves unread of the answer is given up."""
        response = await self.head(request)
        try:
            yield response
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for one in (self._carrier, self._client):
            if one is not None:
                await one.aclose()
