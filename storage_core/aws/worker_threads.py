"""Threads for calls that block: as many as are needed, up to a number, and none that keeps a process from ending."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class WorkerThreads:
    """Runs blocking calls beside the event loop.

    The threads are daemons: a copy inside S3 keeps its connection open for minutes, and an interrupted program does
    not wait for it. (Those of `concurrent.futures` are waited for.)
    """

    def __init__(self, most: int) -> None:
        """Start nothing yet; never more than *most* threads."""
        self._most = most
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Run *call* on one of the threads; called from one event loop only.

        Cancelling stops the waiting. A call that has begun goes on to its end, and nobody hears of it.
        """
        future: Future[T] = Future()
        if not self._idle.acquire(blocking=False) and self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._serve, name=f"s3-{self._threads}", daemon=True).start()
        self._calls.put((future, call))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let idle threads end; the others end after their call."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _serve(self) -> None:
        while True:
            order = self._calls.get()
            if order is None:
                return
            future, call = order
            if future.set_running_or_notify_cancel():
                _carry_out(future, call)
            # neither the call nor its outcome may be kept alive while the thread waits for the next one
            del order, future, call
            self._idle.release()


def _carry_out(future: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the call
        future.set_exception(error)
    else:
        future.set_result(result)
