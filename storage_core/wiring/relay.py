"""Joins what the engine `relay` reads from and writes to, on an open connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from storage_core.config import Config
from storage_core.engines.relay_copy import RelayCopyEngine, RelayPlaces
from storage_core.model.destinations import LocationFacts
from storage_core.model.transfers import TransferWishes
from storage_core.network import NetworkThread
from storage_core.stores.registry import Stores
from storage_core.stores.store_type import StoreTools
from storage_core.synapse.files import SynapseFiles
from storage_core.synapse.transport import Transport

_STREAMS = 8
"""Copies whose bytes flow at the same time: enough to fill a line, few enough to keep memory small."""

RelayEngine = Callable[[Callable[[], LocationFacts], str], RelayCopyEngine]
"""Makes the engine, told where its copies go and whose migration it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stores:
    sources: Stores
    targets: Stores


@contextmanager
def relaying(config: Config, network: NetworkThread, transport: Transport, tools: StoreTools) -> Iterator[RelayEngine]:
    """Everything about streams of bytes; nothing is contacted before it is used. Closes the stores in the end."""
    # A stream holds a place on both sides. If these came from one pool, streams that wait for each other could take
    # all of it.
    stores = _Stores(sources=Stores(replace(tools, s3_slots=nullcontext())), targets=Stores(tools))
    files = SynapseFiles(transport, tools.catalog)
    places = RelayPlaces(
        sources=stores.sources,
        targets=stores.targets,
        registrar=files,
        catalog=tools.catalog,
        wishes=TransferWishes(use_boto_sts=config.use_boto_sts, use_google_credentials=config.use_google_credentials),
    )
    try:
        yield lambda destination, migration_id: RelayCopyEngine(
            places, clock=tools.clock, destination=destination, migration_id=migration_id, streams=_STREAMS
        )
    finally:
        network.run(_closed(stores))


async def _closed(stores: _Stores) -> None:
    await stores.sources.aclose()
    await stores.targets.aclose()
