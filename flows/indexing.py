"""index-files: walk projects and folders, read every file, fill the index. Changes nothing in Synapse."""

from typing import Any

from flows.forms import flow_with_form
from flows.parameters import Credentials, IndexPath, Reading, Refresh, Running, Scope, Selection, index_path_from
from flows.sessions import session
from flows.stages import only_planned
from storage_core.plan.outcomes import Ending
from tasks.visibility import show_plan


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
) -> Any:
    """Fill an index and publish the plan; changes nothing in Synapse. Run again, it goes on where it ended."""
    settings, options = selection.settings(scope), running.options(reading)
    with session(index_path_from(index_path), settings, options, credentials) as app:
        outcome = app.migration.index(refresh=refresh)
        if outcome.ending is Ending.COMPLETE:
            show_plan(app.migration.plan())
    return only_planned(outcome)
