"""The task that reads a whole migration back."""

from pathlib import Path

from prefect import task

from storage_core.config import load_config
from storage_core.readback import ReadBack, read_back
from tasks.batches import TASK_OPTIONS


@task(name="read-back", tags=["synapse"], **TASK_OPTIONS)
def read_everything_back(index_path: Path) -> ReadBack:
    """Compare what an index says with what Synapse says: one call per hundred places."""
    return read_back(load_config(), index_path)
