"""Killed at any boundary of a migration with a canary: the same canary is finished, and nothing overtakes it."""

import random
import time
from collections.abc import Iterator, Sequence

import duckdb
import pytest

from tests.crash.enumeration import ONE_AT_A_TIME
from tests.crash.lab import Case, Lab, Point, items_of, running_lab
from tests.matrices.counting import Count, end_of_patience, tell

pytestmark = pytest.mark.timeout(900)

CANARY = 3

_OVERTAKEN = """
with agreed as (select min(seq) as seq from journal where event = 'canary agreed to')
select event, subject, subject_id from journal, agreed
where journal.seq < agreed.seq and (
    (event in ('copied', 'proven') and subject_id not in (select copy_id from canary))
    or (event in ('repointed', 'verified') and subject_id not in (select item_id from canary)))
"""
_CHOSEN = "select count(*) from journal where event = 'canary chosen'"
_SIZE = "select count(*) from canary"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab() as running:
        yield running


def fresh(lab: Lab) -> Case:
    """Files and tables, every version."""
    return lab.fresh("all", "--canary", str(CANARY))


def canary_violations(case: Case) -> list[str]:
    """What the index tells of the canary: chosen once, of the right size, and verified before anything else began."""
    with duckdb.connect(str(case.index), read_only=True) as index:
        overtaken = index.execute(_OVERTAKEN).fetchall()
        ((chosen,),) = index.execute(_CHOSEN).fetchall()
        ((size,),) = index.execute(_SIZE).fetchall()
    wrong = [f"{event} {subject} {number} came before anybody agreed" for event, subject, number in overtaken]
    wrong += [] if chosen == 1 else [f"a canary was chosen {chosen} times"]
    return wrong + ([] if 0 < size <= CANARY else [f"the canary has {size} items"])


def rehearse(lab: Lab) -> tuple[tuple[Point, ...], list[tuple[object, ...]]]:
    """The boundaries of an uninterrupted run, which is right, and what its index tells."""
    case = fresh(lab)
    ended = lab.run(case.words, order="prompt", env=ONE_AT_A_TIME)
    assert (0, []) == (ended.code, lab.violations(case) + canary_violations(case)), ended.said
    return ended.points, items_of(case.index)


def after_kills(lab: Lab, points: Sequence[Point], items: list[tuple[object, ...]]) -> tuple[list[str], int]:
    """Kill at each point, resume with the same command; what was wrong, and how many died as they were told."""
    wrong: list[str] = []
    killed = 0
    until = end_of_patience()
    for point in points:
        if until is not None and time.monotonic() > until:
            break
        case = fresh(lab)
        if not lab.run(case.words, kill_at=point, order="prompt", env=ONE_AT_A_TIME).was_killed:
            continue
        killed += 1
        lab.settle()
        ended = lab.run(case.words)
        found = [f"resumed with {ended.code}: {ended.said}"] if ended.code else []
        found += lab.violations(case) + canary_violations(case)
        found += [] if items_of(case.index) == items else ["the index tells of other items than without the kill"]
        wrong += [f"{point}: {one}" for one in found]
    return wrong, killed


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_every_boundary_of_a_migration_with_a_canary(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    points, items = rehearse(lab)
    wrong, killed = after_kills(lab, random.sample(points, len(points)), items)
    count = Count(what="crash points, canary", tried=killed, out_of=len(points), unit="kills", violations=len(wrong))
    tell(capsys, count, f"a canary of {CANARY} items, strategy all with tables")
    assert [] == wrong
