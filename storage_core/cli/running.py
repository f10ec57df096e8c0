"""Opening a migration for a command, and telling how it ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from storage_core.cli.progress import Expectations, watching
from storage_core.cli.session import Session
from storage_core.errors import ExitCode
from storage_core.model.copies import ProofLevel
from storage_core.model.items import ItemStatus
from storage_core.model.plans import StatusCount
from storage_core.model.settings import EngineOption, IndexOptions, MigrationSettings, RunOptions
from storage_core.plan.canaries import parse_canary
from storage_core.plan.outcomes import Ending, indexing_exit_code, parse_failure_limit
from storage_core.reports.wording import count_text, counted

if TYPE_CHECKING:
    from storage_core.steps.migration import RunOutcome
    from storage_core.wiring.migration import App

NOTHING_TO_DO = "No files found needing migration."


@contextmanager
def running(
    session: Session,
    index_path: Path,
    settings: MigrationSettings | None,
    options: RunOptions | None = None,
    expectations: Expectations | None = None,
) -> "Iterator[App]":
    """An open index with Synapse behind it and progress on standard error.

    Without *settings* the index must be there, which is looked at before any token is asked for.

    Raises:
        AccessError, UsageError, IndexInUse: nothing was opened.
    """
    from storage_core.index.opening import existing  # late: network and database are slow to import
    from storage_core.wiring.migration import opened

    if settings is None:
        existing(index_path)
    config = session.load_config()
    with (
        watching(session, expectations or Expectations()) as watch,
        opened(config, index_path, settings, options=options, watch=watch) as app,
    ):
        yield app


def user_name_of(app: "App") -> str:
    """Whose token the migration runs with; known once it is prepared."""
    return app.ledger.recall("user_name") or "unknown"


def run_options(  # noqa: PLR0913 - an option each
    *,
    continue_on_error: bool,
    max_failures: str | None,
    proof: ProofLevel = ProofLevel.STANDARD,
    table_snapshots: bool = True,
    indexing: IndexOptions | None = None,
    engine: EngineOption = EngineOption.AUTO,
    aws_profile: str | None = None,
    protect: bool = False,
    canary: int | None = None,
) -> RunOptions:
    """How the run behaves, from the words on the command line.

    Raises:
        UsageError: a word is none of those that are known.
    """
    at_most, percent = parse_failure_limit(max_failures)
    return RunOptions(
        continue_on_error=continue_on_error,
        max_failures=at_most,
        max_failures_percent=percent,
        proof=proof,
        table_snapshots=table_snapshots,
        indexing=indexing or IndexOptions(),
        engine=engine,
        aws_profile=aws_profile,
        protect=protect,
        canary=parse_canary(canary),
    )


def indexing_code(outcome: "RunOutcome") -> ExitCode:
    """What filling an index came to."""
    return indexing_exit_code(outcome.counts, outcome.ending)


def indexed_text(counts: Sequence[StatusCount], destination: int) -> str:
    """The sentence after indexing, in the words users know."""
    total = sum(count.items for count in counts)
    waiting = items_with(counts, ItemStatus.INDEXED)
    already = items_with(counts, ItemStatus.ALREADY_MIGRATED)
    failed = items_with(counts, ItemStatus.ERRORED)
    return (
        f"Indexed {counted(total, 'item')}, {count_text(waiting)} needing migration, {count_text(already)} already"
        f" stored in destination storage location ({destination}). Encountered {counted(failed, 'error')}."
    )


def ending_text(ending: Ending) -> str | None:
    """Why a run ended early, and how to go on; None when it did not."""
    match ending:
        case Ending.COMPLETE:
            return None
        case Ending.FIRST_FAILURE:
            return "Stopped at the first failure. Use --continue-on-error to go on past individual failures."
        case Ending.THRESHOLD:
            return "Stopped: more failures than --max-failures allows. The same command goes on where this ended."
        case Ending.STOPPED:
            return "Stopped. The same command goes on where this ended."
        case Ending.CANARY:
            return (
                "Stopped: the canary failed, and nothing else was touched. Cure what the report names, then run the"
                " same command with --retry-errors all; or without --canary, to leave these items behind."
            )


def items_with(counts: Sequence[StatusCount], status: ItemStatus) -> int:
    """Items in one status."""
    return sum(count.items for count in counts if count.status is status)
