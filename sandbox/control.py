"""Calls that no Synapse has: they look into the sandbox and turn its screws. All live under /sandbox."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.asgi import Receive, Scope, Send, read_body, send_answer
from sandbox.faults import FaultRule
from sandbox.state import state_of
from sandbox.synapse.app import StackStatus, SynapseApp
from sandbox.synapse.throttle import Window

Json = dict[str, Any]
_LARGEST_BODY = 16 * 1024 * 1024


class Control:
    """The ASGI application under /sandbox. Its calls pass no filter and are not counted."""

    def __init__(self, app: SynapseApp) -> None:
        self._app = app
        self._calls: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("GET", "/sandbox/health"): self._health,
            ("GET", "/sandbox/calls"): self._count_calls,
            ("POST", "/sandbox/calls/reset"): self._reset_calls,
            ("GET", "/sandbox/log"): self._show_log,
            ("GET", "/sandbox/state"): self._show_state,
            ("GET", "/sandbox/faults"): self._show_faults,
            ("POST", "/sandbox/faults"): self._add_faults,
            ("DELETE", "/sandbox/faults"): self._clear_faults,
            ("POST", "/sandbox/clock"): self._set_clock,
            ("POST", "/sandbox/throttle"): self._set_throttle,
            ("POST", "/sandbox/stack-status"): self._set_status,
            ("POST", "/sandbox/latency"): self._set_latency,
            ("POST", "/sandbox/jobs"): self._set_jobs,
            ("POST", "/sandbox/views"): self._set_views,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one control call: 404 for unknown ones, 400 with a reason for what is not understood."""
        body = await read_body(receive, _LARGEST_BODY)
        call = self._calls.get((scope["method"], scope["path"]))
        if call is None:
            status, answer = 404, {"reason": f"the sandbox has no control {scope['method']} {scope['path']}"}
        else:
            status, answer = _tried(call, body)
        await send_answer(send, status, json.dumps(answer).encode(), content_type="application/json")

    def _health(self, _body: Json) -> Json:
        world = self._app.world
        return {"status": "ok", "entities": len(world.entities), "handles": len(world.handles)}

    def _count_calls(self, _body: Json) -> Json:
        return {**self._app.traffic.as_json(), "s3": dict(self._app.world.objects.calls)}

    def _reset_calls(self, _body: Json) -> Json:
        self._app.traffic.reset()
        self._app.world.objects.calls.clear()
        return self._count_calls({})

    def _show_log(self, _body: Json) -> Json:
        return {
            "calls": [
                {"method": call.method, "path": call.path, "userId": call.user_id, "status": call.status}
                for call in self._app.traffic.log
            ]
        }

    def _show_state(self, _body: Json) -> Json:
        return state_of(self._app.world)

    def _show_faults(self, _body: Json) -> Json:
        return {"rules": [rule.as_json() for rule in self._app.faults.rules]}

    def _add_faults(self, body: Json) -> Json:
        rules = [FaultRule.from_json(rule) for rule in body.get("rules", [body])]
        for rule in rules:
            self._app.faults.add(rule)
        return self._show_faults({})

    def _clear_faults(self, _body: Json) -> Json:
        self._app.faults.clear()
        return self._show_faults({})

    def _set_clock(self, body: Json) -> Json:
        clock = self._app.world.clock
        if "shiftSeconds" in body:
            clock.shift = timedelta(seconds=float(body["shiftSeconds"]))
        if "waitScale" in body:
            clock.wait_scale = float(body["waitScale"])
        return {"now": clock.stamp(), "shiftSeconds": clock.shift.total_seconds(), "waitScale": clock.wait_scale}

    def _set_throttle(self, body: Json) -> Json:
        limits = self._app.throttle.limits
        limits.enabled = bool(body.get("enabled", limits.enabled))
        limits.concurrent = int(body.get("concurrent", limits.concurrent))
        limits.frequency = Window(
            calls=int(body.get("calls", limits.frequency.calls)),
            seconds=float(body.get("seconds", limits.frequency.seconds)),
        )
        if "perApi" in body:
            limits.per_api = {
                path: Window(calls=int(rule["calls"]), seconds=float(rule["seconds"]))
                for path, rule in body["perApi"].items()
            }
        self._app.throttle.forget()
        return {
            "enabled": limits.enabled,
            "concurrent": limits.concurrent,
            "calls": limits.frequency.calls,
            "seconds": limits.frequency.seconds,
            "perApi": {path: {"calls": rule.calls, "seconds": rule.seconds} for path, rule in limits.per_api.items()},
        }

    def _set_status(self, body: Json) -> Json:
        self._app.status = StackStatus(body.get("status", self._app.status))
        self._app.status_message = str(body.get("message", self._app.status_message))
        return {"status": self._app.status.value, "message": self._app.status_message}

    def _set_latency(self, body: Json) -> Json:
        latency = self._app.latency
        latency.seconds = float(body.get("seconds", latency.seconds))
        if "byCall" in body:
            latency.by_call = {call: float(seconds) for call, seconds in body["byCall"].items()}
        if "copyBytesPerSecond" in body:
            speed = body["copyBytesPerSecond"]
            self._app.world.objects.copy_bytes_per_second = None if speed is None else float(speed)
        return {
            "seconds": latency.seconds,
            "byCall": latency.by_call,
            "copyBytesPerSecond": self._app.world.objects.copy_bytes_per_second,
        }

    def _set_jobs(self, body: Json) -> Json:
        jobs = self._app.world.jobs
        jobs.delay_seconds = float(body.get("delaySeconds", jobs.delay_seconds))
        if body.get("neverFinish") == []:
            jobs.let_finish()
        jobs.never_finish = set(body.get("neverFinish", jobs.never_finish))
        for failure in body.get("fail", []):
            reason = str(failure.get("reason", "A planted failure"))
            jobs.fail(str(failure["kind"]), int(failure.get("status", 400)), reason, times=failure.get("times", 1))
        views = self._app.world.tables.views
        views.lag_seconds = float(body.get("viewLagSeconds", views.lag_seconds))
        return {
            "delaySeconds": jobs.delay_seconds,
            "neverFinish": sorted(jobs.never_finish),
            "viewLagSeconds": views.lag_seconds,
        }

    def _set_views(self, body: Json) -> Json:
        world = self._app.world
        views = world.tables.views
        views.lag_seconds = float(body.get("lagSeconds", views.lag_seconds))
        views.unshown = {str(one) for one in body.get("unshown", views.unshown)}
        views.hold(world, [str(one) for one in body.get("held", views.held)])
        return {"lagSeconds": views.lag_seconds, "unshown": sorted(views.unshown), "held": sorted(views.held)}


def _tried(call: Callable[[Json], Json], body: bytes) -> tuple[int, Json]:
    try:
        asked = json.loads(body) if body.strip() else {}
        return 200, call(asked)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return 400, {"reason": f"not understood: {type(error).__name__}: {error}"}
