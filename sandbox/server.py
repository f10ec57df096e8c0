"""Runs the sandbox: a Synapse and an S3 on loopback ports, in a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from sandbox.asgi import App
from sandbox.clock import SandboxClock
from sandbox.connections import CuttableProtocol
from sandbox.control import Control
from sandbox.faults import Faults
from sandbox.objects.s3_app import S3App
from sandbox.objects.store import ObjectStore
from sandbox.synapse.app import SynapseApp
from sandbox.synapse.catalogue import all_routes
from sandbox.synapse.world import World

if TYPE_CHECKING:
    from sandbox.scenarios import ScenarioFacts

HOST = "127.0.0.1"
_START_SECONDS = 30
_POLL_SECONDS = 0.005
_BACKLOG = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How a sandbox is set up.

    Attributes:
        scenario: what to fill it with; empty when None.
        size: how many files the scenario makes; its own default when None.
        port: of the Synapse half; a free one when 0.
        s3_port: of the S3 half; a free one when 0.
        is_throttled: whether the service's limits of 3 in flight and 600 a minute are kept.
        wait_scale: every simulated wait is multiplied by it.
        latency_seconds: how long every Synapse call takes at least.
    """

    scenario: str | None = None
    size: int | None = None
    seed: int = 0
    port: int = 0
    s3_port: int = 0
    is_throttled: bool = True
    wait_scale: float = 1.0
    latency_seconds: float = 0.0


class Sandbox:
    """One world with both of its servers. Start and stop it once."""

    def __init__(self, options: SandboxOptions | None = None) -> None:
        self.options = options or SandboxOptions()
        self.clock = SandboxClock(wait_scale=self.options.wait_scale)
        objects = ObjectStore(clock=self.clock, seed=self.options.seed)
        self.world = World(clock=self.clock, objects=objects, random_seed=self.options.seed)
        self.faults = Faults()
        self.app = SynapseApp(self.world, all_routes(), faults=self.faults, control=Control)
        self.app.throttle.limits.enabled = self.options.is_throttled
        self.app.latency.seconds = self.options.latency_seconds
        self.s3_app = S3App(objects, self.faults)
        self.facts: ScenarioFacts | None = None
        self._sockets: list[socket.socket] = []
        self._servers: list[uvicorn.Server] = []
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the Synapse half listens, without a path."""
        return _url_of(self._sockets[0])

    @property
    def s3_url(self) -> str:
        """Where the S3 half listens."""
        return _url_of(self._sockets[1])

    @property
    def token(self) -> str:
        """The demo user's token, with all scopes."""
        return self.world.principals.demo_token

    def environment(self) -> dict[str, str]:
        """The variables that point a client at this sandbox."""
        owner = self.world.objects.owner
        return {
            "SYNAPSE_AUTH_TOKEN": self.token,
            "SYNAPSE_REPO_ENDPOINT": f"{self.url}/repo/v1",
            "SYNAPSE_FILE_ENDPOINT": f"{self.url}/file/v1",
            "SYNAPSE_AUTH_ENDPOINT": f"{self.url}/auth/v1",
            "AWS_ENDPOINT_URL_S3": self.s3_url,
            "AWS_ACCESS_KEY_ID": owner.access_key,
            "AWS_SECRET_ACCESS_KEY": owner.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Listen, fill in the scenario, and return when both halves answer.

        Raises OSError for a taken port and ValueError for an unknown scenario; nothing listens then.
        """
        try:
            for port in (self.options.port, self.options.s3_port):
                self._sockets.append(_listening(port))
            self.world.objects.endpoint_url = self.s3_url
            self._fill()
            self._servers = [_server(self.app), _server(self.s3_app)]
            self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
            self._thread.start()
            self._await_start()
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            self.stop()
            raise

    def stop(self) -> None:
        """Close both halves. Calls in flight are cut."""
        for server in self._servers:
            server.should_exit = True
            server.force_exit = True
        if self._thread is not None:
            self._thread.join(timeout=_START_SECONDS)
        for listening in self._sockets:
            listening.close()

    def _fill(self) -> None:
        if self.options.scenario is None:
            return
        # late: scenarios are many and a bare sandbox needs none of them
        from sandbox.scenarios import build

        self.facts = build(self.world, self.options.scenario, size=self.options.size, seed=self.options.seed)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await asyncio.gather(
            *(server.serve(sockets=[listening]) for server, listening in zip(self._servers, self._sockets, strict=True))
        )

    def _await_start(self) -> None:
        thread = self._thread
        waiting = threading.Event()
        for _ in range(int(_START_SECONDS / _POLL_SECONDS)):
            if all(server.started for server in self._servers):
                return
            if thread is None or not thread.is_alive():
                break
            waiting.wait(_POLL_SECONDS)
        raise RuntimeError("the sandbox did not start")


@contextmanager
def running_sandbox(options: SandboxOptions | None = None) -> Iterator[Sandbox]:
    """A sandbox that listens for as long as the block lasts."""
    sandbox = Sandbox(options)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


def _server(app: App) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=600,
        timeout_graceful_shutdown=1,
        backlog=_BACKLOG,
    )
    return uvicorn.Server(config)


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        # optional: there is none for Windows
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


def _listening(port: int) -> socket.socket:
    return socket.create_server((HOST, port), backlog=_BACKLOG)


def _url_of(listening: socket.socket) -> str:
    return f"http://{HOST}:{listening.getsockname()[1]}"
