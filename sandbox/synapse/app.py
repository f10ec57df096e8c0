"""The Synapse server: the service's filters in the service's order around the handlers (contract 1)."""

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sandbox.asgi import (
    App,
    BodyTooLarge,
    ClientGone,
    Receive,
    Scope,
    Send,
    cut_connection,
    halved,
    read_body,
    send_answer,
)
from sandbox.faults import FaultKind, FaultRule, Faults
from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, without_nulls
from sandbox.synapse.principals import ADMINISTRATOR_ID, Grant, User
from sandbox.synapse.requests import SESSION_COOKIE, Request
from sandbox.synapse.routing import Routes, normalised
from sandbox.synapse.throttle import Throttle, Throttled
from sandbox.synapse.traffic import LoggedCall, Traffic
from sandbox.synapse.world import World

LARGEST_BODY = 2_097_152
VERSION = "534.0"
_JSON = "application/json"
_REALM = (b"www-authenticate", b'Bearer realm="Synapse Repository Services"')
_THROTTLED_BASES = (Base.REPO + "/", Base.FILE + "/")
_INSUFFICIENT = "Request lacks scope(s) required by this service: "
_LOG = logging.getLogger(__name__)


class StackStatus(StrEnum):
    """The service's state; in any but the first every call is refused."""

    READ_WRITE = "READ_WRITE"
    READ_ONLY = "READ_ONLY"
    DOWN = "DOWN"


@dataclass(slots=True)
class Latency:
    """How long every call takes at least, and single ones by method and normalised path."""

    seconds: float = 0.0
    by_call: dict[str, float] = field(default_factory=dict)

    def of(self, method: str, api: str) -> float:
        """The seconds for one call."""
        return self.by_call.get(f"{method} {api}", self.seconds) if self.by_call else self.seconds


@dataclass(slots=True)
class _Reply:
    """What is sent; a status of 0 cuts the connection at once, `is_cut_short` in the middle of the body."""

    status: int
    body: bytes = b""
    content_type: str = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    is_cut_short: bool = False


