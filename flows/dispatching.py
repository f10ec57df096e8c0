"""Shards of a migration as runs of a deployment: started, watched, started again when their worker has died."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment

from storage_core.errors import ServiceUnavailable

SHARD_DEPLOYMENT = "migrate-shard/shard"
Words = Mapping[str, str | bool]

LOOK_EVERY_SECONDS = 3.0
ATTEMPTS = 5
"""Worker deaths that one shard may meet in a row; then something is wrong that starting it again does not cure."""


def migrate_all(shards: Sequence[Path], plan_hash: str, *, continue_on_error: bool, credentials: str) -> None:
    """Run every shard to its end, on whatever worker takes it.

    A run that is there for the same shard and plan is gone on with, so a coordinator that died is replaced by the next.

    Raises:
        ServiceUnavailable: a shard's runs ended without completing, `ATTEMPTS` times.
    """
    more: Words = {"plan_hash": plan_hash, "continue_on_error": continue_on_error, "credentials": credentials}
    due = {shard: _started(shard, 1, more) for shard in shards}
    attempts = dict.fromkeys(shards, 1)
    pause = threading.Event()
    while due:
        pause.wait(LOOK_EVERY_SECONDS)
        for shard, run in list(due.items()):
            state = _now(run).state
            if state is None or not state.is_final():
                continue
            if state.is_completed():
                get_run_logger().info("%s: %s", shard.name, state.message)
                del due[shard]
            else:
                get_run_logger().warning("%s ended as %s: %s", shard.name, state.name, state.message)
                attempts[shard] += 1
                if attempts[shard] > ATTEMPTS:
                    raise ServiceUnavailable(
                        f"{shard.name} was started {ATTEMPTS} times and never completed.",
                        fix="Read the log of its last run; then run this flow again: it goes on where it ended.",
                    )
                due[shard] = _started(shard, attempts[shard], more)


def _started(shard: Path, attempt: int, more: Words) -> FlowRun:
    # the blocking form of a function that Prefect types as both
    run = run_deployment(
        SHARD_DEPLOYMENT,
        parameters={"index_path": str(shard), **more},
        timeout=0,
        as_subflow=False,
        flow_run_name=f"{shard.stem}-{attempt}",
        idempotency_key=f"{more['plan_hash']}-{shard.name}-{attempt}",
    )
    return cast("FlowRun", run)


def _now(run: FlowRun) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id)
