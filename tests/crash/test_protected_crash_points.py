"""Killed at any boundary of a protected migration: every access list comes back, and nobody is locked out meanwhile."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sandbox.scenarios.builder import Builder
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.synapse.access import ALL_RIGHTS, Right
from sandbox.synapse.world import World
from tests.crash.enumeration import todays_share
from tests.crash.lab import Case, Lab, Point, running_lab
from tests.matrices.counting import Count, tell

pytestmark = pytest.mark.timeout(900)

CAN_EDIT = frozenset({Right.READ, Right.DOWNLOAD, Right.CREATE, Right.UPDATE})
ONE_AT_A_TIME = {"SYNAPSE_CALLS_IN_FLIGHT": "1"}
A_DAY = 2
"""Kills in the normal run, in one of the two projects by turns."""


def build_shared_project(world: World) -> ScenarioFacts:
    """Two files: one in a project that a colleague may edit, one in a folder with an access list of its own."""
    builder = Builder(world, "protected", seed=0)
    with builder.days_ago(30):
        project = builder.project("Shared with a colleague")
        folder = builder.folder(project, "Closed")
        for number, container in enumerate((project, folder), start=1):
            text = f"protocol {number}\n"
            builder.file(container, f"{number}.txt", builder.text_handle(text, f"{number}.txt"))
        me, colleague = int(builder.steward.id), int(builder.colleague.id)
        world.access.put(world, project.id, {me: ALL_RIGHTS, colleague: CAN_EDIT})
        world.access.put(world, folder.id, {me: ALL_RIGHTS, colleague: frozenset({Right.READ, Right.DOWNLOAD})})
        return builder.facts(project)


def build_inheriting_folder(world: World) -> ScenarioFacts:
    """One file in a folder that inherits from a project that a colleague may edit; the folder is what is migrated."""
    builder = Builder(world, "protected", seed=0)
    with builder.days_ago(30):
        project = builder.project("Shared with a colleague")
        folder = builder.folder(project, "Inherits")
        builder.file(folder, "1.txt", builder.text_handle("protocol 1\n", "1.txt"))
        me, colleague = int(builder.steward.id), int(builder.colleague.id)
        world.access.put(world, project.id, {me: ALL_RIGHTS, colleague: CAN_EDIT})
        return replace(builder.facts(project), root_id=folder.id)


class ProtectedLab(Lab):
    """The lab for lists that are put back: the same rights under another etag."""

    def violations(self, case: Case) -> list[str]:
        """Who may do what is compared here, word by word."""
        return [one for one in Lab.violations(self, case) if not one.endswith(": acl changed")]


PROJECTS = (build_shared_project, build_inheriting_folder)


@pytest.fixture(scope="module", params=PROJECTS, ids=["lists", "inherits"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with running_lab(request.param, make=ProtectedLab) as running:
        yield running


def lists(lab: Lab) -> dict[str, Any]:
    """Who may do what, of every entity with a list of its own."""
    world = lab.sandbox.world
    own = {one.id: world.access.own_acl(one.id) for one in world.entities.all()}
    return {entity_id: acl.rights for entity_id, acl in own.items() if acl is not None}


def whole(lab: Lab) -> tuple[Point, ...]:
    """The boundaries of an uninterrupted run, which protects and lifts, and is right."""
    case = fresh(lab)
    before = lists(lab)
    ended = lab.run(case.words, order="prompt", env=ONE_AT_A_TIME)
    assert (0, []) == (ended.code, lab.violations(case)), ended.said
    assert before == lists(lab)
    assert any(is_of_lists(point) for point in ended.points)
    return ended.points


def fresh(lab: Lab) -> Case:
    return lab.fresh("latest", "--protect")


def is_of_lists(point: Point) -> bool:
    return point[0].endswith(("/acl", "/benefactor", "/permissions"))


@dataclass(slots=True)
class Seen:
    """What a number of kills came to: what was wrong, how many there were, how often lists were found reduced."""

    wrong: list[str] = field(default_factory=list)
    killed: int = 0
    reduced: int = 0


def kill_and_look(lab: Lab, points: Sequence[Point]) -> Seen:
    """Kill at each point, then resume; every other time only after `unprotect`, and without protection."""
    seen = Seen()
    for number, point in enumerate(points):
        case = fresh(lab)
        before = lists(lab)
        if not lab.run(case.words, kill_at=point, order="prompt", env=ONE_AT_A_TIME).was_killed:
            continue
        seen.killed += 1
        lab.settle()
        seen.reduced += before != lists(lab)
        wrong = _locked_out(lab)
        if number % 2 and case.index.exists():
            wrong += _unprotected(lab, case, before)
        ended = lab.run(case.words)
        wrong += [f"resumed with {ended.code}: {ended.said}"] if ended.code else []
        wrong += [f"after resuming the lists are {lists(lab)}, not {before}"] if before != lists(lab) else []
        wrong += lab.violations(case)
        seen.wrong += [f"{point}: {one}" for one in wrong]
    return seen


def _locked_out(lab: Lab) -> list[str]:
    """Lists that the steward could not put back by hand, or that hide what the colleague could see."""
    world = lab.sandbox.world
    people = world.principals
    wrong = [
        f"the steward may not share {one}"
        for one in lists(lab)
        if not world.access.may(world, people.demo, one, Right.CHANGE_PERMISSIONS)
    ]
    hidden = [one for one in lists(lab) if not world.access.may(world, people.colleague, one, Right.READ)]
    return [*wrong, *(f"the colleague may not see {one}" for one in hidden)]


def _unprotected(lab: Lab, case: Case, before: dict[str, Any]) -> list[str]:
    ended = lab.run(("unprotect", str(case.index)))
    # killed while the file was being made: no index, and nothing was protected
    is_none = ended.code == 2 and before == lists(lab)
    wrong = [] if ended.code == 0 or is_none else [f"unprotect ended with {ended.code}: {ended.said}"]
    return wrong + ([f"after unprotect the lists are {lists(lab)}, not {before}"] if before != lists(lab) else [])


@pytest.mark.parametrize("lab", [PROJECTS[todays_share(2)]], ids=["today"], indirect=True)
def test_todays_share_of_the_kinds_of_boundary_around_the_lists(lab: Lab) -> None:
    """Each call about a list, before and after, and the commits beside them; others are in the whole enumeration."""
    points = whole(lab)
    near = [
        point for number, point in enumerate(points) if any(map(is_of_lists, points[max(0, number - 2) : number + 3]))
    ]
    step = len(near) // A_DAY
    seen = kill_and_look(lab, near[todays_share(step) :: step])
    assert [] == seen.wrong
    assert seen.killed > 0


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_every_boundary_of_a_protected_migration(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    points = whole(lab)
    seen = kill_and_look(lab, points)
    what = f"crash points, protected ({'a folder that inherits' if len(lists(lab)) == 1 else 'two lists'})"
    tell(
        capsys,
        Count(what=what, tried=seen.killed, out_of=len(points), unit="kills", violations=len(seen.wrong)),
        f"in {seen.reduced} of them lists were reduced when the process was gone",
    )
    assert [] == seen.wrong
    assert seen.reduced > 0
