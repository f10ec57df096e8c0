"""The only way to Synapse: one HTTP client, one limiter, one retry loop.

tenacity runs the loop, `plan.retrying.judge` decides, and an answer or its absence becomes one of our errors in
`answers`. A limiter slot is held while a call is in flight and never during a pause.
"""

import json
import logging
import random
import time
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Protocol, Self

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_never

from storage_core.config import Config
from storage_core.plan.retrying import (
    Allowance,
    Attempts,
    CallFacts,
    Failure,
    GiveUp,
    Loss,
    NoAnswer,
    Patience,
    Refused,
    RetryAfter,
    judge,
)
from storage_core.ports.clock import Clock
from storage_core.synapse.answers import error_of, loss_of, read_answer
from storage_core.synapse.calls import Answer, Base, CallCounter, RestCall
from storage_core.synapse.redaction import guard_http_logs, redact
from storage_core.synapse.straight import StraightWay
from storage_core.synapse.token_scopes import scopes_of

_LOG: Final = logging.getLogger("storage_core.synapse")
_THROTTLED: Final = 429
_LONG_WAIT_SECONDS: Final = 20.0
# without a charset the service reads ISO-8859-1 (contract 0.3)
_JSON_FIELDS: Final = ((b"Content-Type", b"application/json; charset=UTF-8"),)


class Limiter(Protocol):
    """What the transport needs from the call limiter."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Wait until a call may start; it is over when the block ends, without an answer when that raises."""
        ...

    def slow_down(self) -> None:
        """The service counts more of our calls in flight than we do."""
        ...

    def ease_off(self) -> None:
        """The service found that the minute's budget is spent."""
        ...


class Transport:
    """Sends calls; `async with Transport(...)` or `aclose()` ends it.

    Attributes:
        calls: counts of what was sent.
        token_scopes: what the token says it may be used for, if it says so.
    """

    def __init__(
        self,
        config: Config,
        limiter: Limiter,
        clock: Clock,
        *,
        chance: random.Random | None = None,
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        guard_http_logs()
        self._config = config
        self._limiter = limiter
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads waits
        self._addresses = {
            Base.REPO: config.repo_endpoint,
            Base.FILE: config.file_endpoint,
            Base.AUTH: config.auth_endpoint,
        }
        self._answered: set[Base] = set()
        self._token = config.token.reveal()
        self.calls = CallCounter()
        self.token_scopes = scopes_of(self._token)
        # the limiter says how many connections there are, and may be told otherwise while this lives
        self._way = StraightWay(
            {"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
            httpx.Timeout(config.read_seconds, connect=config.connect_seconds),
            http=http,
        )

    @property
    def patience(self) -> Patience:
        """How long to go on, for what takes several calls."""
        return self._config.patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._way.aclose()

    async def send(self, call: RestCall) -> Answer:
        """Send *call*, again where that is allowed and may help, and return the good answer.

        Raises:
            RestError: Synapse refused the call for good; `AnswerLost` when a change may or may not have been made.
            AccessError: the token is not accepted, or lacks a scope.
            ServiceUnavailable: nobody answers, or not like Synapse, in spite of patience.
        """
        journey = _Journey(call, Attempts(answered_before=call.base in self._answered))
        # nearly every call is answered well at once, and setting the loop up costs as much as a tenth of a call
        first = await self._try_once(journey)
        if isinstance(first, Answer):
            return first
        await self._clock.sleep(first.seconds)
        retrying = AsyncRetrying(
            sleep=self._clock.sleep, stop=stop_never, retry=retry_if_result(_is_retry), wait=_planned_wait
        )
        outcome: Answer | RetryAfter = await retrying(self._try_once, journey)
        if not isinstance(outcome, Answer):  # pragma: no cover - the loop goes on for everything else
            raise TypeError(outcome)
        return outcome

    async def _try_once(self, journey: "_Journey") -> Answer | RetryAfter:
        outcome = await self._exchange(journey)
        if isinstance(outcome, Answer):
            return outcome
        call = journey.call
        facts = CallFacts(
            method=call.method, path=call.path, repeat_safe=call.repeat_safe, faults_at_most=call.faults_at_most
        )
        patience, jitter = self._config.patience, self._chance.random()
        verdict = judge(facts, journey.attempts, outcome, patience=patience, jitter=jitter)
        if isinstance(verdict, GiveUp):
            address, tries = self._addresses[call.base], journey.attempts.tries
            raise error_of(call, verdict.verdict, outcome, address=address, tries=tries)
        journey.attempts = journey.attempts.after(verdict)
        _tell(call, outcome, verdict)
        return verdict

    async def _exchange(self, journey: "_Journey") -> Answer | Failure:
        call = journey.call
        request = self._request(call)
        started = time.monotonic()
        try:
            async with self._limiter.slot():
                started = time.monotonic()
                self.calls.count(call)
                response = await self._way.whole(request)
        except httpx.TransportError as error:
            outcome: Answer | Failure = loss_of(error, self._token)
        except httpx.HTTPError as error:  # a body that cannot be decoded, a redirect that leads nowhere
            outcome = NoAnswer(loss=Loss.CUT_OFF, reason=redact(str(error), self._token))
        else:
            self._answered.add(call.base)
            outcome = read_answer(call, response, self._token)
        _log_try(journey, outcome, time.monotonic() - started)
        if isinstance(outcome, Refused) and outcome.status == _THROTTLED:
            self.calls.throttled += 1
            if "concurrent" in outcome.reason.lower():  # a hint only; nothing depends on the wording
                self._limiter.slow_down()
            elif "api call" not in outcome.reason.lower():  # a rule for one path says nothing about the minute
                self._limiter.ease_off()
        return outcome

    def _request(self, call: RestCall) -> httpx.Request:
        address = self._addresses[call.base] + call.path
        timeout = None
        if call.read_seconds is not None:
            timeout = httpx.Timeout(call.read_seconds, connect=self._config.connect_seconds)
        return self._way.request(
            call.method,
            httpx.URL(address, params=call.query) if call.query else httpx.URL(address),
            headers=() if call.body is None else _JSON_FIELDS,
            content=None if call.body is None else json.dumps(call.body, separators=(",", ":")).encode("ascii"),
            timeout=timeout,
        )


class _Journey:
    """One call on its way: the history grows with every try."""

    __slots__ = ("attempts", "call")

    def __init__(self, call: RestCall, attempts: Attempts) -> None:
        self.call = call
        self.attempts = attempts


def _is_retry(outcome: object) -> bool:
    return isinstance(outcome, RetryAfter)


def _planned_wait(state: RetryCallState) -> float:
    outcome = state.outcome.result() if state.outcome else None
    return outcome.seconds if isinstance(outcome, RetryAfter) else 0.0


def _log_try(journey: _Journey, outcome: Answer | Failure, seconds: float) -> None:
    if not _LOG.isEnabledFor(logging.DEBUG):
        return
    result = f"no answer ({outcome.loss.value})" if isinstance(outcome, NoAnswer) else str(outcome.status)
    _LOG.debug("%s -> %s in %.3f s, try %d", journey.call.name, result, seconds, journey.attempts.tries)


def _tell(call: RestCall, failure: Failure, retry: RetryAfter) -> None:
    long = retry.seconds >= _LONG_WAIT_SECONDS and retry.allowance is not Allowance.FAULT
    level = logging.WARNING if long else logging.DEBUG
    _LOG.log(level, "%s: waiting %.1f s (%s: %s)", call.name, retry.seconds, retry.allowance.value, failure.reason)
