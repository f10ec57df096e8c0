"""One HTTP request as the application needs it, taken apart once."""

import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from sandbox.asgi import Scope
from sandbox.synapse.http import Json, Refused

_WANTED = frozenset({b"authorization", b"cookie", b"x-forwarded-for", b"content-type"})
_BEARER = "bearer "
SESSION_COOKIE = "sessionID"


@dataclass(slots=True)
class Request:
    """A request before it is known who sent it."""

    method: str
    path: str
    raw_query: str
    peer: str
    headers: dict[bytes, str]
    body: bytes = b""
    user_id: str = ""

    @classmethod
    def of(cls, scope: Scope) -> "Request":
        """The request of an ASGI scope, its body still unread."""
        client = scope.get("client")
        return cls(
            method=scope["method"],
            path=scope["path"],
            raw_query=scope["query_string"].decode("latin-1"),
            peer=client[0] if client else "",
            headers={name: value.decode("latin-1") for name, value in scope["headers"] if name in _WANTED},
        )

    @property
    def token(self) -> str | None:
        """The bearer token; None without the header, empty when the header holds something else."""
        value = self.headers.get(b"authorization")
        if value is None:
            return None
        return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else ""

    @property
    def session(self) -> str | None:
        """The value of the session cookie."""
        for crumb in self.headers.get(b"cookie", "").split(";"):
            name, _, value = crumb.strip().partition("=")
            if name == SESSION_COOKIE:
                return value
        return None

    def machine_key(self) -> str:
        """What the throttles count by: user, session cookie and address (contract 1.5)."""
        address = self.headers.get(b"x-forwarded-for") or self.peer
        return f"{self.user_id}|{self.session}|{address}"

    def query(self) -> dict[str, str]:
        """The query parameters, the last value of each."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True)) if self.raw_query else {}

    def target(self) -> str:
        """The path with its query string."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    def json(self) -> Json:
        """The JSON object of the body, empty when there is none; refuses anything else with 400.

        Without a charset the body is read as ISO-8859-1, as the service does (contract 0.3).
        """
        if not self.body.strip():
            return {}
        is_utf8 = "charset=utf-8" in self.headers.get(b"content-type", "").lower().replace('"', "")
        try:
            value = json.loads(self.body.decode("utf-8" if is_utf8 else "latin-1"))
        except ValueError as error:
            raise Refused(400, f"Could not read JSON: {error}") from error
        if not isinstance(value, dict):
            raise Refused(400, "A JSON object must be sent")
        return value
