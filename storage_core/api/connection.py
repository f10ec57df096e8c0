"""An open connection to Synapse, shared by everything that is done through it."""

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from storage_core.config import Config, load_config
from storage_core.storage_wiring import StorageDesk, storage_desk

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
    def desk(self) -> StorageDesk:
        """The connection, opened now if it was not.

        Raises:
            AccessError, UsageError: see `config.load_config`.
        """
        with self._guard:
            if self._desk is None:
                self._desk = self._closing.enter_context(storage_desk(self._config or load_config()))
            return self._desk

    def close(self) -> None:
        """End what is in flight. The next use opens it anew."""
        with self._guard:
            self._desk = None
            self._closing.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* on the network thread and wait for it."""
        return self.desk.network.run(work)

    async def hand_over(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* on the network thread while the caller's own loop goes on; cancelling cancels it there too."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.desk.network.loop))


_DEFAULT = Connection()
atexit.register(_DEFAULT.close)


def connection_or_default(connection: Connection | None) -> Connection:
    """The given connection, or the one that all who give none share for as long as the process lives."""
    return connection or _DEFAULT
