"""Tasks that fill the index; they change nothing in Synapse."""

from prefect import task

from tasks.batches import AT_HAND, TASK_OPTIONS


@task(name="enumerate-children", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def enumerate_children(batch: str) -> None:
    """List the containers of one batch."""
    AT_HAND.run(batch)


@task(name="fetch-cells", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def fetch_cells(batch: str) -> None:
    """Read the cells that hold files, table by table."""
    AT_HAND.run(batch)


@task(name="find-files-by-view", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def find_files_by_view(batch: str) -> None:
    """Find the files of large containers in a file view."""
    AT_HAND.run(batch)


@task(name="enumerate-counted", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def enumerate_counted(batch: str) -> None:
    """List containers that a view does not show whole."""
    AT_HAND.run(batch)


@task(name="fetch-handles-by-view", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def fetch_handles_by_view(batch: str) -> None:
    """Read thousands of files through a file view, a hundred handles per call."""
    AT_HAND.run(batch)


@task(name="fetch-handles", task_run_name="{batch}", tags=["synapse"], **TASK_OPTIONS)
def fetch_handles(batch: str) -> None:
    """Read the files of one batch: one call per version that counts."""
    AT_HAND.run(batch)
