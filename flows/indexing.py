"""index-files: walk projects and folders, read every file, fill the index. Changes nothing in Synapse."""

from dataclasses import replace

from prefect import flow

from flows.parameters import (
    Destination,
    IndexPath,
    MaxFailures,
    RootIds,
    Sources,
    failure_options_from,
    index_options_from,
    index_path_from,
    settings_from,
)
from flows.sessions import batch_threads, session
from storage_core.model.settings import FileVersionStrategy, IndexVia
from tasks.visibility import show_counts, show_plan


@flow(name="index-files", task_runner=batch_threads(), persist_result=False)
def index_files(
    root_ids: RootIds,
    destination_storage_location_id: Destination,
    index_path: IndexPath,
    file_version_strategy: FileVersionStrategy = FileVersionStrategy.NEW,
    source_storage_location_ids: Sources = [],
    include_table_files: bool = False,
    continue_on_error: bool = False,
    max_failures: MaxFailures = "",
    index_via: IndexVia = IndexVia.AUTO,
    view: str | None = None,
    no_provenance: bool = False,
    refresh: bool = True,
    credentials: str = "",
) -> str:
    """Fill an index and publish the plan; changes nothing in Synapse. Returns the plan's hash.

    Args:
        root_ids: What to migrate: Synapse ids of projects, folders, files or tables, as syn123 or 123.
        destination_storage_location_id: Id of a storage location that you created, of type EXTERNAL_S3 or SYNAPSE_S3.
        index_path: Where the migration keeps its index: on a local disk of the worker, never on a network drive.
        file_version_strategy: new adds a version; latest and all change versions in place; skip leaves files alone.
        source_storage_location_ids: Move only files whose bytes are in these locations. Empty: wherever they are.
        include_table_files: Also move files attached to the cells of tables.
        continue_on_error: Go on when a single file fails. Off: the first failure stops the run.
        max_failures: Stop when more items than this number, or more than this share (2%), have failed. Empty: no limit.
        index_via: view reads files through a temporary file view, which is always deleted; bundle one by one.
        view: Read files through this file view, given by its Synapse id; it is left as it is.
        no_provenance: No file has provenance. Spares strategy new a call per file, with a view only.
        refresh: Look again for what changed since the index was finished. Off: only go on where it ended.
        credentials: Name of the credential blocks to use; empty: what the worker itself has.
    """
    settings = settings_from(
        root_ids,
        destination_storage_location_id,
        file_version_strategy,
        source_storage_location_ids,
        include_tables=include_table_files,
    )
    options = replace(
        failure_options_from(max_failures, continue_on_error=continue_on_error),
        indexing=index_options_from(index_via, view, no_provenance=no_provenance),
    )
    with session(index_path_from(index_path), settings, options, credentials) as app:
        outcome = app.migration.index(refresh=refresh)
        plan = app.migration.plan()
        show_plan(plan)
        show_counts(outcome.counts)
        return plan.hash
