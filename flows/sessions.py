"""What every flow does around its phases: open the migration so that its batches run as tasks, log, publish."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from prefect import get_run_logger
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.credentials import configuration
from storage_core.model.settings import MigrationSettings, RunOptions
from storage_core.network import NetworkThread
from storage_core.steps.driving import Launcher
from storage_core.wiring.migration import App, opened
from tasks.batches import AT_HAND, TaskLauncher
from tasks.pausing import noticing_pause
from tasks.progress import Progress
from tasks.registry import TASKS
from tasks.visibility import RunLogWatch

WORKER_THREADS = 32
"""Each task only waits for its batch on the network loop. A batch with one huge copy keeps a thread for long, so
there are more threads than batches that usually run."""


def batch_threads() -> TaskRunner[PrefectFuture[Any]]:
    """The task runner of our flows: threads of this process, since the batches need its network loop."""
    # Prefect declares the parameter invariant, so its own runner does not fit its own decorator.
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=WORKER_THREADS))


@contextmanager
def session(
    index_path: Path,
    settings: MigrationSettings | None,
    options: RunOptions,
    credentials: str = "",
    progress: Progress | None = None,
) -> Iterator[App]:
    """Open a migration whose batches run as tasks of the current flow run.

    Args:
        credentials: the name of blocks that hold them; empty: what the machine's environment and file say.
        progress: is told what is done.

    Raises:
        Pause: the run was suspended in Prefect; what was in flight has ended, and the index holds it.
    """
    log = get_run_logger()
    with (
        noticing_pause(log.warning) as pause,
        opened(
            configuration(credentials),
            index_path,
            settings,
            options=options,
            watch=RunLogWatch(log, progress, pause),
            launcher=_as_tasks,
        ) as app,
    ):
        yield app


def _as_tasks(network: NetworkThread) -> Launcher:
    AT_HAND.open(network)
    return TaskLauncher(TASKS)
