"""Which task stands for which phase. A phase without a task fails the first flow run, and a test before that."""

from collections.abc import Mapping

from tasks.batches import BatchTask
from tasks.copying import copy_files, prove_copies
from tasks.indexing import enumerate_children, fetch_handles
from tasks.repointing import repoint_versions, verify

TASKS: Mapping[str, BatchTask] = {
    task.name: task for task in (enumerate_children, fetch_handles, copy_files, prove_copies, repoint_versions, verify)
}
