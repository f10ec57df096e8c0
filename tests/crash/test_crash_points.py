"""Promise 2, by enumeration: a kill at any numbered boundary loses nothing, doubles nothing, leaves nothing behind."""

import random
import time
from collections.abc import Iterator

import pytest

from tests.crash.enumeration import (
    ORDERS,
    SHARES,
    STRATEGIES,
    Series,
    Tried,
    counted,
    interrupt,
    interrupt_at,
    pairs,
    rehearse,
    share_of_today,
    todays_share,
)
from tests.crash.lab import Lab, Point, running_lab
from tests.matrices.counting import Count, end_of_patience, tell

NORMAL_SECONDS = 75
"""What the normal run may spend on interruptions."""

DRAWN = 40
"""Points, or pairs of them, where not all can be enumerated."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab() as running:
        yield running


@pytest.mark.timeout(400)
def test_todays_share_of_all_points(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    tried = Tried()
    until = time.monotonic() + NORMAL_SECONDS
    due: list[tuple[Series, Point]] = []
    for strategy in STRATEGIES:
        series = rehearse(lab, strategy, "prompt")
        due += [(series, point) for point in share_of_today(series)]
    random.Random(time.time_ns()).shuffle(due)  # what the time does not suffice for is not always the same
    for series, point in due:
        interrupt(lab, series, [point], tried, until=until)
    with capsys.disabled():
        print(f"\n{tried.told(f'crash points, share {todays_share()} of {SHARES}')}")
    assert [] == tried.violations
    assert tried.killed > 0


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_point(lab: Lab, capsys: pytest.CaptureFixture[str], strategy: str, order: str) -> None:
    series = rehearse(lab, strategy, order)
    tried = Tried()
    try:
        interrupt(lab, series, random.sample(series.points, len(series.points)), tried, until=end_of_patience())
    finally:  # an enumeration that is broken off has shown something, too
        tell(capsys, counted(f"crash points, {strategy}, {order}", tried, len(series.points)), tried.told("in detail"))
    assert [] == tried.violations
    # on a machine that is short of time a run asks more often how far a job is, and not every run does
    assert tried.missed <= len(series.points) // 50


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_points_with_everything_at_once(lab: Lab, capsys: pytest.CaptureFixture[str], strategy: str) -> None:
    """Three calls at a time, commits as they come: nothing is numbered alike twice, so points are drawn."""
    series = rehearse(lab, strategy, "free")
    chance = random.Random(f"free {strategy}")
    tried = Tried()
    interrupt(lab, series, chance.sample(series.points, DRAWN), tried, until=end_of_patience())
    tell(capsys, counted(f"crash points, {strategy}, free order, drawn", tried, DRAWN), tried.told("in detail"))
    assert [] == tried.violations


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_kill_while_resuming_from_a_kill(lab: Lab, capsys: pytest.CaptureFixture[str], strategy: str) -> None:
    tried = Tried()
    chance = random.Random(f"pairs {strategy}")
    series = rehearse(lab, strategy, "prompt")
    until = end_of_patience()
    done = 0
    for pair in pairs(series, DRAWN, chance):
        if until is None or time.monotonic() < until:
            tried.missed += not interrupt_at(lab, series, pair, tried)
            done += 1
    count = Count(
        what=f"crash points, {strategy}, the resumed run killed once more",
        tried=done, out_of=DRAWN, unit=f"pairs ({tried.killed} kills)", violations=len(tried.violations),
    )  # fmt: skip
    tell(capsys, count, tried.told("in detail"))
    assert [] == tried.violations
