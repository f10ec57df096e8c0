"""From an HTTP answer, or its absence, to our words: `Answer`, `Failure`, and the errors of `storage_core.errors`."""

import json
from typing import Final

import httpx

from storage_core.errors import (
    AccessError,
    AnswerLost,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    RestError,
    ServerFault,
    ServiceUnavailable,
    SynapseStorageError,
)
from storage_core.plan.retrying import Failure, Loss, NoAnswer, Refused, Unreadable, Verdict
from storage_core.synapse.calls import Answer, JsonObject, RestCall, Shape
from storage_core.synapse.redaction import redact, shorten

_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_REST_ERRORS: Final[dict[Verdict, type[RestError]]] = {
    Verdict.BAD_REQUEST: BadRequest,
    Verdict.FORBIDDEN: Forbidden,
    Verdict.NOT_FOUND: NotFound,
    Verdict.CONFLICT: Conflict,
    Verdict.PRECONDITION_FAILED: PreconditionFailed,
    Verdict.SERVER_FAULT: ServerFault,
    Verdict.ANSWER_LOST: AnswerLost,
}
_FIXES: Final[dict[Verdict, str]] = {
    Verdict.SERVER_FAULT: "Synapse did not recover within the allowed tries; run the same command again later.",
    Verdict.ANSWER_LOST: "Whether Synapse made the change is unknown; running again looks first.",
}
_STATUSES_WITHOUT_SYNAPSE: Final = frozenset({404, 405})
"""A 4xx of these without a JSON body comes from some other server: the base is probably wrong."""


def loss_of(error: httpx.TransportError, *secrets: str) -> NoAnswer:
    """Say how far the call got, and why it was not answered."""
    reason = shorten(redact(str(error) or type(error).__name__, *secrets))
    if isinstance(error, _NOT_SENT):
        return NoAnswer(loss=Loss.NOT_SENT, reason=reason)
    loss = Loss.TIMED_OUT if isinstance(error, httpx.TimeoutException) else Loss.CUT_OFF
    return NoAnswer(loss=loss, reason=reason)


def read_answer(call: RestCall, response: httpx.Response, *secrets: str) -> Answer | Failure:
    """Judge one complete answer by its status and its body."""
    status = response.status_code
    good = status in call.good if call.good else response.is_success
    if good:
        return _good(call, response, *secrets)
    body = _json_object(response)
    if response.is_success or response.is_redirect or (body is None and status in _STATUSES_WITHOUT_SYNAPSE):
        return Unreadable(status=status, reason=_description(response, *secrets))
    if body is None:
        return Refused(status=status, reason=_description(response, *secrets))
    return _refused(status, body, *secrets)


def error_of(call: RestCall, verdict: Verdict, failure: Failure, *, address: str, tries: int) -> SynapseStorageError:
    """Make the error that *verdict* stands for."""
    if verdict is Verdict.ACCESS:
        return _access_error(call, failure)
    if verdict is Verdict.UNAVAILABLE:
        return _unavailable(call, failure, address=address, tries=tries)
    status = 0 if isinstance(failure, NoAnswer) else failure.status
    code = failure.error_code if isinstance(failure, Refused) else None
    return _REST_ERRORS[verdict](
        call=call.name, status=status, reason=failure.reason, error_code=code, fix=_FIXES.get(verdict, "")
    )


def _good(call: RestCall, response: httpx.Response, *secrets: str) -> Answer | Unreadable:
    if call.shape is Shape.TEXT:
        return Answer(call=call.name, status=response.status_code, body={}, text=response.text.strip())
    if call.shape is Shape.OBJECT_OR_NOTHING and not response.content.strip():
        return Answer(call=call.name, status=response.status_code, body={})
    body = _json_object(response)
    if body is None:
        return Unreadable(status=response.status_code, reason=_description(response, *secrets))
    return Answer(call=call.name, status=response.status_code, body=body)


def _json_object(response: httpx.Response) -> JsonObject | None:
    try:
        parsed = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _description(response: httpx.Response, *secrets: str) -> str:
    kind = response.headers.get("content-type", "no content type").split(";")[0]
    if response.is_redirect:
        return shorten(redact(f"a redirect to {response.headers.get('location', 'nowhere')}", *secrets))
    if not response.content.strip():
        return "an empty body"
    start = response.content[:2000].decode("utf-8", "replace")
    return shorten(redact(f"{kind}: {start}", *secrets), most=160)


def _refused(status: int, body: JsonObject, *secrets: str) -> Refused:
    reason, code = body.get("reason"), body.get("errorCode")
    text = reason if isinstance(reason, str) and reason else "no reason was given"
    return Refused(
        status=status,
        reason=shorten(redact(text, *secrets)),
        error_code=code if isinstance(code, str) else None,
        lacks_scope=body.get("error") == "insufficient_scope",
    )


def _access_error(call: RestCall, failure: Failure) -> AccessError:
    if isinstance(failure, Refused) and failure.lacks_scope:
        # contract 1.1: the reason itself names the missing scopes
        return AccessError(
            f"The access token may not do {call.name}: {failure.reason}.",
            fix="Make a token with the scopes view, download and modify.",
        )
    return AccessError(
        f"Synapse does not accept the access token ({failure.reason}).",
        fix="Make a new personal access token, and check that it belongs to the Synapse at the configured endpoints.",
    )


def _unavailable(call: RestCall, failure: Failure, *, address: str, tries: int) -> ServiceUnavailable:
    variable = f"SYNAPSE_{call.base.upper()}_ENDPOINT"
    match failure:
        case Unreadable():
            return ServiceUnavailable(
                f"{address} does not answer like Synapse: {call.name} gave {failure.status}, {failure.reason}.",
                fix=f"Is {variable} a full base such as https://…/{call.base.value}/v1?",
            )
        case NoAnswer():
            return ServiceUnavailable(
                f"{address} cannot be reached ({failure.reason}), tried {tries} times.",
                fix=f"Check the network, and whether {variable} is right; then run the same command again.",
            )
        case Refused():
            return ServiceUnavailable(
                f"{address} kept answering {failure.status} to {call.name}: {failure.reason}.",
                fix="See https://status.synapse.org; then run the same command again, it resumes.",
            )
