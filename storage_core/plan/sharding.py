"""Who does what when several machines share one migration. Pure.

Two places belong together when they are in one entity, or use one handle: an entity is changed by one machine only, and
a handle is copied once however many entities use it. What hangs together that way is never divided.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storage_core.plan.cells import CELLS_AT_ONCE
from storage_core.plan.estimating import CALLS_PER_TRANSACTION
from storage_core.plan.parts import SERVICE_LIMITS

_CALLS_PER_COPY = 3
"""Of the engine that needs no keys, beside one for each part; which engine it will be is decided later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An entity uses a handle in so many places; no handle where there is nothing to copy.

    Attributes:
        entity: the digits of its Synapse id.
        handle: the digits of the handle's id.
        versions: file versions among the places; each is changed by a call of its own.
        cells: table cells among the places; thousands are changed at once.
        copy_bytes: size of the handle, when it is still to be copied.
    """

    entity: int
    handle: int | None
    versions: int = 0
    cells: int = 0
    copy_bytes: int | None = None


def divide(uses: Iterable[Use], shards: int) -> Mapping[int, int]:
    """Give every entity the number of its shard, from 0, so that the shards need about equally many Synapse calls.

    Calls, not places or bytes, are what a machine's budget counts; among equals bytes decide, which take S3's time.
    The same uses give the same answer in whatever order they come. What hangs together is one shard's, even if that
    leaves others with less, or with nothing.
    """
    groups = _Groups()
    changes: dict[int, int] = defaultdict(int)
    cells: dict[int, int] = defaultdict(int)
    sizes: dict[int, int] = {}
    for use in uses:
        changes[use.entity] += use.versions
        cells[use.entity] += use.cells
        groups.add(use.entity)
        if use.handle is not None:
            # entities are even and handles odd, so that their numbers cannot meet
            groups.join(2 * use.entity, 2 * use.handle + 1)
            if use.copy_bytes is not None:
                sizes[use.handle] = max(use.copy_bytes, sizes.get(use.handle, 0))
    calls: dict[int, int] = defaultdict(int)
    entities: dict[int, list[int]] = defaultdict(list)
    for entity in sorted(changes):
        head = groups.of(2 * entity)
        calls[head] += changes[entity] + _cell_calls(cells[entity])
        entities[head].append(entity)
    size: dict[int, int] = defaultdict(int)
    for handle, size_bytes in sizes.items():
        head = groups.of(2 * handle + 1)
        calls[head] += _copy_calls(size_bytes)
        size[head] += size_bytes
    assigned: dict[int, int] = {}
    loads = [(0, 0)] * shards
    for head in sorted(entities, key=lambda one: (-calls[one], -size[one], one)):
        shard = loads.index(min(loads))
        loads[shard] = (loads[shard][0] + calls[head], loads[shard][1] + size[head])
        assigned.update(dict.fromkeys(entities[head], shard))
    return assigned


def _copy_calls(size_bytes: int) -> int:
    parts = (
        1 if size_bytes <= SERVICE_LIMITS.single_part_bytes else -(-size_bytes // SERVICE_LIMITS.several_parts_bytes)
    )
    return _CALLS_PER_COPY + parts


def _cell_calls(cells: int) -> int:
    return CALLS_PER_TRANSACTION * -(-cells // CELLS_AT_ONCE)


class _Groups:
    """What belongs together, with short paths to each group's head."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def add(self, entity: int) -> None:
        self._above.setdefault(2 * entity, 2 * entity)

    def of(self, one: int) -> int:
        head = one
        while self._above[head] != head:
            head = self._above[head]
        while self._above[one] != head:
            self._above[one], one = head, self._above[one]
        return head

    def join(self, one: int, other: int) -> None:
        self._above.setdefault(other, other)
        first, second = self.of(one), self.of(other)
        # the smaller number leads, so that the outcome does not depend on the order of the uses
        self._above[max(first, second)] = min(first, second)
