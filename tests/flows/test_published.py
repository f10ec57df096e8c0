"""What a run shows of itself: a bar that never holds it up, and failures with their meaning. Without a server."""

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from storage_core.model.items import ReasonCode
from storage_core.model.plans import Plan
from storage_core.reports.figures import Failure
from tasks import progress as telling
from tasks.progress import Progress, shown_progress
from tasks.result_tables import failure_row
from tests.unit.cli.test_agreeing import PLAN


class Server:
    """Keeps the last state of a bar, unless it is away."""

    def __init__(self) -> None:
        self.shown: list[float] = []
        self.is_away = False
        self.missed = threading.Event()

    def create(self, progress: float, key: str, description: str) -> UUID:
        self.shown.append(progress)
        return uuid4()

    def update(self, artifact: UUID, progress: float) -> None:
        if self.is_away:
            self.missed.set()
            raise ConnectionError("nobody listens")
        self.shown.append(progress)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    playing = Server()
    monkeypatch.setattr(telling, "create_progress_artifact", playing.create)
    monkeypatch.setattr(telling, "update_progress_artifact", playing.update)
    return playing


def works(progress: Progress, plan: Plan) -> None:
    """Everything that the plan names, and of one phase more than it names."""
    progress.follow(plan)
    for phase, count in telling.works_by_phase(plan.ahead).items():
        progress.add(phase, count)
    progress.add("verify", 7)
    progress.add("enumerate-children", 3)


def test_the_bar_begins_empty_and_ends_full(server: Server) -> None:
    """However little or much the phases find to do beside the plan; it is told at the end, and seldom before."""
    with shown_progress(pytest.fail) as progress:
        works(progress, PLAN)

    assert [0.0, 100.0] == server.shown


def test_half_of_the_works_are_half_of_the_bar(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "works_by_phase", lambda _: {"copy-files": 30, "verify": 10})
    with shown_progress(pytest.fail) as progress:
        progress.follow(PLAN)
        progress.add("copy-files", 20)

    assert [0.0, 50.0] == server.shown


def test_a_server_that_is_away_is_told_of_and_stops_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next telling is tried again."""
    warned: list[str] = []
    monkeypatch.setattr(telling, "EVERY_SECONDS", 0.0)
    with shown_progress(warned.append) as progress:
        server.is_away = True
        works(progress, PLAN)
        assert server.missed.wait(60)
        server.is_away = False

    assert 100.0 == server.shown[-1]
    assert "Progress could not be shown: ConnectionError('nobody listens')" in warned


def test_a_run_without_a_plan_shows_no_bar(server: Server) -> None:
    with shown_progress(pytest.fail) as progress:
        progress.add("verify", 1)

    assert [] == server.shown


@pytest.mark.parametrize(("reason", "meaning"), [(ReasonCode.READ_BACK_DIFFERS, True), ("FROM_A_LATER_VERSION", False)])
def test_a_failure_is_told_with_its_meaning(reason: str, meaning: bool) -> None:
    """A reason that only a later version knows is shown as it is."""
    failure = Failure(
        kind="file", entity_id="syn5", name="a.txt", version=None, row_id=None, col_name=None, status="ERRORED",
        reason=reason, detail="the MD5 differs", size_bytes=3,
    )  # fmt: skip
    row: dict[str, Any] = failure_row(failure)

    assert ("syn5", "current version", reason, "the MD5 differs") == (
        row["id"],
        row["place"],
        row["reason"],
        row["detail"],
    )
    assert meaning is bool(row["what it means"])
