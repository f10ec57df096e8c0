"""Killed at any boundary while a temporary file view is made, read or deleted: no view is left, and nothing is lost."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.synapse.kinds import Kind
from sandbox.synapse.world import World
from tests.crash.enumeration import todays_share
from tests.crash.lab import Case, Lab, Point, items_of, running_lab
from tests.matrices.counting import Count, tell

pytestmark = pytest.mark.timeout(900)

FILES = 26
"""Just enough to be worth a view."""

ONE_AT_A_TIME = {"SYNAPSE_CALLS_IN_FLIGHT": "1"}


WIDE = 260
"""Enough for a container whose files are counted and not listed."""


def index_words(case: Case) -> tuple[str, ...]:
    """Only filling the index."""
    return ("index", *case.words[1:4], "--file-version-strategy", "latest", "--index-via", "view")


def build_files(world: World, files: int = FILES) -> ScenarioFacts:
    """A folder of small files."""
    builder = Builder(world, "views", 0)
    with builder.days_ago(50):
        project = builder.project("Broken off")
        folder = builder.folder(project, "files")
        for number in range(files):
            name = f"file_{number:02d}.txt"
            builder.file(folder, name, builder.text_handle(f"file {number}\n", name))
        return builder.facts(project)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(build_files) as running:
        yield running


def fresh(lab: Lab) -> Case:
    return lab.fresh("latest", "--index-via", "view")


def around_the_view(lab: Lab) -> tuple[Point, ...]:
    """The boundaries of an uninterrupted run from before a view is asked for to after it is forgotten."""
    case = fresh(lab)
    ended = lab.run(case.words, order="prompt", env=ONE_AT_A_TIME)
    assert (0, []) == (ended.code, lab.violations(case)), ended.said
    labels = [label for label, _ in ended.points]
    first = labels.index("before GET /column/tableview/defaults") - 2
    last = labels.index("after DELETE /entity/#") + 3
    return ended.points[first:last]


def views(lab: Lab) -> list[str]:
    return [entity.id for entity in lab.sandbox.world.entities.all() if entity.kind is Kind.ENTITY_VIEW]


def kill_and_look(lab: Lab, points: Sequence[Point]) -> tuple[list[str], int]:
    """What was wrong afterwards, and how often a killed run had left a view."""
    wrong: list[str] = []
    left = 0
    for point in points:
        case = fresh(lab)
        assert lab.run(case.words, kill_at=point, order="prompt", env=ONE_AT_A_TIME).was_killed, point
        lab.settle()
        left += len(views(lab))
        # by any command on the index that asks Synapse: one that makes a view itself would meet the old one by its name
        planned = lab.run(("plan", str(case.index)))
        wrong += [f"{point}: plan ended with {planned.code}: {planned.said}"] if planned.code else []
        wrong += [f"{point}: {one} is still there after a plan" for one in views(lab)]
        ended = lab.run(case.words)
        wrong += [f"{point}: resumed with {ended.code}: {ended.said}"] if ended.code else []
        wrong += [f"{point}: {one} is still there" for one in views(lab)]
        wrong += [f"{point}: {one}" for one in lab.violations(case)]
    return wrong, left


def test_no_view_is_left_whatever_kind_of_boundary_a_run_is_killed_at(lab: Lab) -> None:
    kinds: dict[str, Point] = {}
    for label, number in around_the_view(lab):
        kinds.setdefault(label, (label, number))
    # a quarter of them each day; the last ones before a view is deleted are always among them
    due = [point for number, point in enumerate(kinds.values()) if number % 4 == todays_share(4)]
    due += [point for label, point in kinds.items() if label == "before DELETE /entity/#" and point not in due]
    wrong, left = kill_and_look(lab, due)
    assert [] == wrong
    assert left > 0, "no run was killed while there was a view: the test shows nothing"


@pytest.mark.long
def test_an_index_whose_containers_were_counted_is_the_same_after_a_kill() -> None:
    """Whatever kind of boundary it was, and although every other time no view can be had any more."""
    with running_lab(lambda world: build_files(world, WIDE)) as lab:
        words = index_words(fresh(lab))
        whole = lab.run(words, order="prompt", env=ONE_AT_A_TIME)
        assert whole.code == 0, whole.said
        expected = items_of(Path(words[3]))
        kinds: dict[str, Point] = {}
        for label, number in whole.points:
            kinds.setdefault(label, (label, number))
        wrong = []
        for number, point in enumerate(kinds.values()):
            words = index_words(fresh(lab))
            assert lab.run(words, kill_at=point, order="prompt", env=ONE_AT_A_TIME).was_killed, point
            lab.settle()
            if number % 2:
                lab.sandbox.world.jobs.fail("tableQuery", 400, times=None)
            ended = lab.run(words)
            found = items_of(Path(words[3]))
            wrong += [] if ended.code == 0 and found == expected else [f"{point}: {ended.code}, {len(found)} items"]
            wrong += [f"{point}: {one} is still there" for one in views(lab)]
        assert [] == wrong


@pytest.mark.long
def test_no_view_is_left_at_any_boundary(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    points = around_the_view(lab)
    wrong, left = kill_and_look(lab, points)
    what = "crash points while a view is made, read and deleted"
    tell(capsys, Count(what=what, tried=len(points), out_of=len(points), unit="kills", violations=len(wrong)))
    assert [] == wrong
    assert left > 0
