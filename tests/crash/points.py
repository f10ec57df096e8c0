"""The boundaries at which a process can die, numbered as they are passed; the process dies at a chosen one.

Runs inside the victim (`victim.py`), never inside a test. It is put around the libraries the product stands on, not
into the product: every HTTP request of httpx and of boto3, every connection of DuckDB, every rename. A phase that is
added later is numbered without a change here.
"""

import asyncio
import os
import queue
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx
from botocore.httpsession import URLLib3Session

_NUMBER = re.compile(r"(?<=/)(?:syn)?\d+(?=/|$)")
_QUIET_SECONDS = 0.015
_POLL_SECONDS = 0.001


class Points:
    """Counts boundaries, writes each to a trace before it is passed, and ends the process at one of them.

    A point is the n-th boundary of one name: that is the same from run to run, even where threads overtake each other.
    """

    def __init__(self, trace: int, kill_at: tuple[str, int] | None) -> None:
        self._trace = trace
        self._kill_at = kill_at
        self._lock = threading.Lock()
        self._passed: Counter[str] = Counter()

    def at(self, label: str) -> None:
        """Pass a boundary; at the chosen one the process is gone before this returns."""
        with self._lock:
            self._passed[label] += 1
            os.write(self._trace, f"{self._passed[label]}\t{label}\n".encode())
            if (label, self._passed[label]) == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)


class Traffic:
    """How many requests are open, and since when nothing has moved."""

    def __init__(self) -> None:
        self.open = 0
        self.moved = time.monotonic()

    def is_quiet(self) -> bool:
        """Whether nothing is on its way to a server, and nothing has been for a moment."""
        return self.open == 0 and time.monotonic() - self.moved > _QUIET_SECONDS


def install(points: Points, *, order: str, synapse: str) -> None:
    """Number everything from here on.

    Args:
        order: "prompt": no request leaves before everything that has come back is committed. "late": nothing is
            committed before no more requests can leave. "free": as it comes. The first two are the two ends of what
            threads may do, and make the numbering the same in every run.
        synapse: host and port of Synapse; every other host is S3.
    """
    traffic = Traffic()
    mailbox = _mailbox(order, traffic)
    _number_requests(points, traffic, mailbox, synapse)
    _number_own_requests(points, traffic, mailbox)
    _number_database(points)
    _number_renames(points)


class _Mailbox(queue.SimpleQueue[Any]):
    """The queue between network and index, with the order of the two imposed. One reader."""

    def __init__(self, order: str, traffic: Traffic, all_of_them: list["_Mailbox"]) -> None:
        super().__init__()
        self._order = order
        self._traffic = traffic
        self.is_reading = False
        all_of_them[:] = [self]

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Pass on what came back."""
        self._traffic.moved = time.monotonic()
        super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the next; in the late order not before the network has come to rest."""
        if self._order == "late" and block:
            give_up = time.monotonic() + 5
            while not self._traffic.is_quiet() and time.monotonic() < give_up:
                time.sleep(_POLL_SECONDS)
        self.is_reading = True
        try:
            return super().get(block, timeout)
        finally:
            self.is_reading = False

    @property
    def is_settled(self) -> bool:
        """Whether everything that was put in is committed."""
        return self.empty() and self.is_reading


def _mailbox(order: str, traffic: Traffic) -> list[_Mailbox]:
    """Have the driving loop use our queue; the list holds the one in use."""
    in_use: list[_Mailbox] = []
    if order != "free":
        from storage_core.steps import driving  # late: the victim decides when the product is imported

        made = SimpleNamespace(SimpleQueue=lambda: _Mailbox(order, traffic, in_use), Empty=queue.Empty)
        driving.__dict__["queue"] = made
        driving.__dict__["COMMIT_AT_MOST"] = 1
    return in_use


