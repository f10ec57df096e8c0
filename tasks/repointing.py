"""Tasks that change what places refer to, and read it back."""

from prefect import task

from tasks.batches import AT_HAND, TASK_OPTIONS


@task(name="repoint-versions", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def repoint_versions(batch: str) -> None:
    """Make the file versions of one batch refer to their proven copies."""
    AT_HAND.run(batch)


@task(name="repoint-cells", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def repoint_cells(batch: str) -> None:
    """Make table cells refer to their proven copies, thousands in one transaction."""
    AT_HAND.run(batch)


@task(name="verify", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def verify(batch: str) -> None:
    """Read back what the places of one batch refer to, 100 per call."""
    AT_HAND.run(batch)
