"""`synapse-storage index`: find out what there is, change nothing."""

import typer

from storage_core.cli.arguments import (
    ContinueOption,
    EntityArgument,
    FailuresOption,
    IndexArgument,
    IndexViaOption,
    LocationArgument,
    NoProvenanceOption,
    SourcesOption,
    StrategyOption,
    TablesOption,
    ViewOption,
    index_options,
    settings_from,
)
from storage_core.cli.reporting import figures_of, run_facts
from storage_core.cli.running import ending_text, indexed_text, indexing_code, run_options, running
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.settings import FileVersionStrategy, IndexVia
from storage_core.reports.summary import summary_of
from storage_core.reports.terminal import status_view


def index(  # noqa: PLR0913, PLR0917 - an option each
    ctx: typer.Context,
    entity: EntityArgument,
    location_id: LocationArgument,
    index: IndexArgument,
    source_storage_location_ids: SourcesOption = None,
    file_version_strategy: StrategyOption = FileVersionStrategy.NEW,
    include_table_files: TablesOption = False,  # noqa: FBT002 - a flag
    continue_on_error: ContinueOption = False,  # noqa: FBT002 - a flag
    max_failures: FailuresOption = None,
    index_via: IndexViaOption = IndexVia.AUTO,
    view: ViewOption = None,
    no_provenance: NoProvenanceOption = False,  # noqa: FBT002 - a flag
) -> ExitCode:
    """Fill INDEX with everything below ENTITY; change nothing in Synapse.

    Goes on where an interrupted run ended. On a finished index, looks only at what may have changed.
    """
    session = session_of(ctx)
    settings = settings_from(
        entity, location_id, source_storage_location_ids, file_version_strategy, include_tables=include_table_files
    )
    options = run_options(
        continue_on_error=continue_on_error,
        max_failures=max_failures,
        indexing=index_options(index_via, view, no_provenance=no_provenance),
    )
    with running(session, index, settings, options) as app:
        outcome = app.migration.index(refresh=True)
        calls = app.remote.calls.total
    code = indexing_code(outcome)
    figures = figures_of(index)
    session.show(status_view(figures))
    session.document(summary_of(figures, run_facts(exit_code=code, calls=calls)))
    session.say(indexed_text(outcome.counts, settings.destination))
    session.say(ending_text(outcome.ending) or f"Synapse calls spent: {calls}.")
    return code
