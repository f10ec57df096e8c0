"""Killed at any boundary of a deep verification: the next one goes on, and finds what an uninterrupted one finds."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenarios.facts import ScenarioFacts
from sandbox.synapse.world import World
from tests.crash.enumeration import todays_share
from tests.crash.lab import Lab, Point, Row, items_of, rows, running_lab
from tests.crash.small_project import build_small_project
from tests.matrices.counting import Count, tell

pytestmark = pytest.mark.timeout(900)

ONE_AT_A_TIME = {"SYNAPSE_CALLS_IN_FLIGHT": "1"}
A_DAY = 3
"""Kills in the normal run."""


def build(world: World) -> ScenarioFacts:
    """Files and tables; nothing so large that reading it to its end takes time."""
    return build_small_project(world, with_large=False, with_tables=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a deep verification came to."""

    code: int
    told: Any
    items: list[Row]
    copies: list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A migrated project in which people changed something since, and its index as the migration left it."""

    lab: Lab
    index: Path
    kept: Path
    whole: Checked
    points: tuple[Point, ...]

    def kill_at(self, point: Point) -> bool:
        """Begin with the index as the migration left it, and die; whether it came there."""
        restore(self.index, self.kept)
        return self.lab.run(deep_words(self.index), kill_at=point, order="prompt", env=ONE_AT_A_TIME).was_killed


@pytest.fixture(scope="module")
def planted() -> Iterator[Planted]:
    with running_lab(build) as lab:
        case = lab.fresh("all")
        ended = lab.run(case.words)
        assert (0, []) == (ended.code, lab.violations(case)), ended.said
        plant(lab, case.facts)
        kept = lab.folder / "kept.duckdb"
        shutil.copy(case.index, kept)
        code, points = verified(lab, case.index)
        whole = outcome(lab, case.index, code)
        assert 4 == whole.code
        assert {"HANDLE_CHANGED", "GONE", "READ_BACK_DIFFERS"} == {one["reason"] for one in whole.told["findings"]}
        yield Planted(lab=lab, index=case.index, kept=kept, whole=whole, points=points)


def plant(lab: Lab, facts: ScenarioFacts) -> None:
    """A handle replaced by somebody, a file thrown away, an object damaged."""
    world = lab.sandbox.world
    first = world.entities.require(facts.landmarks["history"])
    world.entities.set_handle(first, first.versions[0], facts.landmarks["spare-other"])
    world.entities.trash(world.entities.require(facts.landmarks["second"]))
    handle = world.handles.require(world.entities.require(facts.landmarks["provenance"]).current.handle_id)
    stored = world.objects.get(handle.bucket, handle.key)
    world.objects.put(handle.bucket, handle.key, b"X" * stored.content.size)


def restore(index: Path, kept: Path) -> None:
    """The index as the migration left it, and nothing beside it."""
    for left in index.parent.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    shutil.copy(kept, index)


def deep_words(index: Path) -> tuple[str, ...]:
    return ("verify", str(index), "--deep", "--bytes", "all", "--json")


def verified(lab: Lab, index: Path) -> tuple[int, tuple[Point, ...]]:
    ended = lab.run(deep_words(index), order="prompt", env=ONE_AT_A_TIME)
    return ended.code, ended.points


def outcome(lab: Lab, index: Path, code: int) -> Checked:
    """All that must be the same however often it was broken off."""
    told = json.loads((lab.folder / "out").read_text())
    del told["calls"]
    copies = rows(index, "select from_file_handle_id, to_file_handle_id, status, proof from copies_v1 order by all")
    return Checked(code=code, told=told, items=items_of(index), copies=copies)


def kill_and_look(planted: Planted, points: tuple[Point, ...]) -> tuple[list[str], int]:
    """What was wrong afterwards, and how many kills there were."""
    lab, wrong, killed = planted.lab, [], 0
    before = lab.state()
    for point in points:
        if not planted.kill_at(point):
            continue
        killed += 1
        lab.settle()
        code, _ = verified(lab, planted.index)
        found = outcome(lab, planted.index, code)
        wrong += [f"{point}: {found} is not {planted.whole}"] if found != planted.whole else []
        wrong += [f"{point}: something was written to Synapse"] if lab.state() != before else []
    return wrong, killed


def test_todays_share_of_its_boundaries(planted: Planted) -> None:
    step = len(planted.points) // A_DAY
    wrong, killed = kill_and_look(planted, planted.points[todays_share(step) :: step])
    assert [] == wrong
    assert killed > 0


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_every_boundary_of_a_deep_verification(planted: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, killed = kill_and_look(planted, planted.points)
    what = "crash points of a deep verification"
    tell(capsys, Count(what=what, tried=killed, out_of=len(planted.points), unit="kills", violations=len(wrong)))
    assert [] == wrong
