"""Shards of a migration as runs of a deployment: started, watched, started again when their worker has died.

Shards do not outlive their coordinator while it can still say so: when it is cancelled, suspended or fails, they are
cancelled, end what is in flight and leave the rest to the next coordinator.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol, cast
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.states import Cancelling

from storage_core.errors import ServiceUnavailable
from tasks.pausing import PauseNotice

SHARD_DEPLOYMENT = "migrate-shard/shard"
Words = Mapping[str, str | bool]

LOOK_EVERY_SECONDS = 3.0
ATTEMPTS = 5
"""Worker deaths that one shard may meet in a row; then something is wrong that starting it again does not cure."""


class ShardRuns(Protocol):
    """The runs of shards, on Prefect's server."""

    def start(self, shard: Path, number: int) -> UUID:
        """The run with this number of this shard: begun now, unless it is there already."""
        ...

    def state(self, run: UUID) -> State | None:
        """What became of it so far."""
        ...

    def cancel(self, run: UUID) -> None:
        """Have it end what is in flight, and end; raises whatever Prefect's client raises when the server is away."""
        ...


class DeployedShards:
    """Shards as runs of the deployment `SHARD_DEPLOYMENT`, all of one agreed plan."""

    def __init__(self, plan_hash: str, *, continue_on_error: bool, credentials: str) -> None:
        self._more: Words = {
            "plan_hash": plan_hash,
            "continue_on_error": continue_on_error,
            "credentials": credentials,
        }

    def start(self, shard: Path, number: int) -> UUID:
        """See `ShardRuns`."""
        # the blocking form of a function that Prefect types as both
        run = run_deployment(
            SHARD_DEPLOYMENT,
            parameters={"index_path": str(shard), **self._more},
            timeout=0,
            as_subflow=False,
            flow_run_name=f"{shard.stem}-{number}",
            idempotency_key=f"{self._more['plan_hash']}-{shard.name}-{number}",
        )
        return cast("FlowRun", run).id

    def state(self, run: UUID) -> State | None:
        """See `ShardRuns`."""
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run).state

    def cancel(self, run: UUID) -> None:
        """See `ShardRuns`."""
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, Cancelling())


def migrate_all(shards: Sequence[Path], runs: ShardRuns, pause: PauseNotice | None) -> None:
    """Run every shard to its end, on whatever worker takes it.

    A run that is there for the same shard and plan is gone on with, so a coordinator that died is replaced by the next.

    Args:
        pause: knows when the coordinator was suspended; None where it cannot be.

    Raises:
        ServiceUnavailable: a shard's runs ended without completing, `ATTEMPTS` times.
        Pause: the coordinator was suspended.
    """
    log = get_run_logger()
    moment = threading.Event()
    with _ended_together(runs) as due:
        numbers = {shard: count(1) for shard in shards}
        for shard in shards:
            due[shard] = _first_that_can_go_on(shard, numbers[shard], runs)
        attempts = dict.fromkeys(shards, 1)
        while due:
            moment.wait(LOOK_EVERY_SECONDS)
            if pause is not None:
                pause.end_when_paused()
            for shard, run in list(due.items()):
                state = runs.state(run)
                if state is None or not state.is_final():
                    continue
                if state.is_completed():
                    log.info("%s: %s", shard.name, state.message)
                    del due[shard]
                    continue
                log.warning("%s ended as %s: %s", shard.name, state.name, state.message)
                if attempts[shard] == ATTEMPTS:
                    raise ServiceUnavailable(
                        f"{shard.name} was started {ATTEMPTS} times and never completed.",
                        fix="Read the log of its last run; then run this flow again: it goes on where it ended.",
                    )
                attempts[shard] += 1
                due[shard] = runs.start(shard, next(numbers[shard]))


def _first_that_can_go_on(shard: Path, numbers: Iterator[int], runs: ShardRuns) -> UUID:
    """The shard's first run that has not ended in vain; those that have were an earlier coordinator's."""
    while True:
        run = runs.start(shard, next(numbers))
        state = runs.state(run)
        if state is None or not state.is_final() or state.is_completed():
            return run


@contextmanager
def _ended_together(runs: ShardRuns) -> Iterator[dict[Path, UUID]]:
    """The runs that are due; those that still are when the block ends, however it ends, are cancelled."""
    due: dict[Path, UUID] = {}
    try:
        yield due
    finally:
        with ExitStack() as stack:  # each is told, also when one cannot be
            for shard, run in due.items():
                stack.callback(_cancel, runs, shard, run)


def _cancel(runs: ShardRuns, shard: Path, run: UUID) -> None:
    try:
        runs.cancel(run)
    except BaseException as trouble:  # nothing is swallowed: people are told what is left to do, and it is raised again
        trouble.add_note(f"{shard.name} could not be told to end: cancel its run {run} in Prefect.")
        raise
