"""Asynchronous jobs: start, then ask until done (contract 12)."""

import contextlib
from urllib.parse import quote

from storage_core.errors import AnswerLost, RestError, StillRunning
from storage_core.ports.clock import Clock
from storage_core.synapse import wire_tables
from storage_core.synapse.calls import Answer, JsonObject, RestCall, Shape
from storage_core.synapse.transport import Transport

_STILL_RUNNING = 202
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 10.0
_GROWTH = 1.6


class AsyncJobs:
    """Every poll is a call of its own, so the waits between them grow from one second to ten."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    async def run(
        self, *, path: str, body: JsonObject, repeat_safe: bool, patience_seconds: float | None = None
    ) -> Answer:
        """Start the job at ``path/start`` and return its result from ``path/get/…``.

        One call to start, one per poll. The failure of a job arrives as the error its work met. *repeat_safe* says
        whether starting it twice does harm; asking for the result never does. *patience_seconds* is for jobs that can
        be done without; otherwise the configured patience holds.

        Raises:
            StillRunning: it did not end while our patience lasted, and was asked to stop. When it is not repeat-safe
                this is AnswerLost: it may be carried out all the same.
        """
        token = await self.start(path=path, body=body, repeat_safe=repeat_safe)
        try:
            return await self.result(path=path, token=token, patience_seconds=patience_seconds)
        except StillRunning as unfinished:
            await self._ask_to_stop(token)
            if repeat_safe:
                raise
            raise AnswerLost(
                call=unfinished.call, status=unfinished.status, reason=unfinished.reason, fix=unfinished.fix
            ) from unfinished

    async def start(self, *, path: str, body: JsonObject, repeat_safe: bool) -> str:
        """Start a job, return its token. One call."""
        call = RestCall(method="POST", path=f"{path}/start", body=body, repeat_safe=repeat_safe)
        return wire_tables.read_token(await self._transport.send(call))

    async def result(self, *, path: str, token: str, patience_seconds: float | None = None) -> Answer:
        """Wait for a started job. One call per poll, each repeat-safe: it reads."""
        call = RestCall(method="GET", path=f"{path}/get/{quote(token, safe='')}", repeat_safe=True)
        return await self.until_ready(call=call, patience_seconds=patience_seconds)

    async def until_ready(self, *, call: RestCall, patience_seconds: float | None = None) -> Answer:
        """Send *call* until the answer is no longer "still at it" (202): for jobs, and for tables being rebuilt.

        Raises:
            StillRunning: that was the answer for as long as our patience lasted.
        """
        wait, waited = _FIRST_WAIT, 0.0
        patience = self._transport.patience.busy_seconds if patience_seconds is None else patience_seconds
        while True:
            answer = await self._transport.send(call)
            if answer.status != _STILL_RUNNING:
                return answer
            if waited >= patience:
                raise _unfinished(call, answer, waited)
            await self._clock.sleep(wait)
            waited += wait
            wait = min(wait * _GROWTH, _LONGEST_WAIT)

    async def _ask_to_stop(self, token: str) -> None:
        """Cancel a job, which the service does when it can (contract 12): a table should not stay locked for it."""
        path = f"/asynchronous/job/{quote(token, safe='')}/cancel"
        with contextlib.suppress(RestError):  # it goes on then; whoever gave up has said so already
            call = RestCall(method="GET", path=path, repeat_safe=True, shape=Shape.OBJECT_OR_NOTHING)
            await self._transport.send(call)


def _unfinished(call: RestCall, answer: Answer, waited: float) -> StillRunning:
    told = answer.body.get("progressMessage")
    return StillRunning(
        call=call.name,
        status=answer.status,
        reason=f"not finished after {waited / 60:.0f} minutes ({told if isinstance(told, str) else 'no word of why'})",
        fix="Another writer may hold the table. Look at it in Synapse, then `retry` and run the same command again.",
    )
