"""Asynchronous jobs (contract 12): started by one call, asked after by others, readable by their starter only.

A job's work is done when it is started, as if its worker had picked it up at once; its outcome shows after
`delay_seconds`. So a client that dies while waiting finds the work done, as it would at the real service.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope
from sandbox.synapse.principals import User

if TYPE_CHECKING:
    from sandbox.synapse.world import World

Runner = Callable[[], Json]


class JobState(StrEnum):
    """The three states of a job."""

    PROCESSING = "PROCESSING"
    FAILED = "FAILED"
    COMPLETE = "COMPLETE"


@dataclass(slots=True, kw_only=True)
class Job:
    """One job. `answer` or `refusal` is what it came to, to be shown from `ready_at` on."""

    id: str
    kind: str
    user_id: str
    request: Json
    started_on: str
    ready_at: datetime
    answer: Json | None = None
    refusal: Refused | None = None

    def state(self, now: datetime) -> JobState:
        """What an onlooker is told."""
        if now < self.ready_at:
            return JobState.PROCESSING
        return JobState.COMPLETE if self.refusal is None else JobState.FAILED

    def as_json(self, now: datetime, stamp: str) -> Json:
        """The job's status as the service sends it."""
        state = self.state(now)
        status: Json = {
            "jobState": state.value,
            "jobId": self.id,
            "startedByUserId": int(self.user_id),
            "startedOn": self.started_on,
            "changedOn": stamp,
            "progressMessage": "Waiting for table lock" if state is JobState.PROCESSING else "Done",
            "progressCurrent": 0 if state is JobState.PROCESSING else 100,
            "progressTotal": 100,
            "jobCanceling": False,
            "requestBody": self.request,
            "etag": f"job-{self.id}-{state.value}",
            "runtimeMS": 1000,
        }
        if state is JobState.COMPLETE:
            status["responseBody"] = self.answer
        if state is JobState.FAILED and self.refusal is not None:
            status |= {"errorMessage": self.refusal.reason, "exception": "java.lang.IllegalArgumentException"}
        return status


class Jobs:
    """All jobs of the sandbox.

    Attributes:
        delay_seconds: how long a job takes, before time scaling.
        never_finish: kinds of job that stay PROCESSING for ever, for rehearsals of patience.
    """

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.never_finish: set[str] = set()
        self._jobs: dict[str, Job] = {}

    def start(self, world: "World", user: User, kind: str, request: Json, runner: Runner) -> Answer:
        """Run *runner* as a job of this kind and answer with its token. A refusal of the runner shows at the end."""
        user.require_signed_in()
        wait = timedelta(seconds=self.delay_seconds * world.clock.wait_scale)
        job = Job(
            id=str(world.ids.number("other")),
            kind=kind,
            user_id=user.id,
            request=request,
            started_on=world.clock.stamp(),
            ready_at=datetime.max.replace(tzinfo=world.clock.now().tzinfo)
            if kind in self.never_finish
            else world.clock.now() + wait,
        )
        try:
            job.answer = runner()
        except Refused as refusal:
            job.refusal = refusal
        self._jobs[job.id] = job
        return Answer(status=201, json={"token": job.id})

    def outcome(self, world: "World", user: User, token: str) -> Answer:
        """202 with the status while it runs, 201 with the response body itself, or the job's refusal."""
        job = self._of(user, token)
        now = world.clock.now()
        if job.state(now) is JobState.PROCESSING:
            return Answer(status=202, json=job.as_json(now, world.clock.stamp()))
        if job.refusal is not None:
            raise job.refusal
        return Answer(status=201, json=job.answer)

    def status(self, world: "World", user: User, token: str) -> Answer:
        """The status, whatever the state; a failed job does not fail this call."""
        return Answer(json=self._of(user, token).as_json(world.clock.now(), world.clock.stamp()))

    def _of(self, user: User, token: str) -> Job:
        job = self._jobs.get(token)
        if job is None:
            raise Refused(404, f"The job {token} cannot be found")
        if job.user_id != user.id:
            raise Refused(403, "Only the user that started a job may access it")
        return job


def outcome_of(token_name: str = "token") -> Handler:  # noqa: S107 - the name of a path segment
    """A handler for the `async/get` call of any family."""

    def handler(world: "World", call: Call) -> Answer:
        return world.jobs.outcome(world, call.user, call.path[token_name])

    return handler


def _status(world: "World", call: Call) -> Answer:
    return world.jobs.status(world, call.user, call.path["id"])


def _cancel(world: "World", call: Call) -> Answer:
    world.jobs.status(world, call.user, call.path["id"])
    return Answer(status=204)


ROUTES: tuple[Route, ...] = (
    Route(base=Base.REPO, method="GET", template="/asynchronous/job/{id}", handler=_status, scopes=(Scope.VIEW,)),
    Route(
        base=Base.REPO, method="GET", template="/asynchronous/job/{id}/cancel", handler=_cancel, scopes=(Scope.VIEW,)
    ),
)
