"""What a phase of a migration is, as data, and how a batch of its works runs."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from storage_core.model.tallies import Tally
from storage_core.ports.ledger import Ledger
from storage_core.steps.services import Emit, Services

W = TypeVar("W")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase(Generic[W]):
    """One phase of a migration.

    Attributes:
        name: a word for logs, task names and progress.
        doing: what is happening, for people ("Copying files").
        claim: the next pending works above a number; runs on the index thread, changes nothing.
        number: the work's own number, rising in the order of claims.
        work: does one work and emits its outcomes; runs on the network loop. With *together* it gets a tuple of works.
        record: commits outcomes; runs on the index thread.
        batch_size: works per batch, and so per Prefect task: large, since a task is dear and a batch is not.
        active: works (or groups of them) under way at once, over all batches. One that waits for S3 is under way, too.
        finds_more: recording outcomes may add works of this very phase, with higher numbers.
        fed_by: names of phases whose outcomes make works of this one, with any number. Where such a phase runs at the
            same time, works are claimed when there may be a batch of them, when nothing more is to come, or when
            Synapse's budget lies idle.
        waits_for_many: idle budget is no reason to begin early: calls are saved by doing many together.
        together: works that one call of `work` takes.
        alike: works of one batch of which this says the same go together, and count as one of those.
        apart: works of which this says the same are never under way together; by default it is their number.
    """

    name: str
    doing: str
    claim: Callable[[Ledger, int, int], Sequence[W]]
    number: Callable[[W], int]
    work: Callable[[Any, Services, Emit], Awaitable[None]]
    record: Callable[[Ledger, Sequence[Any]], Tally]
    batch_size: int
    active: int
    finds_more: bool = False
    fed_by: tuple[str, ...] = ()
    waits_for_many: bool = False
    together: int = 1
    alike: Callable[[W], Hashable] | None = None
    apart: Callable[[W], Hashable] | None = None

    def mark(self, work: W) -> Hashable:
        """What no other work under way may share with this one."""
        return self.number(work) if self.apart is None else self.apart(work)


def by_the_page(record: Callable[[Ledger, list[Any]], Tally]) -> Callable[[Ledger, Sequence[Sequence[Any]]], Tally]:
    """Commit one by one with *record* what came of works that each have many outcomes, such as a page of cells."""
    return lambda ledger, pages: record(ledger, list(chain.from_iterable(pages)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What one call of a phase's `work` takes, and the marks of the works in it."""

    payload: Any
    marks: frozenset[Hashable]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOver:
    """Sent behind a group's outcomes, so that the loop knows what is under way."""

    group: Group


def groups_of(phase: Phase[W], works: Sequence[W]) -> tuple[Group, ...]:
    """Works as `work` takes them."""
    if phase.together == 1:
        return tuple(Group(payload=work, marks=frozenset({phase.mark(work)})) for work in works)
    bundles = _bundles(phase, works)
    slices = (bundles[start : start + phase.together] for start in range(0, len(bundles), phase.together))
    chunks = (tuple(chain.from_iterable(some)) for some in slices)
    return tuple(Group(payload=chunk, marks=frozenset(map(phase.mark, chunk))) for chunk in chunks)


def _bundles(phase: Phase[W], works: Sequence[W]) -> list[Sequence[W]]:
    """Works that are alike side by side, in the order of the first of each kind."""
    if phase.alike is None:
        return [(work,) for work in works]
    kinds: dict[Hashable, list[W]] = {}
    for work in works:
        kinds.setdefault(phase.alike(work), []).append(work)
    return list(kinds.values())


class Batch:
    """The works of one launch; runs on the network loop."""

    def __init__(
        self,
        work: Callable[[Any, Services, Emit], Awaitable[None]],
        groups: Sequence[Group],
        services: Services,
        put: Callable[[Any], None],
        turnstile: asyncio.Semaphore,
    ) -> None:
        self._work = work
        self._groups = groups
        self._services = services
        self._put = put
        self._turnstile = turnstile

    async def run(self) -> None:
        """Do all works side by side. The first failure stops works that have not begun; the others finish."""
        results = await asyncio.gather(*(self._one(group) for group in self._groups), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _one(self, group: Group) -> None:
        try:
            async with self._turnstile:
                if not self._services.stop.is_set():
                    await self._work(group.payload, self._services, self._put)
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            self._services.stop.set()
            raise
        finally:
            self._put(GroupOver(group=group))
