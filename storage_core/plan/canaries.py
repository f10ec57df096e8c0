"""Which copies go first, so that a few of them show what may go wrong with the rest. Pure."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence

from storage_core.errors import UsageError
from storage_core.model.canaries import CanaryCandidate

MOST_ITEMS = 10_000
"""More than this is no canary any more, but a migration of its own."""

_Stratum = tuple[str, int, str]


def parse_canary(items: int | None) -> int:
    """How many items go first; 0 for none.

    Raises:
        UsageError: it is no number from 1 to `MOST_ITEMS`.
    """
    if items is None:
        return 0
    if not 1 <= items <= MOST_ITEMS:
        raise UsageError(
            f"A canary of {items} items makes no sense.", fix=f"Give a number from 1 to {MOST_ITEMS}, such as 20."
        )
    return items


def choose_canary(
    candidates: Sequence[CanaryCandidate], at_most: int, *, may_exceed: bool = True
) -> tuple[CanaryCandidate, ...]:
    """The copies that go first: at most so many places wait for them, spread over kinds, sizes and origins.

    Kinds take turns, then sizes, then origins; where more copies are alike, sooner. Candidates that agree in all three
    are taken in the order given. A copy is taken with every place that waits for it; only when no copy has as few
    places as *at_most*, and it *may_exceed* that, does the one with the fewest go, alone.
    """
    strata: dict[_Stratum, deque[CanaryCandidate]] = defaultdict(deque)
    for one in candidates:
        strata[one.used_by, one.size_band, one.origin].append(one)
    chosen: list[CanaryCandidate] = []
    taken = _Taken()
    while head := min(_fitting(strata.values(), at_most - taken.items), key=taken.turn, default=None):
        strata[head.used_by, head.size_band, head.origin].popleft()
        taken.note(head)
        chosen.append(head)
    if not chosen and may_exceed and candidates:
        return (min(candidates, key=lambda one: one.items),)
    return tuple(chosen)


class _Taken:
    """What was chosen already, counted each way."""

    def __init__(self) -> None:
        self.items = 0
        self._strata: Counter[_Stratum] = Counter()
        self._kinds: Counter[str] = Counter()
        self._bands: Counter[int] = Counter()
        self._origins: Counter[str] = Counter()

    def note(self, one: CanaryCandidate) -> None:
        """Count it."""
        self.items += one.items
        self._strata[one.used_by, one.size_band, one.origin] += 1
        self._kinds[one.used_by] += 1
        self._bands[one.size_band] += 1
        self._origins[one.origin] += 1

    def turn(self, one: CanaryCandidate) -> tuple[int | str, ...]:
        """The lower, the more it adds to what was chosen."""
        return (
            self._strata[one.used_by, one.size_band, one.origin],
            self._kinds[one.used_by],
            self._bands[one.size_band],
            self._origins[one.origin],
            -one.alike,
            one.used_by,
            one.size_band,
            one.origin,
        )


def _fitting(strata: Iterable[deque[CanaryCandidate]], left: int) -> list[CanaryCandidate]:
    """The first of each stratum that is not used in too many places; those before it are out for good."""
    heads = []
    for stratum in strata:
        while stratum and stratum[0].items > left:
            stratum.popleft()
        if stratum:
            heads.append(stratum[0])
    return heads
