"""Rolling a migration back from Python: what `synapse-storage rollback` does, blocking and awaited."""

from pathlib import Path

from storage_core.api.clients import config_of
from storage_core.api.results import MigrationResult
from storage_core.api.runs import agreed, beside, refuse_early_end, refuse_mismatch
from storage_core.config import Config
from storage_core.model.returns import RollbackPlan
from storage_core.model.settings import RunOptions
from storage_core.plan.outcomes import parse_failure_limit
from storage_core.reports.wording import counted
from storage_core.steps.driving import QuietWatch, Watch
from storage_core.wiring.migration import opened


def rollback_migration(
    syn: object | None,
    db_path: str | Path,
    *,
    continue_on_error: bool = False,
    max_failures: str | int | None = None,
    force: bool = False,
) -> MigrationResult:
    """Let every place that the index has migrated refer to its old file handle again, and read it back.

    What somebody changed since is left as it is. Asks on the terminal first, unless *force*; asks nothing when there
    is nothing to roll back. Goes on where an interrupted call ended. See docs/rolling-back.md for whose handles can be
    referred to again, and until when.

    Args:
        syn: None, or a signed-in client of `synapseclient` whose token and endpoints are used.
        continue_on_error: go on past single failures; they are in the result.
        max_failures: stop when more than this has failed: a number of items, or a share as ``"2%"``.

    Raises:
        NotConfirmed: the answer was no, or there is no terminal and no *force*; nothing was changed.
        FailureThresholdReached: something failed, and nothing said to go on; or more failed than was allowed.
        VerificationMismatch: something read back is not what it should be; also with *continue_on_error*.
        UsageError, IndexUnusable, AccessError, IndexInUse, ServiceUnavailable: nothing can be done now.
    """
    options = _options(max_failures, continue_on_error=continue_on_error)
    return _rolled_back(config_of(syn), db_path, options, QuietWatch(), force=force)


async def rollback_migration_async(
    syn: object | None,
    db_path: str | Path,
    *,
    continue_on_error: bool = False,
    max_failures: str | int | None = None,
    force: bool = False,
) -> MigrationResult:
    """See `rollback_migration`. Cancelled, it finishes what is in flight, and the same call goes on later."""
    options = _options(max_failures, continue_on_error=continue_on_error)
    config = config_of(syn)
    return await beside(lambda watch: _rolled_back(config, db_path, options, watch, force=force))


def _options(max_failures: str | int | None, *, continue_on_error: bool) -> RunOptions:
    at_most, percent = parse_failure_limit(max_failures)
    return RunOptions(continue_on_error=continue_on_error, max_failures=at_most, max_failures_percent=percent)


def _rolled_back(
    config: Config, db_path: str | Path, options: RunOptions, watch: Watch, *, force: bool
) -> MigrationResult:
    path = Path(db_path).expanduser()
    with opened(config, path, None, options=options, watch=watch) as app:
        user_name = app.rollback.user().user_name
        outcome = app.rollback.run(lambda plan: _agreed(plan, user_name, force=force))
    refuse_mismatch(outcome, path)
    refuse_early_end(outcome, path)
    return MigrationResult(path)


def _agreed(plan: RollbackPlan, user_name: str, *, force: bool) -> str:
    question = f"{counted(plan.ahead.places, 'place')} to roll back"
    return agreed(question, user_name, force=force, left_undone="Nothing was rolled back")
