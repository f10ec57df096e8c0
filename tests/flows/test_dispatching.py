"""Shards are started, watched and started again, and do not work on without their coordinator."""

import logging
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.states import Cancelled, Completed, Crashed, Running, Suspended

from flows import dispatching
from flows.dispatching import ATTEMPTS, migrate_all
from storage_core.errors import ServiceUnavailable
from tasks import pausing
from tasks.pausing import PauseNotice

ONE, TWO = Path("m.shard-1-of-2.duckdb"), Path("m.shard-2-of-2.duckdb")


class ListedRuns:
    """A server on which the states of each shard's runs are listed, run by run; the last state of a run stays."""

    def __init__(self, **states: list[list[State]]) -> None:
        self._states = {path: states[name] for path, name in ((ONE, "one"), (TWO, "two")) if name in states}
        self._runs: dict[UUID, tuple[Path, int]] = {}
        self.started: list[tuple[Path, int]] = []
        self.cancelled: list[tuple[Path, int]] = []
        self.is_away = False
        self.told_to_end_after: int | None = None
        """After so many looks somebody presses Ctrl-C."""

    def start(self, shard: Path, number: int) -> UUID:
        self.started.append((shard, number))
        run = UUID(int=len(self._runs) + 1)
        self._runs[run] = (shard, number)
        return run

    def state(self, run: UUID) -> State | None:
        if self.told_to_end_after is not None:
            if not self.told_to_end_after:
                raise KeyboardInterrupt
            self.told_to_end_after -= 1
        shard, number = self._runs[run]
        states = self._states[shard][number - 1]
        return states.pop(0) if len(states) > 1 else states[0]

    def cancel(self, run: UUID) -> None:
        if self.is_away and not self.cancelled:
            self.cancelled.append(self._runs[run])
            raise ConnectionError("nobody listens")
        self.cancelled.append(self._runs[run])


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(pausing, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(dispatching, "get_run_logger", lambda: logging.getLogger("dispatching"))


def test_a_shard_whose_worker_dies_is_started_again_under_the_next_number() -> None:
    runs = ListedRuns(one=[[Running(), Crashed()], [Running(), Completed()]], two=[[Running(), Completed()]])

    migrate_all([ONE, TWO], runs, None)

    assert [(ONE, 1), (TWO, 1), (ONE, 2)] == runs.started
    assert [] == runs.cancelled


def test_what_an_earlier_coordinator_left_is_gone_on_with_and_its_ends_in_vain_are_not_counted() -> None:
    """Cancelled more often than a worker may die, and then completed at once."""
    vain = [[Cancelled()] for _ in range(ATTEMPTS + 3)]
    runs = ListedRuns(one=[*vain, [Running(), Completed()]], two=[[Completed()]])

    migrate_all([ONE, TWO], runs, None)

    assert [*((ONE, number) for number in range(1, ATTEMPTS + 5)), (TWO, 1)] == runs.started


def test_a_shard_that_never_completes_fails_the_whole_and_the_other_one_is_cancelled() -> None:
    runs = ListedRuns(
        one=[[Crashed()] if number else [Running(), Crashed()] for number in range(20)], two=[[Running()]]
    )

    with pytest.raises(ServiceUnavailable, match=f"was started {ATTEMPTS} times"):
        migrate_all([ONE, TWO], runs, None)

    assert ATTEMPTS == sum(shard == ONE for shard, _ in runs.started)
    assert (TWO, 1) in runs.cancelled


def test_a_coordinator_that_is_told_to_end_cancels_what_runs_and_nothing_that_has_ended() -> None:
    runs = ListedRuns(one=[[Running(), Completed()]], two=[[Running()]])
    runs.told_to_end_after = 4

    with pytest.raises(KeyboardInterrupt):
        migrate_all([ONE, TWO], runs, None)

    assert [(TWO, 1)] == runs.cancelled


def test_a_suspended_coordinator_cancels_its_shards_and_ends_as_suspended() -> None:
    runs = ListedRuns(one=[[Running()]], two=[[Running()]])
    notice = PauseNotice(UUID(int=7), lambda _: None, look=lambda _: Suspended(timeout_seconds=60))

    with pytest.raises(Pause):
        migrate_all([ONE, TWO], runs, notice)
    notice.close()

    assert [(ONE, 1), (TWO, 1)] == sorted(runs.cancelled)


def test_a_shard_that_cannot_be_told_to_end_is_named_and_the_others_are_told() -> None:
    runs = ListedRuns(one=[[Running()]], two=[[Running()]])
    runs.is_away = True
    notice = PauseNotice(UUID(int=7), lambda _: None, look=lambda _: Suspended(timeout_seconds=60))

    with pytest.raises(ConnectionError) as caught:
        migrate_all([ONE, TWO], runs, notice)
    notice.close()

    assert {(ONE, 1), (TWO, 1)} == set(runs.cancelled)
    assert "could not be told to end: cancel its run" in caught.value.__notes__[0]
