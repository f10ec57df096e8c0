"""Tasks that move files between a worker and where Synapse keeps them, a batch each."""

from collections.abc import Mapping

from prefect import task

from tasks.batches import AT_HAND, TASK_OPTIONS, BatchEnd, BatchTask


@task(name="upload-files", task_run_name="{batch}", tags=["synapse", "storage"], **TASK_OPTIONS)
def upload_batch(batch: str) -> BatchEnd:
    """Upload the files of one batch, those whose content differs."""
    return AT_HAND.run(batch)


@task(name="download-files", task_run_name="{batch}", tags=["synapse", "storage"], **TASK_OPTIONS)
def download_batch(batch: str) -> BatchEnd:
    """Download the files of one batch, those that are not here already, and check their MD5."""
    return AT_HAND.run(batch)


TRANSFER_TASKS: Mapping[str, BatchTask] = {task.name: task for task in (upload_batch, download_batch)}
