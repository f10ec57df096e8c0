"""The task that reads a whole migration back."""

from collections.abc import Callable
from pathlib import Path

from prefect import task

from storage_core.config import Config
from storage_core.readback import ReadBack, read_back
from tasks.batches import TASK_OPTIONS


@task(name="read-back", tags=["synapse"], **TASK_OPTIONS)
def read_everything_back(index_path: Path, configured: Callable[[], Config]) -> ReadBack:
    """Compare what an index says with what Synapse says: one call per hundred places.

    The configuration is made inside, so that nothing secret is an argument of a task.
    """
    return read_back(configured(), index_path)
