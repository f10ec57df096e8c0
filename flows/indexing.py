"""index-files: walk projects and folders, read every file, fill the index. Changes nothing in Synapse."""

from prefect import flow

from flows.parameters import (
    ContinueOnError,
    Destination,
    IncludeTables,
    IndexPath,
    RootIds,
    Sources,
    Strategy,
    index_path_from,
    settings_from,
)
from flows.sessions import batch_threads, session
from storage_core.model.settings import FileVersionStrategy, RunOptions
from tasks.visibility import show_counts, show_plan


@flow(name="index-files", task_runner=batch_threads(), persist_result=False)
def index_files(
    root_ids: RootIds,
    destination_storage_location_id: Destination,
    index_path: IndexPath,
    file_version_strategy: Strategy = FileVersionStrategy.NEW,
    source_storage_location_ids: Sources = [],  # noqa: B006 - Prefect shows the default in its form
    include_table_files: IncludeTables = False,  # noqa: FBT002 - a form field, always given by name
    continue_on_error: ContinueOnError = False,  # noqa: FBT002 - a form field, always given by name
) -> str:
    """Fill an index and publish the plan. Returns the plan's hash."""
    settings = settings_from(
        root_ids,
        destination_storage_location_id,
        file_version_strategy,
        source_storage_location_ids,
        include_tables=include_table_files,
    )
    with session(index_path_from(index_path), settings, RunOptions(continue_on_error=continue_on_error)) as app:
        outcome = app.migration.index()
        plan = app.migration.plan()
        show_plan(plan)
        show_counts(outcome.counts)
        return plan.hash
