"""index-files: walk projects and folders, read every file, fill the index. Changes nothing in Synapse."""

from flows.forms import flow_with_form
from flows.parameters import Credentials, IndexPath, Reading, Refresh, Running, Scope, Selection, index_path_from
from flows.sessions import session
from tasks.visibility import show_counts, show_plan


@flow_with_form("index-files")
def index_files(
    *,
    scope: Scope,
    index_path: IndexPath,
    selection: Selection,
    running: Running,
    reading: Reading,
    refresh: Refresh = True,
    credentials: Credentials = "",
) -> str:
    """Fill an index and publish the plan; changes nothing in Synapse. Returns the plan's hash."""
    settings, options = selection.settings(scope), running.options(reading)
    with session(index_path_from(index_path), settings, options, credentials) as app:
        outcome = app.migration.index(refresh=refresh)
        plan = app.migration.plan()
        show_plan(plan)
        show_counts(outcome.counts)
        return plan.hash
