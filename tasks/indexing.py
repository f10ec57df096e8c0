"""Tasks that fill the index; they change nothing in Synapse."""

from prefect import task

from tasks.batches import AT_HAND, TASK_OPTIONS, BatchEnd


@task(name="enumerate-children", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def enumerate_children(batch: str) -> BatchEnd:
    """List the containers of one batch."""
    return AT_HAND.run(batch)


@task(name="fetch-cells", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def fetch_cells(batch: str) -> BatchEnd:
    """Read the cells that hold files, table by table."""
    return AT_HAND.run(batch)


@task(name="find-files-by-view", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def find_files_by_view(batch: str) -> BatchEnd:
    """Find the files of large containers in a file view."""
    return AT_HAND.run(batch)


@task(name="enumerate-counted", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def enumerate_counted(batch: str) -> BatchEnd:
    """List containers that a view does not show whole."""
    return AT_HAND.run(batch)


@task(name="fetch-handles-by-view", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def fetch_handles_by_view(batch: str) -> BatchEnd:
    """Read thousands of files through a file view, a hundred handles per call."""
    return AT_HAND.run(batch)


@task(name="fetch-handles", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def fetch_handles(batch: str) -> BatchEnd:
    """Read the files of one batch: one call per version that counts."""
    return AT_HAND.run(batch)
