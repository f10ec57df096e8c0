"""Tasks that make new bytes and prove them; no place refers to these yet."""

from prefect import task

from tasks.batches import AT_HAND, TASK_OPTIONS, BatchEnd


@task(name="copy-files", task_run_name="{batch}", tags=["synapse", "s3"], **TASK_OPTIONS)
def copy_files(batch: str) -> BatchEnd:
    """Copy the handles of one batch inside S3."""
    return AT_HAND.run(batch)


@task(name="copy-large-files", task_run_name="{batch}", tags=["synapse", "s3"], **TASK_OPTIONS)
def copy_large_files(batch: str) -> BatchEnd:
    """Copy the handles of one batch inside S3, which takes it long."""
    return AT_HAND.run(batch)


@task(name="prove-copies", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def prove_copies(batch: str) -> BatchEnd:
    """Read the new handles of one batch, 100 per call, and judge each."""
    return AT_HAND.run(batch)
