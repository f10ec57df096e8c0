"""Killed at any boundary while one's own AWS keys copy: no second object, and no second record that is not told of."""

import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.crash.enumeration import Series, Tried, counted, interrupt, rehearse
from tests.crash.lab import Case, Lab, Point, running_lab
from tests.crash.spare_records import without_spare_records
from tests.matrices.counting import end_of_patience, tell

pytestmark = pytest.mark.timeout(900)

NORMAL_SECONDS = 30
"""What the normal run may spend on interruptions."""

STRATEGY = "latest"


class OwnKeysLab(Lab):
    """The lab with `--engine s3`; what is left over is judged by what that engine promises."""

    def fresh(self, strategy: str, *more: str) -> Case:
        return Lab.fresh(self, strategy, "--engine", "s3", *more)

    def violations(self, case: Case) -> list[str]:
        """Nobody uses a spare record; each is of an object in use, and the journal tells of at least as many."""
        return without_spare_records(Lab.violations(self, case), case.expected, self.state(), case.index)

    def _upload_violations(self, case: Case) -> list[str]:
        """The service made no copy, and no upload is left in any bucket."""
        begun = [upload.id for upload in self.sandbox.world.uploads._by_id.values()]
        left = [upload.key for upload in self.sandbox.world.objects._uploads.values()]
        wrong = [f"upload {one} of the service was begun" for one in begun]
        return [*wrong, *(f"an upload to {one} was left" for one in left)]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(make=OwnKeysLab) as running:
        yield running


@pytest.fixture(scope="module")
def series(lab: Lab) -> Series:
    return rehearse(lab, STRATEGY, "prompt")


def test_requests_with_own_keys_are_among_the_boundaries(series: Series) -> None:
    labels = Counter(label for label, _ in series.points)
    # one object in parts, the others in one piece; each source is looked at
    assert labels["before own keys PUT part"] > 1
    assert labels["before own keys PUT object"] > 1
    assert labels["before POST /externalFileHandle/s3"] == labels["after POST /externalFileHandle/s3"]


def of_the_engine(series: Series) -> list[Point]:
    return [point for point in series.points if "own keys" in point[0] or "externalFileHandle" in point[0]]


def test_a_kill_at_each_kind_of_its_boundaries(lab: Lab, series: Series, capsys: pytest.CaptureFixture[str]) -> None:
    """One of each kind, drawn anew every time, as many as the time suffices for."""
    kinds: dict[str, list[Point]] = {}
    for point in of_the_engine(series):
        kinds.setdefault(point[0], []).append(point)
    tried = Tried()
    due = [random.choice(points) for points in kinds.values()]
    random.shuffle(due)
    interrupt(lab, series, due, tried, until=time.monotonic() + NORMAL_SECONDS)
    with capsys.disabled():
        print(f"\n{tried.told(f'own keys: {len(kinds)} kinds')}")
    assert [] == tried.violations
    assert tried.killed > 0


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_a_kill_at_every_boundary(lab: Lab, series: Series, capsys: pytest.CaptureFixture[str]) -> None:
    tried = Tried()
    try:
        interrupt(lab, series, random.sample(series.points, len(series.points)), tried, until=end_of_patience())
    finally:
        tell(capsys, counted("crash points, engine s3", tried, len(series.points)), tried.told("in detail"))
    assert [] == tried.violations
