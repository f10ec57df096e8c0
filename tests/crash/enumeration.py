"""Breaks a migration off at chosen points, resumes it with the same command, and compares."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.crash.lab import Case, Lab, Point, Row, items_of
from tests.matrices.counting import Count

STRATEGIES = ("new", "latest", "all", "skip")
ORDERS = ("prompt", "late")
ONE_AT_A_TIME = {"SYNAPSE_CALLS_IN_FLIGHT": "1"}
SHARES = 10
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One way to migrate, carried through once without interruption."""

    strategy: str
    order: str
    points: tuple[Point, ...]
    items: list[Row]


@dataclass(slots=True)
class Tried:
    """What a number of interruptions came to; true at any time, so that it can be told when they are broken off."""

    killed: int = 0
    reached: int = 0
    missed: int = 0
    left_out: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def told(self, what: str) -> str:
        """One line for people, and one for each violation: a run that is broken off says what it found."""
        more = f", {self.missed} came to their end before that point" if self.missed else ""
        late = f", {self.left_out} left out for lack of time" if self.left_out else ""
        kinds = len(self.labels)
        found = "".join(f"\n    {one}" for one in self.violations)
        return (
            f"{what}: {self.killed} kills at {kinds} kinds of boundary, {len(self.violations)} violations{more}{late}"
            f"{found}"
        )


def counted(what: str, tried: Tried, points: int) -> Count:
    """What the interruptions came to so far, out of so many points; those that were passed by are not counted."""
    return Count(
        what=what,
        tried=tried.reached,
        out_of=points,
        unit="kills",
        violations=len(tried.violations),
    )


def rehearse(lab: Lab, strategy: str, order: str) -> Series:
    """Carry the migration through once and number its boundaries; it must be right without any interruption."""
    case = lab.fresh(strategy)
    ended = lab.run(case.words, order=order, env=_limits(order))
    assert ended.code == 0, ended.said
    assert [] == lab.violations(case)
    return Series(strategy=strategy, order=order, points=ended.points, items=items_of(case.index))


def interrupt(lab: Lab, series: Series, points: Iterable[Point], tried: Tried, *, until: float | None = None) -> None:
    """Kill one migration at each of the points, resume it, compare; leaves out what comes after *until*."""
    for point in points:
        if until is not None and time.monotonic() > until:
            tried.left_out += 1
            continue
        # on a machine that is short of time, threads overtake each other now and then, and a point is passed by
        if any(interrupt_at(lab, series, (point,), tried) for _ in range(_TRIES)):
            tried.reached += 1
        else:
            tried.missed += 1


def interrupt_at(lab: Lab, series: Series, points: Sequence[Point], tried: Tried) -> bool:
    """Kill one migration at the first point, its resumption at the second and so on; then let it finish.

    Returns:
        Whether it came to all of the points.
    """
    case = lab.fresh(series.strategy)
    died: list[str] = []
    for point in points:
        ended = lab.run(case.words, kill_at=point, order=series.order, env=_limits(series.order))
        if not ended.was_killed:
            if ended.code != 0:
                tried.violations.append(f"{_where(series, points)}: exit code {ended.code}: {ended.said}")
            break
        died.append(point[0])
    tried.killed += len(died)
    tried.labels.update(died)
    tried.violations += [f"{_where(series, points)}: {one}" for one in _after_resuming(lab, series, case)]
    return len(died) == len(points)


def _after_resuming(lab: Lab, series: Series, case: Case) -> list[str]:
    ended = lab.run(case.words, env=_limits(series.order))
    if ended.code != 0:
        return [f"resumed with exit code {ended.code}: {ended.said}"]
    wrong = lab.violations(case)
    if items_of(case.index) != series.items:
        wrong.append("the index tells of other items than after an uninterrupted run")
    return wrong


def todays_share(shares: int = SHARES) -> int:
    """Which of so many shares is due: another one every day, all of them after as many days."""
    return datetime.now(UTC).toordinal() % shares


def share_of_today(series: Series) -> tuple[Point, ...]:
    """The points that are due today; mixed first, or a share would hold one kind of boundary only."""
    mixed = list(series.points)
    random.Random("shares").shuffle(mixed)
    return tuple(mixed[todays_share() :: SHARES])


def pairs(series: Series, how_many: int, chance: random.Random) -> list[tuple[Point, Point]]:
    """Pairs of points: for the run, and for its resumption, which may or may not come there."""
    return [(chance.choice(series.points), chance.choice(series.points)) for _ in range(how_many)]


def _limits(order: str) -> dict[str, str]:
    """One call at a time makes the numbering stable; a free order runs as users run it."""
    return {} if order == "free" else ONE_AT_A_TIME


def _where(series: Series, points: Sequence[Point]) -> str:
    return f"{series.strategy}, {series.order}, {'; '.join(f'{label} no. {number}' for label, number in points)}"
