"""The same project is never migrated twice at once, whatever deployment or index the two runs have."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import get_current_settings

from storage_core.errors import IndexInUse
from storage_core.model.ids import EntityId

LEASE_SECONDS = 60
"""The shortest that Prefect's server allows: so long a run that was killed seems to be alive."""

WAIT_SECONDS = 120
"""Longer than a lease and the server's look at it together: a dead run never stops the next one."""


@contextmanager
def only_migration_of(roots: Sequence[EntityId]) -> Iterator[None]:
    """Hold the one place that each of *roots* has; it is freed when the block or its process ends.

    Projects that contain one another are not recognised; for them, and for runs outside Prefect, there is the guard
    of the index file, and at last the compare-and-set of each change.

    Without a server of its own (no PREFECT_API_URL) nothing is held, see `_has_server`.

    Raises:
        IndexInUse: another run migrates one of them, and did not end within `WAIT_SECONDS`.
    """
    with _alone(sorted(f"storage-migration-of-{root}" for root in set(roots)), ", ".join(roots)):
        yield


@contextmanager
def only_run_of(shard: str) -> Iterator[None]:
    """The same for one shard of a migration, whose roots its coordinator holds.

    Raises:
        IndexInUse: another run works on it.
    """
    with _alone([f"storage-migration-{shard}"], shard):
        yield


@contextmanager
def _alone(names: list[str], what: str) -> Iterator[None]:
    if not _has_server():
        yield
        return
    for name in names:
        _declare(name)
    with ExitStack() as stack:
        try:
            stack.enter_context(
                concurrency(
                    names,
                    timeout_seconds=WAIT_SECONDS,
                    lease_duration=LEASE_SECONDS,
                    strict=True,
                    # a server that is away for a while must not end a run: the index guards what is at stake
                    raise_on_lease_renewal_failure=False,
                )
            )
        except TimeoutError:
            raise IndexInUse(
                f"Another run migrates {what} now.",
                fix="Wait until it has ended, or cancel it in Prefect; then run again.",
            ) from None
        yield


def _has_server() -> bool:
    """Whether runs talk to a server that outlives them, and not each to the one that Prefect embeds in it.

    An embedded server never looks for leases that ran out, but the place stays taken in its database: a run that was
    killed would shut out every later one. The lock of the index file guards such runs, and ends with their process.
    """
    return bool(get_current_settings().api.url)


def _declare(name: str) -> None:
    """Make the limit on the server, unless it is there; two runs may do so at once."""
    with get_client(sync_client=True) as client:
        try:
            client.upsert_global_concurrency_limit_by_name(name, limit=1)
        except ObjectAlreadyExists:
            return
