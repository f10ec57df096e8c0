"""The composition root: the only place that knows which adapter stands behind which port."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage_core.aws.objects import S3Objects
from storage_core.config import Config
from storage_core.engines.chosen import ChosenEngines
from storage_core.engines.object_reader import PresignedObjectReader
from storage_core.engines.part_moving import LongParts
from storage_core.engines.relay_copy import RELAY_CAPABILITIES
from storage_core.engines.s3_copy import S3_CAPABILITIES, S3CopyEngine
from storage_core.engines.synapse_copy import SYNAPSE_CAPABILITIES, SynapseCopyEngine
from storage_core.index.opening import open_index
from storage_core.model.copies import EngineName
from storage_core.model.pace import Limits
from storage_core.model.settings import EngineOption, MigrationSettings, RunOptions
from storage_core.network import NetworkThread
from storage_core.pacing import Pacer, pacing
from storage_core.plan.estimating import Speeds
from storage_core.plan.outcomes import FailureLimit
from storage_core.plan.parts import SERVICE_LIMITS, PartLimits
from storage_core.ports.catalog import Catalog
from storage_core.ports.clock import Clock
from storage_core.ports.ledger import Ledger
from storage_core.ports.messenger import Messenger
from storage_core.steps.borrowing import TokenCache
from storage_core.steps.canary import Canary
from storage_core.steps.choosing import Engines
from storage_core.steps.deep_checking import DeepCheck
from storage_core.steps.driving import Launcher, LoopLauncher, QuietWatch, Watch
from storage_core.steps.known import EtagMeanings, KnownDestination
from storage_core.steps.migration import Migration
from storage_core.steps.protecting import Protector
from storage_core.steps.rolling_back import RollBack
from storage_core.steps.services import Services
from storage_core.steps.surroundings import Surroundings
from storage_core.stores.store_type import StoreTools
from storage_core.synapse.access_catalog import SynapseAccessCatalog
from storage_core.synapse.calls import CallTotals
from storage_core.synapse.catalog import SynapseCatalog
from storage_core.synapse.clock import SystemClock
from storage_core.synapse.endpoints.file_handles import FileHandles
from storage_core.synapse.endpoints.multipart import Multipart
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.messenger import SynapseMessenger
from storage_core.synapse.presigned import PresignedSender
from storage_core.synapse.slots import AdjustableSlots
from storage_core.synapse.storage import SynapseStorage
from storage_core.synapse.stream_speed import StreamSpeed
from storage_core.synapse.transport import Transport
from storage_core.wiring.relay import RelayEngine, relaying

_MOST_S3_THREADS = 256
"""Requests to S3 with the user's own keys block a thread each; more threads than this bring nothing."""

LauncherFactory = Callable[[NetworkThread], Launcher]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Synapse and its object storage, reachable. Lives on the network thread."""

    network: NetworkThread
    transport: Transport
    limiter: CallLimiter
    sender: PresignedSender
    catalog: Catalog
    multipart: Multipart
    messenger: Messenger
    clock: Clock
    s3_slots: AdjustableSlots

    @property
    def calls(self) -> CallTotals:
        """What was sent to Synapse so far."""
        return self.transport.calls.totals()


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One migration, ready to run."""

    remote: Remote
    ledger: Ledger
    migration: Migration
    canary: Canary
    rollback: RollBack
    deep_check: DeepCheck
    protector: Protector


@contextmanager
def connected(config: Config) -> Iterator[Remote]:
    """Open the network side: one event loop, one limiter, one connection pool to Synapse and one to S3."""
    with NetworkThread() as network:
        remote = network.run(_connect(config, network))
        try:
            yield remote
        finally:
            network.run(_disconnect(remote))


async def _connect(config: Config, network: NetworkThread) -> Remote:
    clock = SystemClock()
    limiter = CallLimiter(
        folder=config.state_folder,
        endpoint=config.repo_endpoint,
        calls_in_flight=config.calls_in_flight,
        calls_per_minute=config.calls_per_minute,
    )
    transport = Transport(config, limiter, clock)
    s3_slots = AdjustableSlots(config.s3_connections)
    sender = PresignedSender(config, busy=s3_slots.slow_down)
    return Remote(
        network=network,
        transport=transport,
        limiter=limiter,
        sender=sender,
        catalog=SynapseCatalog(transport, clock),
        multipart=Multipart(transport),
        messenger=SynapseMessenger(transport, sender),
        clock=clock,
        s3_slots=s3_slots,
    )


async def _disconnect(remote: Remote) -> None:
    await asyncio.gather(remote.transport.aclose(), remote.sender.aclose())
    remote.limiter.close()


