"""What a client may meet on its way to a server, and how long it waits: put around the victim's libraries.

Runs inside the victim, never inside a test. Everything that servers do is done by the sandbox's fault rules; here is
only what happens before a server: nobody listens. And time: waits are shortened, so that patience costs no minutes.
"""

import asyncio
import re
import sys
from dataclasses import replace
from typing import Any

import httpx
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from tests.crash.points import call_label, own_label

SAID_WHEN_REFUSED = "(planned: nobody listens)"


def make_weather(weather: dict[str, Any], synapse: str, clock: type[Any]) -> None:
    """Apply what *weather* says.

    Keys: "refuse" with "call" (a pattern on the call's label), "times": connections that nobody accepts;
    "wait_scale": every pause of the product is multiplied by it; "config": fields of `Config`; "patience": of Patience.
    """
    if "refuse" in weather:
        _refuse(weather["refuse"], synapse)
        _refuse_own(weather["refuse"])
    if "wait_scale" in weather:
        _hasten(weather["wait_scale"], clock)
    if "config" in weather or "patience" in weather:
        _configure(weather.get("config", {}), weather.get("patience", {}))


def _refuse(rule: dict[str, Any], synapse: str) -> None:
    from storage_core.synapse.carrier import AiohttpCarrier  # late: the victim decides when the product is imported

    original = AiohttpCarrier.handle_async_request
    pattern = re.compile(rule["call"])
    left = [rule["times"]]

    async def refusing(self: AiohttpCarrier, request: httpx.Request) -> httpx.Response:
        if left[0] and pattern.fullmatch(call_label(request, synapse)):
            left[0] -= 1
            sys.stderr.write(f"{SAID_WHEN_REFUSED}\n")
            raise httpx.ConnectError("planned: connection refused", request=request)
        return await original(self, request)

    AiohttpCarrier.handle_async_request = refusing  # type: ignore[method-assign]


def _refuse_own(rule: dict[str, Any]) -> None:
    """The same for requests with the user's own keys, which leave through another library."""
    original = URLLib3Session.send
    pattern = re.compile(rule["call"])
    left = [rule["times"]]

    def refusing(self: Any, request: Any) -> Any:
        if left[0] and pattern.fullmatch(own_label(request.method, request.url)):
            left[0] -= 1
            sys.stderr.write(f"{SAID_WHEN_REFUSED}\n")
            raise EndpointConnectionError(endpoint_url=request.url)
        return original(self, request)

    URLLib3Session.send = refusing


def _hasten(scale: float, clock: type[Any]) -> None:
    async def sleep(_self: Any, seconds: float) -> None:
        await asyncio.sleep(seconds * scale)

    clock.sleep = sleep


def _configure(fields: dict[str, Any], patience: dict[str, Any]) -> None:
    from storage_core import config  # late: the victim decides when the product is imported

    original = config.load_config

    def configured(*arguments: Any, **options: Any) -> config.Config:
        loaded = original(*arguments, **options)
        return replace(loaded, **fields, patience=replace(loaded.patience, **patience))

    config.__dict__["load_config"] = configured
