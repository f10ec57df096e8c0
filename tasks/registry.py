"""Which task stands for which phase. A phase without a task fails the first flow run, and a test before that."""

from collections.abc import Mapping

from tasks.batches import BatchTask
from tasks.copying import copy_files, copy_large_files, prove_copies
from tasks.indexing import (
    enumerate_children,
    enumerate_counted,
    fetch_cells,
    fetch_handles,
    fetch_handles_by_view,
    find_files_by_view,
)
from tasks.repointing import (
    check_returns,
    old_handles,
    repoint_cells,
    repoint_versions,
    return_cells,
    return_versions,
    verify,
)
from tasks.snapshotting import snapshot_tables

TASKS: Mapping[str, BatchTask] = {
    task.name: task
    for task in (
        enumerate_children,
        find_files_by_view,
        enumerate_counted,
        fetch_handles_by_view,
        fetch_handles,
        fetch_cells,
        copy_files,
        copy_large_files,
        prove_copies,
        snapshot_tables,
        repoint_versions,
        repoint_cells,
        verify,
        old_handles,
        return_versions,
        return_cells,
        check_returns,
    )
}