@contextmanager
def opened(
    config: Config,
    index_path: Path,
    settings: MigrationSettings | None,
    *,
    options: RunOptions | None = None,
    watch: Watch | None = None,
    launcher: LauncherFactory | None = None,
    part_limits: PartLimits = SERVICE_LIMITS,
) -> Iterator[App]:
    """Open an index and everything a migration needs; close it all in the end.

    Args:
        settings: bound to the index when it is new, compared with it when it is not; None takes the index's own.
        launcher: where batches run; the default is the network loop directly.
        part_limits: other than the service's only to see many parts without many bytes.

    Raises:
        IndexUnusable, IndexInUse, UsageError: see `index.store.open_index`.
    """
    options = options or RunOptions()
    started = Limits(
        calls_per_minute=config.calls_per_minute,
        calls_in_flight=config.calls_in_flight,
        s3_connections=config.s3_connections,
    )
    with (
        open_index(index_path, settings, create=settings is not None) as ledger,
        connected(config) as remote,
        _own_objects(config, remote, options) as objects,
        relaying(config, remote.network, remote.transport, _store_tools(config, remote)) as relay,
        pacing(
            index_path,
            remote.network,
            Pacer(index_path, remote.limiter, remote.s3_slots, remote.clock, started),
        ) as pacer,
    ):
        services, engines = _services(remote, ledger, objects, relay, options, part_limits)
        limit = FailureLimit(
            continue_on_error=options.continue_on_error,
            at_most=options.max_failures,
            at_most_percent=options.max_failures_percent,
        )
        around = Surroundings(
            ledger=ledger,
            services=services,
            network=remote.network,
            launcher=launcher(remote.network) if launcher else LoopLauncher(remote.network.loop),
            watch=watch or QuietWatch(),
            decisions=pacer.take_decisions,
        )
        protector = Protector(ledger, SynapseAccessCatalog(remote.transport), remote.network, around.watch.remark)
        migration = Migration(
            around,
            limit=limit,
            speeds=Speeds(calls_per_minute=config.calls_per_minute),
            prices=config.prices,
            engines=engines,
            protector=protector,
            protects=options.protect,
        )
        yield App(
            remote=remote,
            ledger=ledger,
            migration=migration,
            canary=Canary(migration, ledger, remote.clock, lambda: remote.calls.total, items=options.canary),
            rollback=RollBack(around, limit=limit),
            protector=protector,
            deep_check=DeepCheck(around),
        )


@contextmanager
def _own_objects(config: Config, remote: Remote, options: RunOptions) -> Iterator[S3Objects]:
    """S3 with the user's own keys; nothing is looked for or contacted before it is used."""
    objects = S3Objects(
        slots=remote.s3_slots,
        long_slots=remote.s3_slots.for_long,
        most_at_once=min(config.s3_connections, _MOST_S3_THREADS),
        connect_seconds=config.connect_seconds,
        read_seconds=config.s3_read_seconds,
        profile=options.aws_profile,
    )
    try:
        yield objects
    finally:
        objects.close()


def _store_tools(config: Config, remote: Remote) -> StoreTools:
    storage = SynapseStorage(remote.transport, remote.catalog)
    tokens = TokenCache(storage.sts_token, remote.clock)
    return StoreTools(
        config=config,
        clock=remote.clock,
        catalog=remote.catalog,
        storage=storage,
        multipart=remote.multipart,
        sender=remote.sender,
        s3_slots=remote.s3_slots,
        borrow_token=lambda entity_id, permission, *, at_least: remote.network.run(
            tokens.token(entity_id, permission, at_least=at_least)
        ),
    )


def _services(
    remote: Remote,
    ledger: Ledger,
    objects: S3Objects,
    relay: RelayEngine,
    options: RunOptions,
    part_limits: PartLimits,
) -> tuple[Services, Engines]:
    """The registry of engines, and everything that steps use. A new engine takes two lines here."""
    settings, destination, speed = ledger.settings, KnownDestination(), StreamSpeed()
    migration_id = ledger.recall("migration_id") or ""
    with_keys = S3CopyEngine(
        objects,
        FileHandles(remote.transport),
        clock=remote.clock,
        place=lambda: destination.place(migration_id),
        limits=part_limits,
    )
    by_synapse = SynapseCopyEngine(
        remote.multipart,
        remote.sender,
        remote.catalog,
        clock=remote.clock,
        s3_slots=remote.s3_slots,
        long_parts=LongParts(slots=remote.s3_slots.for_long, learn_speed=speed.learn),
        limits=part_limits,
    )
    through_here = relay(destination.facts, migration_id)
    capabilities = (S3_CAPABILITIES, SYNAPSE_CAPABILITIES, RELAY_CAPABILITIES)
    engines = Engines(
        capabilities=capabilities,
        option=options.engine,
        keys=with_keys,
        logins=through_here,
        streams=objects.most_at_once,
        part_bytes_per_second=lambda: speed.bytes_per_second,
    )
    when_denied = EngineName.SYNAPSE if options.engine is EngineOption.AUTO else None
    services = Services(
        catalog=remote.catalog,
        engine=ChosenEngines(
            {
                EngineName.S3: with_keys,
                EngineName.SYNAPSE: by_synapse,
                EngineName.RELAY: through_here,
            },
            capabilities=capabilities,
            when_denied=when_denied,
        ),
        destination=destination,
        reader=PresignedObjectReader(remote.catalog, remote.sender, clock=remote.clock, s3_slots=remote.s3_slots),
        clock=remote.clock,
        settings=settings,
        proof_level=options.proof,
        table_snapshots=options.table_snapshots,
        indexing=options.indexing,
        has_idle_budget=lambda: remote.limiter.is_idle,
        etag_meanings=EtagMeanings({settings.destination: ledger.etag_meaning(settings.destination)}),
    )
    return services, engines
