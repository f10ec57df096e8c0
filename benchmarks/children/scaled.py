"""A migration of so many virtual files, in a process of its own: what each step takes, and what memory all of it took.

Arguments: the number of files, a folder. Prints one JSON document; seconds by the clock and of computing.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from benchmarks.virtual_project import DESTINATION, ROOT, ImmediateEngine, VirtualProject
from storage_core.engines.synapse_copy import SYNAPSE_CAPABILITIES
from storage_core.exports import write_everything
from storage_core.index.opening import open_index
from storage_core.index.reading import open_for_reading
from storage_core.index.store import Index
from storage_core.model.copies import Copied, CopyRequest
from storage_core.model.items import ItemStatus
from storage_core.model.prices import DEFAULT_PRICES
from storage_core.model.settings import (
    EngineOption,
    FileVersionStrategy,
    IndexOptions,
    IndexVia,
    MigrationSettings,
)
from storage_core.model.tallies import Tally
from storage_core.network import NetworkThread
from storage_core.plan.estimating import Speeds
from storage_core.plan.outcomes import Ending, FailureLimit
from storage_core.reports.figures import read_figures
from storage_core.reports.report import RunFacts
from storage_core.reports.summary import summary_of
from storage_core.steps.choosing import Engines
from storage_core.steps.driving import LoopLauncher, QuietWatch
from storage_core.steps.migration import Migration
from storage_core.steps.phases import COPY
from storage_core.steps.protecting import Protector
from storage_core.steps.services import Services
from storage_core.steps.surroundings import Surroundings
from storage_core.synapse.clock import SystemClock

MIGRATED = 20_000
"""Files after which the migration is stopped; a smaller project is migrated whole."""


class Stopping(QuietWatch):
    """Stops the run after so many files."""

    def __init__(self, engine: ImmediateEngine) -> None:
        self._engine = engine

    def must_stop(self, total: Tally) -> bool:
        """Once enough was copied."""
        del total
        return self._engine.copied >= MIGRATED


class Noticing(ImmediateEngine):
    """Knows when the first copy was asked for."""

    first_at = 0.0

    async def copy(self, request: CopyRequest) -> Copied:
        """At once."""
        self.first_at = self.first_at or time.perf_counter()
        return await super().copy(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Of one piece of work; *cpu* is that of all threads."""

    seconds: float
    cpu: float


def main() -> None:
    """Measure."""
    files, folder = int(sys.argv[1]), Path(sys.argv[2])
    path = folder / "scale.duckdb"
    found: dict[str, Any] = {"rows": files}

    with _opened(path, VirtualProject(files), Noticing(), create=True) as (index, migration):
        _tell(found, "fill", _took(lambda: _filled(migration)))
        found["peakFill"] = _peak_mib()
    found["bytes"] = path.stat().st_size

    began, engine = time.perf_counter(), Noticing()
    with _opened(path, VirtualProject(files), engine, create=False) as (index, migration):
        _tell(found, "plan", _took(lambda: found.update(hash=migration.plan().hash)))
        migration.confirm(found.pop("hash"), by="benchmark")
        _tell(found, "migrate", _took(lambda: found.update(migrated=_migrated(migration))))
        found["resume"] = engine.first_at - began
        _tell(found, "claim", _took(lambda: found.update(claimed=len(COPY.claim(index, 0, COPY.batch_size)))))
        _tell(found, "snapshot", _took(lambda: index.publish(force=True)))
    _tell(found, "status", _took(lambda: _status(path)))
    facts = RunFacts(made_at=datetime.now(UTC))
    _tell(found, "report", _took(lambda: write_everything(path, folder / "report", facts)))
    found["peakAll"] = _peak_mib()
    print(json.dumps(found))


@contextmanager
def _opened(
    path: Path, project: VirtualProject, engine: ImmediateEngine, *, create: bool
) -> Iterator[tuple[Index, Migration]]:
    """What `wiring.migration.opened` joins, with a virtual Synapse in place of the network."""
    settings = MigrationSettings(roots=(ROOT,), destination=DESTINATION, strategy=FileVersionStrategy.LATEST)
    nobody = cast("Any", None)  # engine synapse asks for no keys, proof by the part's ETag reads nothing
    watch = Stopping(engine)
    with open_index(path, settings, create=create) as index, NetworkThread() as network:
        services = Services(
            catalog=project,
            engine=engine,
            reader=nobody,
            clock=SystemClock(),
            settings=settings,
            indexing=IndexOptions(via=IndexVia.VIEW),
        )
        yield (
            index,
            Migration(
                Surroundings(
                    ledger=index,
                    services=services,
                    network=network,
                    launcher=LoopLauncher(network.loop),
                    watch=watch,
                ),
                limit=FailureLimit(),
                speeds=Speeds(calls_per_minute=600),
                prices=DEFAULT_PRICES,
                engines=Engines(
                    capabilities=(SYNAPSE_CAPABILITIES,),
                    option=EngineOption.SYNAPSE,
                    keys=nobody,
                    logins=nobody,
                    streams=128,
                    part_bytes_per_second=lambda: 100e6,
                ),
                protector=Protector(index, nobody, network, watch.remark),
            ),
        )


def _filled(migration: Migration) -> None:
    outcome = migration.index()
    if outcome.ending is not Ending.COMPLETE or outcome.tally.failed:
        raise RuntimeError(f"the index ended with {outcome}")


def _migrated(migration: Migration) -> int:
    """How many files refer to their copies now; the run was stopped, so others may have been copied only."""
    counts = {one.status: one.items for one in migration.migrate().counts}
    if counts.keys() - {ItemStatus.INDEXED, ItemStatus.MIGRATED}:
        raise RuntimeError(f"the migration came to {counts}")
    return counts[ItemStatus.MIGRATED]


def _status(path: Path) -> None:
    with open_for_reading(path) as reader:
        summary_of(read_figures(reader), RunFacts(made_at=datetime.now(UTC)))


def _took(work: Callable[[], object]) -> Took:
    began, computed = time.perf_counter(), time.process_time()
    work()
    return Took(seconds=time.perf_counter() - began, cpu=time.process_time() - computed)


def _tell(found: dict[str, Any], name: str, took: Took) -> None:
    found[name], found[f"{name}Cpu"] = took.seconds, took.cpu


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