class SynapseApp:
    """The ASGI application of the Synapse half.

    `control` answers everything under /sandbox when given; those calls pass none of the filters.
    """

    def __init__(
        self, world: World, routes: list[Route], *, faults: Faults, control: Callable[["SynapseApp"], App] | None = None
    ) -> None:
        self.world = world
        self.faults = faults
        self.throttle = Throttle(world.clock)
        self.traffic = Traffic()
        self.latency = Latency()
        self.status = StackStatus.READ_WRITE
        self.status_message = "Synapse is down for maintenance"
        self._routes = Routes(routes)
        self._control = control(self) if control else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if self._control is not None and scope["path"].startswith("/sandbox/"):
            await self._control(scope, receive, send)
            return
        request = Request.of(scope)
        api = normalised(request.path)
        self.traffic.began()
        reply = _Reply(0)
        try:
            reply = await self._answered(request, api, receive)
        finally:
            self.traffic.ended(LoggedCall(request.method, request.target(), request.user_id, reply.status), api)
        await self._send(scope, send, request, reply)

    async def _send(self, scope: Scope, send: Send, request: Request, reply: _Reply) -> None:
        if reply.status == 0:
            await cut_connection(scope)
            return
        headers = reply.headers
        if request.session is None:
            headers = (*headers, (b"set-cookie", f"{SESSION_COOKIE}={uuid.uuid4()}; Path=/; HttpOnly".encode()))
        sender = halved(send) if reply.is_cut_short else send
        await send_answer(sender, reply.status, reply.body, content_type=reply.content_type, headers=headers)
        if reply.is_cut_short:
            await cut_connection(scope)

    async def _answered(self, request: Request, api: str, receive: Receive) -> _Reply:
        """The reply to the request, refusals included."""
        try:
            return await self._filtered(request, api, receive)
        except ClientGone:
            return _Reply(0)
        except Throttled as refusal:
            return _Reply(429, refusal.body)
        except Refused as refusal:
            headers = (_REALM,) if refusal.status == 401 else ()  # noqa: PLR2004 - an HTTP status
            return _Reply(refusal.status, _encoded(refusal.as_json()), headers=headers)
        except S3Refusal as refusal:
            # a failed AWS call behind the service (contract 1.3)
            return _Reply(502, _encoded(Refused(502, str(refusal)).as_json()))
        except Exception as error:  # noqa: BLE001 - the boundary: like the service, 500 for whatever was not foreseen
            _LOG.exception("%s %s failed inside the sandbox", request.method, request.target())
            return _Reply(500, _encoded(Refused(500, f"{type(error).__name__}: {error}").as_json()))

    async def _filtered(self, request: Request, api: str, receive: Receive) -> _Reply:
        """State, size, token, terms of use, throttles; then the call itself in its slot."""
        if self.status is not StackStatus.READ_WRITE and api not in {"/version", "/status"}:
            raise Refused(503, self.status_message)
        try:
            request.body = await read_body(receive, LARGEST_BODY)
        except BodyTooLarge as error:
            raise Refused(413, f"Request size exceeded maximum number of bytes: {LARGEST_BODY}") from error
        user, grant = self._caller(request)
        if not self._is_throttled(request, user):
            return await self._struck_or_served(request, api, user, grant)
        key = request.machine_key()
        self.throttle.admit(key, api)
        try:
            return await self._struck_or_served(request, api, user, grant)
        finally:
            self.throttle.release(key)

    def _caller(self, request: Request) -> tuple[User, Grant | None]:
        principals = self.world.principals
        token = request.token
        grant = principals.grant_of(token) if token is not None else None
        if token is not None and grant is None:
            raise Refused(401, "Invalid access token")
        user = principals.require(grant.user_id) if grant else principals.anonymous
        request.user_id = user.id
        if not user.is_anonymous and not user.has_accepted_terms:
            raise Refused(403, "Terms of use have not been signed.")
        return user, grant

    def _is_throttled(self, request: Request, user: User) -> bool:
        if not self.throttle.limits.enabled or user.is_anonymous or user.id == ADMINISTRATOR_ID:
            return False
        return request.path.startswith(_THROTTLED_BASES)

    async def _struck_or_served(self, request: Request, api: str, user: User, grant: Grant | None) -> _Reply:
        """The call, or what a fault rule makes of it."""
        clock = self.world.clock
        await clock.wait(self.latency.of(request.method, api))
        rule = self.faults.striking(request.method, request.target()) if self.faults.rules else None
        if rule is None:
            return await self._served(request, api, user, grant)
        if rule.kind is not FaultKind.DELAY_AFTER:
            await clock.wait(rule.delay_seconds)
        if rule.kind in {FaultKind.STATUS_BEFORE, FaultKind.DROP_BEFORE}:
            return _misfortune(rule)
        reply = await self._served(request, api, user, grant)
        match rule.kind:
            case FaultKind.STATUS_AFTER | FaultKind.DROP_AFTER:
                return _misfortune(rule)
            case FaultKind.DELAY_AFTER:
                await clock.wait(rule.delay_seconds)
            case FaultKind.HOLD:
                await self.faults.lifted(rule)
            case _:
                pass
        return replace(reply, is_cut_short=True) if rule.kind is FaultKind.TRUNCATE else reply

    async def _served(self, request: Request, api: str, user: User, grant: Grant | None) -> _Reply:
        about = self._about_itself(request, api)
        if about is not None:
            return _Reply(200, _encoded(about))
        route, values = self._routes.find(request.method, request.path)
        if grant is not None:
            _require_scopes(route, grant)
        call = Call(user=user, path=values, query=request.query(), body=request.json())
        answer = route.handler(self.world, call)
        if answer.waits_seconds:
            await self.world.clock.wait(answer.waits_seconds)
        return _reply_of(answer)

    def _about_itself(self, request: Request, api: str) -> Json | None:
        if request.method != "GET" or not request.path.startswith(Base.REPO):
            return None
        if api == "/version":
            return {"version": VERSION, "stackInstance": VERSION.partition(".")[0]}
        if api == "/status":
            message = None if self.status is StackStatus.READ_WRITE else self.status_message
            return {"status": self.status.value, "currentMessage": message}
        return None


def _require_scopes(route: Route, grant: Grant) -> None:
    missing = [scope for scope in route.scopes if scope not in grant.scopes]
    if missing:
        text = _INSUFFICIENT + " ".join(missing)
        body: Json = {
            "concreteType": "org.sagebionetworks.repo.model.OAuthErrorResponse",
            "error": "insufficient_scope",
            "error_description": text,
            "reason": text,
        }
        raise Refused(403, text, body=body)


def _misfortune(rule: FaultRule) -> _Reply:
    if rule.kind in {FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER}:
        return _Reply(0)
    if rule.body is not None:
        return _Reply(rule.status, rule.body.encode(), content_type=rule.content_type)
    return _Reply(rule.status, _encoded(Refused(rule.status, "A planted fault").as_json()))


def _reply_of(answer: Answer) -> _Reply:
    headers = ((b"location", answer.location.encode()),) if answer.location is not None else ()
    if answer.text is not None:
        return _Reply(answer.status, answer.text.encode(), "text/plain;charset=UTF-8", headers)
    body = _encoded(answer.json) if answer.json is not None else b""
    return _Reply(answer.status, body, headers=headers)


def _encoded(value: Json) -> bytes:
    return json.dumps(without_nulls(value), separators=(",", ":")).encode()
