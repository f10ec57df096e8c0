"""A person who answers the runs of this process: those that no deployment started pause in it."""

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus

from flows import approving

Answer = Callable[[str], dict[str, Any]]
"""What is written into the form of the plan with this hash."""


@dataclass(slots=True)
class Person:
    """Who answers; with what the server said to each answer."""

    said: list[SetStateStatus] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def answer(self, answers: Sequence[Answer], artifact: str) -> None:
        """Give one answer after the other to the run that waits."""
        with get_client(sync_client=True) as client:
            for answer in answers:
                while not (waiting := client.read_flow_runs(flow_run_filter=PAUSED)):
                    if self._over.wait(0.1):
                        return
                shown = client.request("POST", "/artifacts/filter", json=_of(waiting[0])).json()
                title = next(one["description"] for one in shown if one["key"] == artifact)
                result = client.resume_flow_run(waiting[0].id, run_input=answer(title.removeprefix("Plan ")))
                self.said.append(result.status)

    def go(self) -> None:
        """Answer no more."""
        self._over.set()


PAUSED = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))


@contextmanager
def answered(monkeypatch: pytest.MonkeyPatch, artifact: str, *answers: Answer) -> Iterator[Person]:
    """Run a flow inside; its questions about the plan in *artifact* get these answers."""
    # a run looks for its answer every ten seconds: too seldom for a test
    monkeypatch.setattr(approving, "pause_flow_run", partial(approving.pause_flow_run, poll_interval=1))
    person = Person()
    # the address of the server is a matter of the context, which a thread does not inherit
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(person.answer, answers, artifact))
    thread.start()
    try:
        yield person
    finally:
        person.go()
        thread.join()


def _of(run: FlowRun) -> dict[str, Any]:
    return {"flow_runs": {"id": {"any_": [str(run.id)]}}}