def _number_requests(points: Points, traffic: Traffic, mailbox: list[_Mailbox], synapse: str) -> None:
    from storage_core.synapse.carrier import AiohttpCarrier  # late: the victim decides when the product is imported

    original = AiohttpCarrier.handle_async_request

    async def numbered(self: AiohttpCarrier, request: httpx.Request) -> httpx.Response:
        if mailbox and mailbox[0]._order == "prompt":
            await _settled(mailbox)
        label = call_label(request, synapse)
        points.at(f"before {label}")
        traffic.open += 1
        try:
            response = await original(self, request)
        finally:
            traffic.open -= 1
            traffic.moved = time.monotonic()
        # the status line is here, so whatever the call was to do is done; nobody has looked at the answer yet
        points.at(f"after {label}")
        return response

    AiohttpCarrier.handle_async_request = numbered  # type: ignore[method-assign]


def _number_own_requests(points: Points, traffic: Traffic, mailbox: list[_Mailbox]) -> None:
    """Requests with the user's own keys, which leave from threads."""
    original = URLLib3Session.send
    lock = threading.Lock()

    def count(change: int) -> None:
        with lock:
            traffic.open += change
            traffic.moved = time.monotonic()

    def numbered(self: Any, request: Any) -> Any:
        give_up = time.monotonic() + 1
        while mailbox and mailbox[0]._order == "prompt" and not mailbox[0].is_settled and time.monotonic() < give_up:
            time.sleep(_POLL_SECONDS)
        label = own_label(request.method, request.url)
        points.at(f"before {label}")
        count(1)
        try:
            response = original(self, request)
        finally:
            count(-1)
        points.at(f"after {label}")
        return response

    URLLib3Session.send = numbered


def own_label(method: str, url: str) -> str:
    """Name a request of boto3's by what it is about."""
    address = urlsplit(url)
    query = address.query
    if "partNumber=" in query:
        kind = "part"
    elif "upload" in query.lower():
        kind = "upload"
    else:
        kind = "object" if address.path.count("/") > 1 else "bucket"
    return f"own keys {method} {kind}"


async def _settled(mailbox: list[_Mailbox]) -> None:
    give_up = time.monotonic() + 1
    while not mailbox[0].is_settled and time.monotonic() < give_up:  # the other side is a thread
        await asyncio.sleep(_POLL_SECONDS)


def call_label(request: httpx.Request, synapse: str) -> str:
    """Name a call as the contract does: method and path, with # for numbers and ids."""
    address = urlsplit(str(request.url))
    if address.netloc != synapse:
        is_part = "partNumber" in address.query
        return f"S3 {request.method} {'part' if is_part else 'object'}"
    path = _NUMBER.sub("#", address.path)
    path = re.sub(r"^/(repo|file|auth)/v1", "", path)
    more = "?newVersion=true" if "newVersion=true" in address.query else ""
    return f"{request.method} {path}{more}"


class _Numbered:
    """A DuckDB connection whose commits and whose end are boundaries."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, points: Points, role: str) -> None:
        self._inner = connection
        self._points = points
        self._role = role

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, sql: str, *more: Any) -> Any:
        """Run a statement; a commit is a boundary on both its sides."""
        if self._role == "index" and sql.strip().lower() == "commit":
            return self._between("commit", lambda: self._inner.execute(sql, *more))
        if self._role == "index" and sql.lower().startswith(("attach", "detach")):
            return self._between(sql.split(maxsplit=1)[0].lower(), lambda: self._inner.execute(sql, *more))
        return self._inner.execute(sql, *more)

    def close(self) -> None:
        """Close; DuckDB writes its log back into the file now."""
        self._between("close", self._inner.close)

    def _between(self, what: str, act: Callable[[], Any]) -> Any:
        self._points.at(f"before {self._role} {what}")
        result = act()
        self._points.at(f"after {self._role} {what}")
        return result


def _number_database(points: Points) -> None:
    original = duckdb.connect

    def numbered(*arguments: Any, **options: Any) -> Any:
        role = "reader" if options.get("read_only") else "index"
        points.at(f"before {role} open")
        connection = original(*arguments, **options)
        points.at(f"after {role} open")
        return _Numbered(connection, points, role)

    duckdb.__dict__["connect"] = numbered


def _number_renames(points: Points) -> None:
    original = os.replace

    def numbered(source: Any, target: Any, **options: Any) -> None:
        kind = "snapshot" if str(target).endswith(".duckdb") else "report"
        points.at(f"before rename of {kind}")
        original(source, target, **options)
        points.at(f"after rename of {kind}")

    os.__dict__["replace"] = numbered
