"""A machine that works on a shard is killed at any boundary, another goes on with its shard: the end is the same."""

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage_core.sharding import absorb, split
from tests.crash.enumeration import ONE_AT_A_TIME, SHARES, todays_share
from tests.crash.lab import Case, Lab, Point, Row, items_of, running_lab
from tests.crash.small_project import build_project_for_two_engines
from tests.crash.spare_records import without_spare_records
from tests.matrices.counting import Count, end_of_patience, tell

pytestmark = pytest.mark.timeout(900)

SHARDS = 2
NORMAL_POINTS = 3
REGISTERED = "after POST /externalFileHandle/s3"
"""Told, and dead before the answer: the one kill that may leave a record that nothing refers to."""


class ShardLab(Lab):
    """The lab, with an index that is divided before anybody copies."""

    def divided(self) -> tuple[Case, list[Path]]:
        """A fresh world and the same two shards each time: the world is the same to every id, so one index serves."""
        case = self.fresh("new")
        template = self.folder / "divided"
        if not template.exists():
            indexed = self.run(("index", *case.words[1:4], "--include-table-files"))
            assert indexed.code == 0, indexed.said
            assert SHARDS == len(split(case.index, SHARDS))
            shutil.copytree(case.index.parent, template)
        shutil.rmtree(case.index.parent)
        shutil.copytree(template, case.index.parent)
        return case, split(case.index, SHARDS)

    def migrate(self, case: Case, shard: Path, *, kill_at: Point | None = None) -> tuple[Point, ...]:
        """Work on one shard until it is done, or until the point; the points that were passed."""
        words = (*case.words[:3], str(shard), *case.words[4:])
        ended = self.run(words, kill_at=kill_at, order="prompt", env=ONE_AT_A_TIME)
        assert ended.was_killed if kill_at else ended.code == 0, (kill_at, ended.code, ended.said)
        return ended.points

    def violations(self, case: Case) -> list[str]:
        return without_spare_records(Lab.violations(self, case), case.expected, self.state(), case.index)

    def _upload_violations(self, case: Case) -> list[str]:
        """The service made all copies but that of the engine `s3`, each with one upload, and none is left open."""
        uploads = list(self.sandbox.world.uploads._by_id.values())
        wrong = [f"upload {one.id} was left open" for one in uploads if not one.is_completed]
        if len(uploads) != len(case.expected.sources()) - 1:
            wrong.append(f"{len(uploads)} uploads were begun for {len(case.expected.sources()) - 1} sources")
        left = [upload.key for upload in self.sandbox.world.objects._uploads.values()]
        return [*wrong, *(f"an upload to {one} was left" for one in left)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Both shards worked through without a kill: the points of each, and what the index told in the end."""

    points: tuple[tuple[int, Point], ...]
    items: list[Row]

    def registrations(self) -> list[tuple[int, Point]]:
        """Where a spare record may come from."""
        return [one for one in self.points if one[1][0] == REGISTERED]


@pytest.fixture(scope="module")
def lab() -> Iterator[ShardLab]:
    with running_lab(build_project_for_two_engines, make=ShardLab) as running:
        assert isinstance(running, ShardLab)
        yield running


@pytest.fixture(scope="module")
def whole(lab: ShardLab) -> Whole:
    case, shards = lab.divided()
    points = [(number, point) for number, shard in enumerate(shards) for point in lab.migrate(case, shard)]
    for shard in shards:
        absorb(case.index, shard)
    assert [] == lab.violations(case)
    return Whole(points=tuple(points), items=items_of(case.index))


def after_a_kill(lab: ShardLab, whole: Whole, number: int, point: Point) -> list[str]:
    """Kill the machine of one shard; the others do theirs, then somebody goes on with that one."""
    case, shards = lab.divided()
    lab.migrate(case, shards[number], kill_at=point)
    again = split(case.index, SHARDS)
    wrong = [] if again == shards else [f"divided again as {again}"]
    for shard in (*(one for one in shards if one != shards[number]), shards[number]):
        lab.migrate(case, shard)
        absorb(case.index, shard)
    wrong += lab.violations(case)
    if items_of(case.index) != whole.items:
        wrong.append("the index tells of other items than without the kill")
    return [f"shard {number}, {point[0]} no. {point[1]}: {one}" for one in wrong]


def test_another_machine_goes_on_after_a_kill(lab: ShardLab, whole: Whole, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a record may be made twice, and a few of all points, others each day: nothing is copied twice or lost."""
    (registered,) = whole.registrations()
    share = whole.points[todays_share() :: SHARES]
    due = [registered, *share[:: len(share) // (NORMAL_POINTS - 1)]]
    with capsys.disabled():
        print(f"\nshards: {len(due)} of {len(whole.points)} points")
    assert [] == [one for number, point in due for one in after_a_kill(lab, whole, number, point)]


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_another_machine_goes_on_after_a_kill_at_every_point(
    lab: ShardLab, whole: Whole, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both shards, all points."""
    until = end_of_patience()
    wrong: list[str] = []
    tried = 0
    try:
        for number, point in random.sample(whole.points, len(whole.points)):
            if until is None or time.monotonic() < until:
                wrong += after_a_kill(lab, whole, number, point)
                tried += 1
    finally:  # an enumeration that is broken off has shown something, too
        count = Count(
            what="crash points of a shard", tried=tried, out_of=len(whole.points), unit="kills", violations=len(wrong)
        )
        tell(capsys, count, "\n".join(wrong))
    assert [] == wrong
