"""`synapse-storage migrate`: the whole life of a migration, from wherever an earlier run ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.agreeing import Agreement
from storage_core.cli.arguments import (
    AwsProfile,
    CanaryOption,
    ContinueOption,
    EngineWish,
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
from storage_core.cli.defaulting import SetDefaultOption, announce_default, set_default_location
from storage_core.cli.documents import canary_document, candidates_document, plan_document
from storage_core.cli.notifying import NotifyOption, tell_of_end, telling_of_failures
from storage_core.cli.reporting import check_places, figures_of, run_facts, write_csv_log, write_reports
from storage_core.cli.running import (
    NOTHING_TO_DO,
    ending_text,
    indexed_text,
    indexing_code,
    items_with,
    run_options,
    running,
    user_name_of,
)
from storage_core.cli.session import Session, session_of
from storage_core.errors import ExitCode, NotConfirmed
from storage_core.model.canaries import CanaryResult
from storage_core.model.copies import ProofLevel
from storage_core.model.items import ItemStatus
from storage_core.model.plans import StatusCount
from storage_core.model.settings import EngineOption, FileVersionStrategy, IndexVia, MigrationSettings, RunOptions
from storage_core.plan.failed_again import RetryClass, classes_of
from storage_core.plan.outcomes import Ending
from storage_core.reports.canary import canary_view, candidates_text
from storage_core.reports.summary import summary_of
from storage_core.reports.terminal import outcome_view, plan_view
from storage_core.reports.wording import counted

if TYPE_CHECKING:
    from storage_core.wiring.migration import App


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the user ordered, beside the settings."""

    index_path: Path
    csv_path: Path | None
    report_folder: Path | None
    force: bool
    retry: RetryClass | None
    set_default: bool


def migrate(  # noqa: PLR0913, PLR0917 - an option each
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
    no_table_snapshots: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--no-table-snapshots", help="Do not freeze tables as versions before changing them.")
    ] = False,
    protect: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option("--protect", help='Take others down to "Can view" until the run ends; then put it back.'),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Index and plan only.")] = False,  # noqa: FBT002 - a flag
    force: Annotated[bool, typer.Option("--force", help="Agree to the plan without being asked.")] = False,  # noqa: FBT002 - a flag
    csv_log_path: Annotated[
        Path | None, typer.Option("--csv-log-path", help="Also write the CSV log here.", show_default=False)
    ] = None,
    proof: Annotated[
        ProofLevel, typer.Option("--proof", help="strict: read and hash what nothing else proves.")
    ] = ProofLevel.STANDARD,
    engine: EngineWish = EngineOption.AUTO,
    aws_profile: AwsProfile = None,
    canary: CanaryOption = None,
    retry_errors: Annotated[
        RetryClass | None,
        typer.Option("--retry-errors", help="First put failed items of this class back to work.", show_default=False),
    ] = None,
    report_folder: Annotated[
        Path | None,
        typer.Option("--report-folder", help="Where the reports go.", show_default="INDEX's name with -report"),
    ] = None,
    notify: NotifyOption = None,
    set_default: SetDefaultOption = False,  # noqa: FBT002 - a flag
) -> ExitCode:
    """Move the bytes of everything below ENTITY to LOCATION_ID: index, plan, confirm, copy, prove, repoint, verify.

    Run the same command again to go on after an interruption or a failure.
    """
    session = session_of(ctx)
    settings = settings_from(
        entity, location_id, source_storage_location_ids, file_version_strategy, include_tables=include_table_files
    )
    options = run_options(
        continue_on_error=continue_on_error,
        max_failures=max_failures,
        proof=proof,
        table_snapshots=not no_table_snapshots,
        indexing=index_options(index_via, view, no_provenance=no_provenance),
        engine=engine,
        aws_profile=aws_profile,
        protect=protect,
        canary=canary,
    )
    order = Order(
        index_path=index,
        csv_path=csv_log_path,
        report_folder=report_folder,
        force=force,
        retry=retry_errors,
        set_default=set_default,
    )
    check_places(index, csv_log_path, report_folder)
    try:
        with telling_of_failures(session, notify, settings, index):
            code = (_planned_only if dry_run else _carried_out)(session, settings, options, order)
    except NotConfirmed:
        _write_csv(session, order)
        raise
    _write_csv(session, order)
    if not dry_run:
        tell_of_end(session, notify, index, code)
    return code


