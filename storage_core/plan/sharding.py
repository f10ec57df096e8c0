"""Who does what when several machines share one migration. Pure.

Two places belong together when they are in one entity, or use one handle: an entity is changed by one machine only, and
a handle is copied once however many entities use it. What hangs together that way is never divided.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An entity uses a handle, in so many places; no handle where there is nothing to copy.

    Attributes:
        entity: the digits of its Synapse id.
        handle: the digits of the handle's id.
    """

    entity: int
    handle: int | None
    places: int


def divide(uses: Iterable[Use], shards: int) -> Mapping[int, int]:
    """Give every entity the number of its shard, from 0, so that the shards have about equally many places.

    The same uses give the same answer in whatever order they come. What hangs together is one shard's, even if that
    leaves others with less, or with nothing.
    """
    groups = _Groups()
    places: dict[int, int] = {}
    for use in uses:
        places[use.entity] = places.get(use.entity, 0) + use.places
        groups.add(use.entity)
        if use.handle is not None:
            # entities are even and handles odd, so that their numbers cannot meet
            groups.join(2 * use.entity, 2 * use.handle + 1)
    together: dict[int, list[int]] = {}
    for entity in sorted(places):
        together.setdefault(groups.of(2 * entity), []).append(entity)
    weighed = sorted(((sum(places[one] for one in group), group) for group in together.values()), key=_largest_first)
    loads = [0] * shards
    assigned: dict[int, int] = {}
    for weight, group in weighed:
        shard = loads.index(min(loads))
        loads[shard] += weight
        assigned.update(dict.fromkeys(group, shard))
    return assigned


def _largest_first(weighed: tuple[int, list[int]]) -> tuple[int, int]:
    weight, group = weighed
    return (-weight, group[0])


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
