"""Lives of the migrating process over one real index: each ends by itself, or dies at a boundary."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from storage_core.engines.synapse_copy import SynapseCopyEngine
from storage_core.errors import SynapseStorageError
from storage_core.index.guard import release, remove_note
from storage_core.index.opening import open_index
from storage_core.index.store import Index
from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.steps.driving import Line, QuietWatch, Ticket, drive
from storage_core.steps.known import EtagMeanings
from storage_core.steps.phases import INDEXING, MIGRATING
from storage_core.steps.services import Services
from tests.model.small_synapse import DESTINATION, ROOT, Boundary, Killed, Life, Meanwhile, SmallSynapse

_COMMITS = ("record_", "finish_", "add_roots")
_PLACES = """
select entity, place, row_id, col_id, case when row_id is null then version end from item where place <> 'none'
"""


class MortalLedger:
    """The index as a process that may die sees it: each commit lies between two boundaries."""

    def __init__(self, index: Index, life: Life) -> None:
        self._index = index
        self._life = life

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._index, name)
        return self._mortal(name, attribute) if name.startswith(_COMMITS) else attribute

    def _mortal(self, name: str, commit: Callable[..., Any]) -> Callable[..., Any]:
        def between(*arguments: Any) -> Any:
            self._life.pass_boundary(f"before {name}")
            result = commit(*arguments)
            self._life.pass_boundary(f"after {name}")
            return result

        return between


class InlineLauncher:
    """Runs a batch to its end as it is launched, so that a history happens again exactly as it did."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def launch(self, phase: str, batch: int, run: Callable[[], Coroutine[Any, Any, None]]) -> Ticket:
        """Run it now."""
        del phase, batch
        try:
            self._loop.run_until_complete(run())
        except BaseException as failure:  # noqa: BLE001 - raised again by whoever asks the ticket
            return _Over(failure)
        return _Over(None)


class _Over:
    def __init__(self, failure: BaseException | None) -> None:
        self._failure = failure

    def done(self) -> bool:
        """Always."""
        return True

    def raise_failure(self) -> None:
        """Raise what the batch raised."""
        if self._failure is not None:
            raise self._failure


def live(
    path: Path,
    synapse: SmallSynapse,
    loop: asyncio.AbstractEventLoop,
    *,
    strategy: str,
    dies_at: Boundary | None = None,
    batch: int = 1,
    first: Callable[[Index], object] = lambda index: None,
    meanwhile: Meanwhile | None = None,
) -> "Told":
    """Open the index, do *first* with it, then migrate as far as it goes.

    Args:
        dies_at: where the process dies, if it comes there; None: it does not die.
        batch: works that are done before any of them is committed.
    """
    synapse.life = Life()
    settings = MigrationSettings(
        roots=(ROOT,), destination=DESTINATION, strategy=FileVersionStrategy(strategy), include_tables=True
    )
    index = open_index(path, settings, create=True)
    try:
        # a sixth of a history's time is spent on making plans better that are for a handful of rows
        index._database.rows("pragma disable_optimizer")
        first(index)
        synapse.life = Life(dies_at, meanwhile)
        came_to_its_end = _came_to_its_end(MortalLedger(index, synapse.life), synapse, loop, settings, batch)
        places = tuple(index._database.rows(_PLACES))
        return Told(came_to_its_end=came_to_its_end, places=places, passed=synapse.life.passed)
    finally:
        synapse.life = Life()
        _let_go(index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a life came to.

    Attributes:
        places: every place that the index tells of.
        passed: how many boundaries of each name it passed.
    """

    came_to_its_end: bool
    places: tuple[tuple[Any, ...], ...]
    passed: Counter[str]


def _came_to_its_end(
    ledger: Any, synapse: SmallSynapse, loop: asyncio.AbstractEventLoop, settings: MigrationSettings, batch: int
) -> bool:
    try:
        _migrate(ledger, synapse, loop, settings, batch)
    except Killed:
        return False
    except SynapseStorageError:
        return True
    return True


def _migrate(
    ledger: Any, synapse: SmallSynapse, loop: asyncio.AbstractEventLoop, settings: MigrationSettings, batch: int
) -> None:
    """What `Migration.run` does, with batches as small as wanted."""
    storage = synapse.storage
    slots = asyncio.Semaphore(4)
    services = Services(
        catalog=synapse,
        engine=SynapseCopyEngine(storage, storage, storage, clock=storage.clock, s3_slots=slots),
        reader=storage,
        clock=storage.clock,
        settings=settings,
        etag_meanings=EtagMeanings({DESTINATION: ledger.etag_meaning(DESTINATION)}),
    )
    ledger.add_roots([EntityHeader(id=ROOT, name="Model", kind=EntityKind.PROJECT)])
    for line in INDEXING:
        _drive(line, ledger, services, loop, batch)
    ledger.finish_indexing()
    for line in MIGRATING:
        _drive(line, ledger, services, loop, batch)


def _drive(line: Line, ledger: Any, services: Services, loop: asyncio.AbstractEventLoop, batch: int) -> None:
    small = tuple(replace(phase, batch_size=batch, active=1) for phase in line)
    drive(small, ledger, services, InlineLauncher(loop), QuietWatch())


def _let_go(index: Index) -> None:
    """Close the file without putting out a snapshot, which no history looks at."""
    index._closed = True
    remove_note(index._database.path)
    index._database.close()
    release(index._database.path)
