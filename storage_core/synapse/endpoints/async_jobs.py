"""Asynchronous jobs: start, then ask until done (contract 12)."""

from urllib.parse import quote

from storage_core.ports import Clock
from storage_core.synapse import wire_tables
from storage_core.synapse.calls import Answer, JsonObject, RestCall
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

    async def run(self, *, path: str, body: JsonObject, repeat_safe: bool) -> Answer:
        """Start the job at ``path/start`` and return its result from ``path/get/…``.

        One call to start, one per poll. The failure of a job arrives as the error its work met. *repeat_safe* says
        whether starting it twice does harm; asking for the result never does.
        """
        token = await self.start(path=path, body=body, repeat_safe=repeat_safe)
        return await self.result(path=path, token=token)

    async def start(self, *, path: str, body: JsonObject, repeat_safe: bool) -> str:
        """Start a job, return its token. One call."""
        call = RestCall(method="POST", path=f"{path}/start", body=body, repeat_safe=repeat_safe)
        return wire_tables.read_token(await self._transport.send(call))

    async def result(self, *, path: str, token: str) -> Answer:
        """Wait for a started job. One call per poll, each repeat-safe: it reads."""
        call = RestCall(method="GET", path=f"{path}/get/{quote(token, safe='')}", repeat_safe=True)
        return await self.until_ready(call=call)

    async def until_ready(self, *, call: RestCall) -> Answer:
        """Send *call* until the answer is no longer "still at it" (202): for jobs, and for tables being rebuilt."""
        wait = _FIRST_WAIT
        while True:
            answer = await self._transport.send(call)
            if answer.status != _STILL_RUNNING:
                return answer
            await self._clock.sleep(wait)
            wait = min(wait * _GROWTH, _LONGEST_WAIT)
