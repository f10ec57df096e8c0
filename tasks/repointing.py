"""Tasks that change what places refer to, forth and back, and read it back."""

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


@task(name="old-handles", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def old_handles(batch: str) -> None:
    """Look at the old handles of one batch, 100 per call, and make records of one's own of other people's."""
    AT_HAND.run(batch)


@task(name="return-versions", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def return_versions(batch: str) -> None:
    """Make the file versions of one batch refer to their old handles again."""
    AT_HAND.run(batch)


@task(name="return-cells", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def return_cells(batch: str) -> None:
    """Make table cells refer to their old handles again, thousands in one transaction."""
    AT_HAND.run(batch)


@task(name="check-returns", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def check_returns(batch: str) -> None:
    """Read back what the places of one batch refer to after the roll-back, 100 per call."""
    AT_HAND.run(batch)
