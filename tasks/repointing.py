"""Tasks that change what places refer to, forth and back, and read it back."""

from prefect import task

from tasks.batches import AT_HAND, TASK_OPTIONS, BatchEnd


@task(name="repoint-versions", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def repoint_versions(batch: str) -> BatchEnd:
    """Make the file versions of one batch refer to their proven copies."""
    return AT_HAND.run(batch)


@task(name="repoint-cells", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def repoint_cells(batch: str) -> BatchEnd:
    """Make table cells refer to their proven copies, thousands in one transaction."""
    return AT_HAND.run(batch)


@task(name="verify", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def verify(batch: str) -> BatchEnd:
    """Read back what the places of one batch refer to, 100 per call."""
    return AT_HAND.run(batch)


@task(name="old-handles", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def old_handles(batch: str) -> BatchEnd:
    """Look at the old handles of one batch, 100 per call, and make records of one's own of other people's."""
    return AT_HAND.run(batch)


@task(name="return-versions", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def return_versions(batch: str) -> BatchEnd:
    """Make the file versions of one batch refer to their old handles again."""
    return AT_HAND.run(batch)


@task(name="return-cells", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def return_cells(batch: str) -> BatchEnd:
    """Make table cells refer to their old handles again, thousands in one transaction."""
    return AT_HAND.run(batch)


@task(name="check-returns", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def check_returns(batch: str) -> BatchEnd:
    """Read back what the places of one batch refer to after the roll-back, 100 per call."""
    return AT_HAND.run(batch)
