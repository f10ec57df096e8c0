"""A run that somebody suspends in Prefect is noticed without anybody waiting for the server."""

import logging
import time
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.states import Running, Suspended

from storage_core.model.tallies import Tally
from tasks import pausing
from tasks.pausing import NOTICED, PauseNotice, noticing_pause
from tasks.visibility import RunLogWatch

RUN = UUID(int=7)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pausing, "EVERY_SECONDS", 0.0)


def looked_at(answers: list[State | Exception | None], said: list[str]) -> PauseNotice:
    """A notice about a run whose states are *answers*, in turn; the last one stays."""

    def look(run: UUID) -> State | None:
        assert run == RUN
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return PauseNotice(RUN, said.append, look=look)


def until_paused(notice: PauseNotice) -> bool:
    give_up = time.monotonic() + 30
    while not notice.is_paused() and time.monotonic() < give_up:
        time.sleep(0.001)
    return notice.is_paused()


def test_a_suspended_run_claims_no_more_and_ends_with_the_state_that_the_server_has() -> None:
    said: list[str] = []
    notice = looked_at([Running(), None, ConnectionError("the server is away"), Suspended(timeout_seconds=60)], said)
    notice.take_effect()

    assert until_paused(notice)
    assert [NOTICED] == said
    assert RunLogWatch(logging.getLogger("pausing"), pause=notice).must_stop(Tally())
    with pytest.raises(Pause) as caught:
        notice.take_effect()
    notice.close()

    assert caught.value.state is not None
    assert caught.value.state.name == "Suspended"


def test_a_server_that_never_answers_holds_nobody_up() -> None:
    notice = looked_at([ConnectionError("the server is away")], [])
    began = time.monotonic()
    while time.monotonic() < began + 0.2:
        assert not notice.is_paused()
    notice.take_effect()
    notice.close()


def test_a_run_of_no_deployment_is_not_looked_at() -> None:
    with noticing_pause(print) as notice:
        assert notice is None
