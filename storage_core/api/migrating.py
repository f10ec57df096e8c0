"""Migrating from Python, under the names that users of the existing client know.

Every function has an asynchronous twin. The index is used by one thread from opening to closing, and all network I/O
runs on a loop of its own, so the blocking functions also work inside a running event loop (notebooks).
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from storage_core.api.clients import config_of
from storage_core.api.reading import IndexOnDisk
from storage_core.api.results import MigrationResult
from storage_core.api.runs import agreed, beside, refuse_early_end, refuse_mismatch
from storage_core.config import Config
from storage_core.errors import NotConfirmed, UsageError
from storage_core.model.canaries import CanaryResult, CanaryVerdict
from storage_core.model.copies import ProofLevel
from storage_core.model.ids import EntityId, parse_entity_id, parse_entity_ids, parse_storage_location_id
from storage_core.model.items import ReasonClass
from storage_core.model.plans import Plan
from storage_core.model.settings import (
    EngineOption,
    FileVersionStrategy,
    IndexOptions,
    IndexVia,
    MigrationSettings,
    RunOptions,
)
from storage_core.plan.canaries import parse_canary
from storage_core.plan.failed_again import RetryClass, classes_of
from storage_core.plan.outcomes import parse_failure_limit
from storage_core.plan.viewing import check_options
from storage_core.reports.canary import outcome_text, unclear_text
from storage_core.reports.wording import counted
from storage_core.steps.driving import QuietWatch, Watch
from storage_core.wiring.migration import opened

W = TypeVar("W", bound=StrEnum)

StorageLocation = str | int
"""Storage location ids come as numbers or texts."""


class HasId(Protocol):
    """An entity: ours, or one of `synapseclient`."""

    @property
    def id(self) -> str | int | None:
        """Its Synapse id."""
        ...


Entity = str | int | HasId
Entities = Entity | Sequence[Entity]
"""One entity, or several to be moved in one run; a text may name several, with commas between them."""


def index_files_for_migration(  # noqa: PLR0913, PLR0917 - the existing client's signature
    syn: object | None,
    entity: Entities,
    dest_storage_location_id: StorageLocation,
    db_path: str | Path | None = None,
    source_storage_location_ids: StorageLocation | Iterable[StorageLocation] | None = None,
    file_version_strategy: str = "new",
    include_table_files: bool = False,  # noqa: FBT001, FBT002 - the existing client's signature
    continue_on_error: bool = False,  # noqa: FBT001, FBT002 - the existing client's signature
    index_via: str = "auto",
    view: Entity | None = None,
    no_provenance: bool = False,  # noqa: FBT001, FBT002 - beside those of the existing client
    max_failures: str | int | None = None,
) -> MigrationResult:
    """Fill an index with everything below *entity*; change nothing in Synapse.

    Goes on where an interrupted call ended. On a finished index it looks only at what may have changed.

    Args:
        syn: None, or a signed-in client of `synapseclient` whose token and endpoints are used.
        entity: project, folder, file or table: ``"syn123"``, ``123``, or an object with an `id`. Several of them, in
            a list or as ``"syn123,syn456"``, are moved in one run with one index.
        db_path: where the index is, or comes to be; None makes a fresh folder for it (see `MigrationResult.db_path`).
        source_storage_location_ids: only bytes in these locations, or in this one, are moved; None or empty means all.
        file_version_strategy: new, latest, all or skip.
        continue_on_error: go on past single failures; they are in the result.
        max_failures: go on past failures until more than this has failed: a number of items, or a share of at least 50
            as ``"2%"``.
        index_via: auto, bundle or view: how files are read (docs/index.md).
        view: a file view to read them through; it is left as it is.
        no_provenance: no file has provenance; with a view, strategy new then need not read each of them.

    Raises:
        UsageError: an id or strategy is none, or nothing is left to migrate.
        IndexUnusable: the file belongs to another migration or is none of ours; of an SQLite index of the existing
            client it says how to import it.
        FailureThresholdReached: something failed, and nothing said to go on; or more failed than was allowed.
        AccessError, IndexInUse, ServiceUnavailable: nothing can be done now.
    """
    settings = settings_from(
        entity,
        dest_storage_location_id,
        sources=source_storage_location_ids,
        strategy=file_version_strategy,
        include_tables=include_table_files,
    )
    indexing = _index_options(index_via, view, no_provenance=no_provenance)
    options = replace(_failing(max_failures, continue_on_error=continue_on_error), indexing=indexing)
    return _indexed(config_of(syn), settings, db_path, options, QuietWatch())


def migrate_indexed_files(  # noqa: PLR0913 - the existing client's, and five more
    syn: object | None,
    db_path: str | Path,
    create_table_snapshots: bool = True,  # noqa: FBT001, FBT002 - the existing client's signature
    continue_on_error: bool = False,  # noqa: FBT001, FBT002 - the existing client's signature
    force: bool = False,  # noqa: FBT001, FBT002 - the existing client's signature
    *,
    engine: str = "auto",
    aws_profile: str | None = None,
    max_failures: str | int | None = None,
    protect: bool = False,
    canary: int | None = None,
    proof: str = "standard",
    retry_errors: str | None = None,
) -> MigrationResult:
    """Migrate what an index holds: copy, prove, repoint, read back. Goes on where an earlier call ended.

    Asks on the terminal before anything is changed, unless *force*.

    Args:
        engine: synapse, s3 (with AWS keys of your own), or auto, which takes s3 wherever those keys suffice.
        aws_profile: whose keys; None takes those of the environment or the machine.
        max_failures: see `index_files_for_migration`.
        protect: others may only look at the project or folder until the call ends (docs/protecting.md).
        canary: so many items, of all kinds and sizes, go first; then it asks again, or with *force* goes on only when
            each of them is migrated, proven and read back (docs/canary.md).
        proof: standard; or strict, which reads and hashes every copy that nothing better than `structural` proves.
        retry_errors: first put failed items of this class back to work: retryable, needs-a-person, never-works or all.

    Raises:
        NotConfirmed: the answer was no, or there is no terminal and no *force*; nothing was changed but the canary,
            which it names.
        FailureThresholdReached: something failed, and nothing said to go on; or more failed than was allowed.
        VerificationMismatch: something read back is not what was written; also with *continue_on_error*.
        UsageError, IndexUnusable, AccessError, IndexInUse, ServiceUnavailable: see `index_files_for_migration`.
    """
    options = replace(
        _failing(max_failures, continue_on_error=continue_on_error),
        table_snapshots=create_table_snapshots,
        engine=_word(engine, EngineOption, "engine"),
        aws_profile=aws_profile,
        protect=protect,
        canary=parse_canary(canary),
        proof=_word(proof, ProofLevel, "proof"),
    )
    again = None if retry_errors is None else classes_of(_word(retry_errors, RetryClass, "retry_errors"))
    return _migrated(config_of(syn), db_path, options, QuietWatch(), force=force, again=again)


async def index_files_for_migration_async(  # noqa: PLR0913, PLR0917 - its twin's signature
    syn: object | None,
    entity: Entities,
    dest_storage_location_id: StorageLocation,
    db_path: str | Path | None = None,
    source_storage_location_ids: StorageLocation | Iterable[StorageLocation] | None = None,
    file_version_strategy: str = "new",
    include_table_files: bool = False,  # noqa: FBT001, FBT002 - its twin's signature
    continue_on_error: bool = False,  # noqa: FBT001, FBT002 - its twin's signature
    index_via: str = "auto",
    view: Entity | None = None,
    no_provenance: bool = False,  # noqa: FBT001, FBT002 - beside those of the existing client
    max_failures: str | int | None = None,
) -> MigrationResult:
    """See `index_files_for_migration`. Cancelled, it finishes what is in flight, and the same call goes on later."""
    settings = settings_from(
        entity,
        dest_storage_location_id,
        sources=source_storage_location_ids,
        strategy=file_version_strategy,
        include_tables=include_table_files,
    )
    indexing = _index_options(index_via, view, no_provenance=no_provenance)
    options = replace(_failing(max_failures, continue_on_error=continue_on_error), indexing=indexing)
    config = config_of(syn)
    return await beside(lambda watch: _indexed(config, settings, db_path, options, watch))


async def migrate_indexed_files_async(  # noqa: PLR0913 - its twin's signature
    syn: object | None,
    db_path: str | Path,
    create_table_snapshots: bool = True,  # noqa: FBT001, FBT002 - its twin's signature
    continue_on_error: bool = False,  # noqa: FBT001, FBT002 - its twin's signature
    force: bool = False,  # noqa: FBT001, FBT002 - its twin's signature
    *,
    engine: str = "auto",
    aws_profile: str | None = None,
    max_failures: str | int | None = None,
    protect: bool = False,
    canary: int | None = None,
    proof: str = "standard",
    retry_errors: str | None = None,
) -> MigrationResult:
    """See `migrate_indexed_files`. Cancelled, it finishes what is in flight, and the same call goes on later."""
    options = replace(
        _failing(max_failures, continue_on_error=continue_on_error),
        table_snapshots=create_table_snapshots,
        engine=_word(engine, EngineOption, "engine"),
        aws_profile=aws_profile,
        protect=protect,
        canary=parse_canary(canary),
        proof=_word(proof, ProofLevel, "proof"),
    )
    again = None if retry_errors is None else classes_of(_word(retry_errors, RetryClass, "retry_errors"))
    config = config_of(syn)
    return await beside(lambda watch: _migrated(config, db_path, options, watch, force=force, again=again))


def settings_from(
    entity: Entities,
    destination: StorageLocation,
    *,
    sources: StorageLocation | Iterable[StorageLocation] | None,
    strategy: str,
    include_tables: bool,
) -> MigrationSettings:
    """The settings that a call's arguments stand for.

    Raises:
        UsageError: an id or the strategy is none, or nothing is left to migrate.
    """
    chosen = _word(strategy, FileVersionStrategy, "file_version_strategy")
    if chosen is FileVersionStrategy.SKIP and not include_tables:
        raise UsageError(
            "Skipping both file entities and files attached to tables leaves nothing to migrate.",
            fix="Pass include_table_files=True, or choose another file_version_strategy.",
        )
    return MigrationSettings(
        roots=entity_ids_of(entity),
        destination=parse_storage_location_id(destination),
        source_location_ids=tuple(dict.fromkeys(parse_storage_location_id(source) for source in _several(sources))),
        strategy=chosen,
        include_tables=include_tables,
    )


def _several(sources: StorageLocation | Iterable[StorageLocation] | None) -> Iterable[StorageLocation]:
    """The ids one by one: a text is a single id or, as on the command line, several with commas between them."""
    if sources is None:
        return ()
    if isinstance(sources, str):
        return sources.split(",") if sources.strip() else ()
    return (sources,) if isinstance(sources, int) else sources


def _index_options(via: str, view: Entity | None, *, no_provenance: bool) -> IndexOptions:
    """How the index is filled.

    Raises:
        UsageError: a word or an id is none, or they contradict each other.
    """
    chosen = _word(via, IndexVia, "index_via")
    options = IndexOptions(
        via=chosen, view=None if view is None else entity_id_of(view), asks_provenance=not no_provenance
    )
    check_options(options)
    return options


def _failing(max_failures: str | int | None, *, continue_on_error: bool) -> RunOptions:
    at_most, percent = parse_failure_limit(max_failures)
    return RunOptions(continue_on_error=continue_on_error, max_failures=at_most, max_failures_percent=percent)


def _word(given: str, known: type[W], name: str) -> W:
    """The one of the known words that was *given*.

    Raises:
        UsageError: it is none of them.
    """
    try:
        return known(given)
    except ValueError:
        raise UsageError(f"{given!r} is no {name}.", fix=f"Choose one of {', '.join(known)}.") from None


def entity_id_of(entity: Entity) -> EntityId:
    """The id of what scripts call an entity.

    Raises:
        UsageError: it is none, or has none yet.
    """
    if not isinstance(entity, (str, int)) and not hasattr(entity, "id"):
        raise UsageError(
            f"A {type(entity).__name__} is no entity.", fix="Give a Synapse id, or an object with an attribute id."
        )
    found = entity if isinstance(entity, (str, int)) else entity.id
    if found is None:
        raise UsageError("The entity must have an id set.", fix="Store or get it first, or give its Synapse id.")
    return parse_entity_id(str(found))


def entity_ids_of(entities: Entities) -> tuple[EntityId, ...]:
    """The ids of what scripts call an entity or several, each once, in the order given.

    Raises:
        UsageError: one of them is none, or there is not one.
    """
    if isinstance(entities, str):
        return parse_entity_ids(entities)
    if isinstance(entities, (bytes, bytearray)):
        raise UsageError("Bytes are no entity.", fix="Give a Synapse id as a text.")
    if not isinstance(entities, Sequence):
        return (entity_id_of(entities),)
    if not entities:
        raise UsageError("No entity to migrate was given.", fix="Name a project, folder, file or table.")
    return tuple(dict.fromkeys(entity_id_of(entity) for entity in entities))


def roots_of_index(db_path: str | Path) -> tuple[EntityId, ...]:
    """Which entities an index is bound to.

    Raises:
        UsageError, IndexUnusable, IndexInUse: see `index.reading.open_for_reading`.
    """
    return IndexOnDisk(Path(db_path).expanduser()).settings.roots


def _indexed(
    config: Config, settings: MigrationSettings, db_path: str | Path | None, options: RunOptions, watch: Watch
) -> MigrationResult:
    path = _index_path(db_path, settings.roots[0])
    with opened(config, path, settings, options=options, watch=watch) as app:
        if app.ledger.is_indexed():
            app.ledger.reopen_for_reindex()
        outcome = app.migration.index()
    refuse_early_end(outcome, path)
    return MigrationResult(path)


def _migrated(
    config: Config,
    db_path: str | Path,
    options: RunOptions,
    watch: Watch,
    *,
    force: bool,
    again: frozenset[ReasonClass] | None,
) -> MigrationResult:
    path = Path(db_path).expanduser()
    with opened(config, path, None, options=options, watch=watch) as app:
        if again is not None:
            app.ledger.retry(again)
        user_name = app.ledger.recall("user_name") or "unknown"
        outcome = app.canary.run(
            lambda plan: _agreed(plan, user_name, force=force),
            lambda plan, tried: _agreed_to_rest(plan, tried, user_name, force=force),
        )
    refuse_mismatch(outcome, path)
    refuse_early_end(outcome, path)
    return MigrationResult(path)


def _index_path(db_path: str | Path | None, root: EntityId) -> Path:
    if db_path is not None:
        return Path(db_path).expanduser()
    return Path(tempfile.mkdtemp(prefix="synapse-storage-")) / f"migration_{root}.duckdb"


def _agreed(plan: Plan, user_name: str, *, force: bool) -> str:
    """Who agreed to the plan."""
    question = f"{counted(plan.ahead.repoints, 'item')} for migration to {plan.settings.destination}"
    return agreed(question, user_name, force=force, left_undone="Nothing was migrated")


def _agreed_to_rest(plan: Plan, canary: CanaryResult, user_name: str, *, force: bool) -> str:
    """Who agreed to go on after the canary."""
    if force and canary.verdict is not CanaryVerdict.CLEAN:
        raise NotConfirmed(
            unclear_text(canary), fix="Index again to pick up what changed; or call again without force, or canary."
        )
    question = f"{outcome_text(canary)} {counted(plan.ahead.repoints, 'item')} left"
    return agreed(question, user_name, force=force, left_undone="The canary has ended, and nothing else was migrated")
