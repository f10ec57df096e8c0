"""What every REST family of the sandbox is written in: calls in, answers out, refusals raised.

Handlers are plain synchronous functions on the world, run on the one event loop of the sandbox, so each call
is atomic. Waiting (latency, copy bandwidth, faults) happens outside of them, in the application.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

Json = dict[str, Any]
"""A JSON object on the wire. The sandbox plays the server: JSON is its native tongue."""

ERROR_RESPONSE = "org.sagebionetworks.repo.model.ErrorResponse"


class Base(StrEnum):
    """The three address prefixes of the service."""

    REPO = "/repo/v1"
    FILE = "/file/v1"
    AUTH = "/auth/v1"


class Scope(StrEnum):
    """What a token may be used for."""

    VIEW = "view"
    DOWNLOAD = "download"
    MODIFY = "modify"


class Refused(Exception):  # noqa: N818 - the service refuses; nothing is broken
    """An error answer. `body` replaces the usual ErrorResponse when given."""

    def __init__(self, status: int, reason: str, *, error_code: str | None = None, body: Json | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.error_code = error_code
        self.body = body

    def as_json(self) -> Json:
        """The body as the service sends it."""
        if self.body is not None:
            return self.body
        answer: Json = {"concreteType": ERROR_RESPONSE, "reason": self.reason}
        if self.error_code is not None:
            answer["errorCode"] = self.error_code
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, already authenticated and parsed.

    Attributes:
        user: who calls; the anonymous user when no token was sent.
        path: the values of the route's named groups.
        query: the last value of each query parameter.
        body: the JSON object sent, or an empty one.
    """

    user: "User"
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean query parameter."""
        return self.query.get(name, str(default)).lower() == "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success. Null members are dropped from `json` before it is sent.

    Attributes:
        json: an object, a list wrapper, or None for an empty body.
        text: sent as text/plain instead of JSON.
        location: sent as a Location header (redirects).
        waits_seconds: how long the service is busy before answering (before time scaling).
    """

    status: int = 200
    json: Json | None = None
    text: str | None = None
    location: str | None = None
    waits_seconds: float = 0.0


Handler = Callable[["World", Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One REST call: where it is, which scopes it needs, who answers it.

    `template` is the documented path, with named segments in braces: ``/entity/{id}/version/{version}``.
    """

    base: Base
    method: str
    template: str
    handler: Handler
    scopes: tuple[Scope, ...] = ()

    def pattern(self) -> re.Pattern[str]:
        """A regular expression that matches the full path and names its segments."""
        return re.compile(str(self.base) + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))


def without_nulls(value: Any) -> Any:
    """Drop members that are null, at every depth: the service never sends them."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(member) for member in value]
    return value
