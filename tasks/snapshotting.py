"""The task that keeps how tables were."""

from prefect import task

from tasks.batches import AT_HAND, TASK_OPTIONS, BatchEnd


@task(name="snapshot-tables", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def snapshot_tables(batch: str) -> BatchEnd:
    """Freeze the tables of one batch as versions, before anything in them is changed."""
    return AT_HAND.run(batch)