def _carried_out(session: Session, settings: MigrationSettings, options: RunOptions, order: Order) -> ExitCode:
    agreement = Agreement(session, force=order.force, canary=options.canary)
    if order.set_default:
        announce_default(session, settings)
    with running(session, order.index_path, settings, options, agreement.expectations) as app:
        if order.retry is not None:
            session.say(f"{counted(app.ledger.retry(classes_of(order.retry)), 'failed item')} put back to work.")
        outcome = app.canary.run(
            lambda plan: agreement.reach(plan, user_name_of(app)),
            lambda plan, tried: agreement.go_on(plan, tried, user_name_of(app), reports=_reports(order, app)),
        )
        tried = app.canary.result() if options.canary else None
        code = set_default_location(session, app, outcome.exit_code) if order.set_default else outcome.exit_code
        calls = app.remote.calls.total
    if outcome.ending is Ending.COMPLETE and not agreement.was_asked_for:
        session.say(indexed_text(outcome.counts, settings.destination))
        session.say(NOTHING_TO_DO)
    session.say(ending_text(outcome.ending) or _completed_text(settings, outcome.counts))
    if tried is not None and not tried.is_agreed:
        session.show(canary_view(tried))
    return _told(session, order, code, calls, tried)


def _planned_only(session: Session, settings: MigrationSettings, options: RunOptions, order: Order) -> ExitCode:
    """The dry run: all of it, except what would change something."""
    with running(session, order.index_path, settings, options) as app:
        outcome = app.migration.index()
        plan = app.migration.plan() if outcome.ending is Ending.COMPLETE else None
        first = app.canary.more() if plan is not None else ()
    session.say(indexed_text(outcome.counts, settings.destination))
    if plan is None:
        session.say(ending_text(outcome.ending) or "")
        return outcome.exit_code
    session.show(plan_view(plan))
    if options.canary:
        session.say(candidates_text(first))
    canary = {"canary": candidates_document(first)} if options.canary else {}
    session.document({**plan_document(plan), **canary})
    session.say(
        f"Dry run, index created at {order.index_path} but skipping migration. Can proceed with migration by running"
        " the same command without the dry run option."
    )
    return indexing_code(outcome)


def _completed_text(settings: MigrationSettings, counts: Sequence[StatusCount]) -> str:
    moved, failed = items_with(counts, ItemStatus.MIGRATED), items_with(counts, ItemStatus.ERRORED)
    roots = ", ".join(settings.roots)
    return f"Completed migration of {roots}. {counted(moved, 'item')} migrated. {counted(failed, 'error')} encountered."


def _reports(order: Order, app: "App") -> list[str]:
    """Write the reports while the run goes on, from what it has published; the one for people."""
    return list(write_reports(order.index_path, order.report_folder, run_facts(calls=app.remote.calls.total)))[:1]


def _told(session: Session, order: Order, code: ExitCode, calls: int, tried: CanaryResult | None) -> ExitCode:
    """Write the reports, then show the figures and where the reports are."""
    facts = run_facts(exit_code=code, calls=calls)
    written = list(write_reports(order.index_path, order.report_folder, facts))
    figures = figures_of(order.index_path)
    session.show(outcome_view(figures, code, calls=calls, reports=written[:1]))
    canary = {} if tried is None else {"canary": canary_document(tried)}
    session.document({**summary_of(figures, facts), **canary, "reports": written})
    return code


def _write_csv(session: Session, order: Order) -> None:
    if order.csv_path is not None and order.index_path.exists():
        session.say(f"Writing csv log to {order.csv_path}")
        write_csv_log(order.index_path, order.csv_path)
