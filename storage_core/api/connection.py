"""An open connection to Synapse, shared by everything that is done through it."""

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from storage_core.api.clients import config_of
from storage_core.config import Config, load_config
from storage_core.network import NetworkThread
from storage_core.wiring.storage import StorageDesk, storage_desk

T = TypeVar("T")


class Connection:
    """Who is asked, as whom, and how fast. Opens at first use; `close`, or leaving a `with` block, ends it.

    One background thread per connection does all network work, so blocking calls work anywhere, a notebook's running
    event loop included, and asynchronous ones on any loop.
    """

    def __init__(self, config: Config | None = None) -> None:
        """Take token, endpoints and limits from *config*, or from the environment and ``~/.synapseConfig``."""
        self._config = config
        self._desk: StorageDesk | None = None
        self._closing = ExitStack()
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def config(self) -> Config:
        """Token, endpoints and limits.

        Raises:
            AccessError, UsageError: see `config.load_config`.
        """
        if self._config is None:
            self._config = load_config()
        return self._config

    @property
    def desk(self) -> StorageDesk:
        """The connection, opened now if it was not.

        Raises:
            AccessError, UsageError: see `config.load_config`.
        """
        with self._guard:
            if self._desk is None:
                self._desk = self._closing.enter_context(storage_desk(self.config))
            return self._desk

    def close(self) -> None:
        """End what is in flight. The next use opens it anew."""
        with self._guard:
            self._desk = None
            self._closing.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* on the network thread and wait for it."""
        network = self._network_of_others(work)
        return network.run(work)

    async def hand_over(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* on the network thread while the caller's own loop goes on; cancelling cancels it there too."""
        network = self._network_of_others(work)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, network.loop))

    def _network_of_others(self, work: Coroutine[Any, Any, Any]) -> NetworkThread:
        """The network thread, unless this already is it: waiting for itself it would wait for ever."""
        network = self.desk.network
        if asyncio._get_running_loop() is network.loop:  # noqa: SLF001 - the public call raises when there is none
            work.close()
            raise RuntimeError("this call was made on the network thread itself")
        return network


class _Shared:
    """Connections for callers who opened none: one for each configuration, until the process ends."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: dict[Config | None, Connection] = {}

    def of(self, config: Config | None) -> Connection:
        with self._guard:
            return self._open.setdefault(config, Connection(config))

    def close(self) -> None:
        with self._guard:
            opened, self._open = self._open, {}
        for connection in opened.values():
            connection.close()


_SHARED = _Shared()
atexit.register(_SHARED.close)


def connection_of(client: object | None) -> Connection:
    """The connection behind what scripts pass as `synapse_client`.

    Args:
        client: a `Connection`; None for the environment and ``~/.synapseConfig``, read once per process; or anything
            else that `clients.config_of` takes.

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(client, Connection):
        return client
    return _SHARED.of(None if client is None else config_of(client))


def close_shared_connections() -> None:
    """End those connections that were opened for callers who passed none; the next call opens them anew."""
    _SHARED.close()
