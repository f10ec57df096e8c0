"""How a batch of works becomes a Prefect task run.

The loop in `storage_core.steps.driving` stays in charge: it claims, it commits. A task only carries one batch to
the network loop of this process and waits for it, so that Prefect shows what runs, and counts it.

Prefect's record is lossy under bursts, so nothing here is truth; the index is.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from typing import Any, Protocol

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Cancelled

from storage_core.steps.driving import Ticket
from storage_core.steps.services import Network

BatchCode = Callable[[], Coroutine[Any, Any, None]]

BatchEnd = State[Any] | None
"""What a batch's task returns: nothing, or the state in which it ended when it was broken off with its run."""

TASK_OPTIONS: Mapping[str, Any] = {
    # An HTTP call is retried where it is made; a batch is repeated by running the migration again, because only
    # the index knows what of it is still to do. A retry of the task would repeat finished work.
    "retries": 0,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""What every task of ours has in common."""


class BatchesAtHand:
    """Batches that are launched and not begun. Live clients must not be task arguments: Prefect hashes those."""

    def __init__(self) -> None:
        self._network: Network | None = None
        self._waiting: dict[str, BatchCode] = {}

    def open(self, network: Network) -> None:
        """Use this network loop until the next call."""
        self._network = network
        self._waiting.clear()

    def put(self, key: str, code: BatchCode) -> None:
        """Keep a batch for the task that was just submitted with this key."""
        self._waiting[key] = code

    def run(self, key: str) -> BatchEnd:
        """Run a batch on the network loop and wait for it; it is Cancelled when its run gives it up meanwhile.

        Raises:
            LookupError: the batch is unknown, because the task runs in another process than the flow.
        """
        if self._network is None or key not in self._waiting:
            raise LookupError(f"batch {key} is not in this process: run these flows with a thread pool task runner")
        try:
            self._network.run(self._waiting.pop(key)())
        except CancelledError:
            return Cancelled(message="broken off with its run; the same run again goes on from there")
        return None


AT_HAND = BatchesAtHand()
"""Of this process; one flow run at a time fills it, since one process holds one index."""


class BatchTask(Protocol):
    """A Prefect task that takes the key of a batch."""

    def submit(self, batch: str) -> PrefectFuture[BatchEnd]:
        """Start the task on the flow's task runner."""
        ...


class TaskTicket:
    """A batch that runs as a Prefect task."""

    def __init__(self, future: PrefectFuture[BatchEnd]) -> None:
        self._future = future

    def done(self) -> bool:
        """Whether the task run ended."""
        return bool(self._future.state.is_final())

    def raise_failure(self) -> None:
        """Raise what the batch raised."""
        self._future.result(raise_on_failure=True)


class TaskLauncher:
    """Launches each batch as a run of the task that stands for its phase."""

    def __init__(self, tasks: Mapping[str, BatchTask]) -> None:
        self._tasks = tasks
        self._launched: Counter[str] = Counter()

    def launch(self, phase: str, batch: int, run: BatchCode) -> Ticket:
        """Submit the phase's task. Its key is what people see, numbered over the whole run: ``copy-files-12``."""
        del batch
        self._launched[phase] += 1
        key = f"{phase}-{self._launched[phase]}"
        AT_HAND.put(key, run)
        return TaskTicket(self._tasks[phase].submit(key))
