"""The S3 server: finds the operation, checks the signature, answers, and misbehaves when told to."""

import asyncio
import itertools
from dataclasses import dataclass, field

from sandbox.asgi import CUT, cut_connection, halved
from sandbox.faults import FaultKind, FaultRule, Faults
from sandbox.objects import s3_xml
from sandbox.objects.authentication import Caller, authenticate
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.s3_calls import S3Call
from sandbox.objects.s3_http import XML, ClientGone, Receive, S3Answer, S3Request, Scope, Send, xml_answer
from sandbox.objects.s3_operations import operation_of
from sandbox.objects.spoiling import spoiler_of
from sandbox.objects.store import ObjectStore

_DROPS = {FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER}
_NOT_SERVED = {FaultKind.STATUS_BEFORE, FaultKind.DROP_BEFORE}
_MISFORTUNES = {FaultKind.STATUS_BEFORE, FaultKind.STATUS_AFTER}
_CODES = {200: "InternalError", 403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


@dataclass(slots=True)
class S3App:
    """The ASGI application. Serves one store; *faults* may be shared with the Synapse half."""

    store: ObjectStore
    faults: Faults = field(default_factory=Faults)
    _request_numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        request = S3Request.of(scope, receive)
        shown_path = f"{request.path}?{request.query_string}" if request.query_string else request.path
        rule = self.faults.striking(request.method, shown_path)
        request_id = f"{next(self._request_numbers):016X}"
        try:
            answer = await self._answer_or_fault(request, rule, request_id)
        except ClientGone:
            return
        is_cut_short = rule is not None and rule.kind is FaultKind.TRUNCATE
        if answer is not None:
            sender = halved(send) if is_cut_short else send
            await answer.send(sender, request_id=request_id, is_head=request.method == "HEAD")
        if answer is None or is_cut_short:
            await _drop(scope, send)

    async def _answer_or_fault(self, request: S3Request, rule: FaultRule | None, request_id: str) -> S3Answer | None:
        """The answer; None when the connection is to be dropped instead."""
        if rule is None:
            return await self._answer(request, request_id)
        if rule.kind is not FaultKind.DELAY_AFTER:
            await self.store.clock.wait(rule.delay_seconds)
        answer = None if rule.kind in _NOT_SERVED else await self._answer(request, request_id, rule.kind)
        if rule.kind is FaultKind.DELAY_AFTER:
            await self.store.clock.wait(rule.delay_seconds)
        if rule.kind is FaultKind.HOLD:
            await self.faults.lifted(rule)
        if rule.kind in _DROPS:
            return None
        return _fault_answer(rule, request, request_id) if rule.kind in _MISFORTUNES else answer

    async def _answer(self, request: S3Request, request_id: str, fault: FaultKind | None = None) -> S3Answer:
        try:
            operation = operation_of(request)
            self.store.calls[operation.name] += 1
            caller = authenticate(self.store, request)
            if operation.is_regional:
                self._check_region(request, caller)
            call = S3Call(store=self.store, request=request, credential=caller.credential, spoil=spoiler_of(fault))
            return await operation.handler(call)
        except S3Refusal as refusal:
            self.store.calls["refused"] += 1
            return _error_answer(refusal, request, request_id)

    def _check_region(self, request: S3Request, caller: Caller) -> None:
        bucket = self.store.find_bucket(request.bucket)
        if bucket is not None and bucket.region != caller.region:
            raise S3Refusal(
                "AuthorizationHeaderMalformed",
                f"The region '{caller.region}' is wrong; expecting '{bucket.region}'",
                400,
                details={"Region": bucket.region},
            )


def _error_answer(refusal: S3Refusal, request: S3Request, request_id: str) -> S3Answer:
    document = s3_xml.error_document(refusal, resource=request.path, request_id=request_id)
    headers = {"x-amz-bucket-region": refusal.details["Region"]} if "Region" in refusal.details else {}
    return xml_answer(document, status=refusal.status, headers=headers | _closing(request))


def _closing(request: S3Request) -> dict[str, str]:
    """A refusal leaves the body unread, so nothing more can follow on this connection."""
    return {"connection": "close"} if request.header("content-length") not in (None, "0") else {}


def _fault_answer(rule: FaultRule, request: S3Request, request_id: str) -> S3Answer:
    """What the rule says; without a body of its own, the error document S3 would send with that status."""
    if rule.body is None:
        refusal = S3Refusal(_CODES.get(rule.status, "InternalError"), "Please try again.", rule.status)
        return xml_answer(
            s3_xml.error_document(refusal, resource=request.path, request_id=request_id),
            status=rule.status,
            headers=_closing(request),
        )
    is_xml = rule.content_type == "application/json" and rule.body.lstrip().startswith("<")
    headers = {"content-type": XML if is_xml else rule.content_type, **_closing(request)}
    return S3Answer(status=rule.status, headers=headers, body=rule.body.encode())


async def _drop(scope: Scope, send: Send) -> None:
    """Break the connection without an answer: the server's own transport is the only way to do that."""
    if CUT in scope.get("extensions", {}):
        await cut_connection(dict(scope))
        return
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionAbortedError("a fault rule dropped this connection")
    transport.abort()
    await asyncio.sleep(0)
