"""Asynchronous jobs (contract 12): started by one call, asked after by others, readable by their starter only.

A job's work is done when it is started, as if its worker had picked it up at once; its outcome shows after
`delay_seconds`. So a client that dies while waiting finds the work done, as it would at the real service.

Jobs that write to one table wait for each other, and jobs that read it wait for the writers, by staying PROCESSING
longer (contract 9.9).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict, Unpack

from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope
from sandbox.synapse.principals import User

if TYPE_CHECKING:
    from sandbox.synapse.world import World

Runner = Callable[[], Json]
_EXCEPTIONS = {
    400: "java.lang.IllegalArgumentException",
    403: "org.sagebionetworks.repo.model.UnauthorizedException",
    404: "org.sagebionetworks.repo.web.NotFoundException",
    412: "org.sagebionetworks.repo.model.ConflictingUpdateException",
}
_OTHER_EXCEPTION = "java.lang.RuntimeException"
_NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class JobState(StrEnum):
    """The three states of a job."""

    PROCESSING = "PROCESSING"
    FAILED = "FAILED"
    COMPLETE = "COMPLETE"


@dataclass(slots=True, kw_only=True)
class Job:
    """One job. `answer` or `refusal` is what it came to, to be shown from `ready_at` on.

    Before `works_from` it waits for other jobs.
    """

    id: str
    kind: str
    user_id: str
    request: Json
    started_on: str
    works_from: datetime
    ready_at: datetime
    is_cancelled: bool = False
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
            "progressMessage": self._progress(state, now),
            "progressCurrent": 0 if state is JobState.PROCESSING else 100,
            "progressTotal": 100,
            "jobCanceling": self.is_cancelled,
            "requestBody": self.request,
            "etag": f"job-{self.id}-{state.value}",
            "runtimeMS": 1000,
        }
        if state is JobState.COMPLETE:
            status["responseBody"] = self.answer
        if state is JobState.FAILED and self.refusal is not None:
            exception = _EXCEPTIONS.get(self.refusal.status, _OTHER_EXCEPTION)
            status |= {
                "errorMessage": self.refusal.reason,
                "errorDetails": f"{exception}: {self.refusal.reason}",
                "exception": exception,
            }
        return status

    def _progress(self, state: JobState, now: datetime) -> str:
        if state is not JobState.PROCESSING:
            return "Done"
        return "Waiting for table lock" if now < self.works_from else "Processing"


@dataclass(slots=True, kw_only=True)
class PlannedFailure:
    """The next `times` jobs of a kind fail with this refusal, their work not done; None means all that follow."""

    kind: str
    refusal: Refused
    times: int | None = 1


class Terms(TypedDict, total=False):
    """How a job goes together with others.

    Attributes:
        lock: while it runs, later jobs with the same lock wait.
        behind: it waits for the jobs that hold this lock, and holds nothing itself.
        same_as: what its answer depends on besides its kind; a finished job of the same user is used again.
    """

    lock: str
    behind: str
    same_as: str | None


class Jobs:
    """All jobs of the sandbox.

    Attributes:
        delay_seconds: how long a job takes, before time scaling.
        never_finish: kinds of job that stay PROCESSING for ever, for rehearsals of patience.
        failures: what will go wrong; see `fail`.
        struck: how many jobs were made to fail, or not to finish.
    """

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.never_finish: set[str] = set()
        self.failures: list[PlannedFailure] = []
        self.struck = 0
        self._jobs: dict[str, Job] = {}
        self._free_at: dict[str, datetime] = {}
        self._kept: dict[tuple[str, str, str], str] = {}

    def let_finish(self) -> None:
        """Jobs of every kind come to their end again, also those that had not, and give up their locks."""
        self.never_finish.clear()
        for job in self._jobs.values():
            if job.ready_at == _NEVER:
                job.works_from = job.ready_at = _LONG_AGO
        self._free_at = {lock: _LONG_AGO if moment == _NEVER else moment for lock, moment in self._free_at.items()}

    def fail(self, kind: str, status: int, reason: str = "A planted failure", *, times: int | None = 1) -> None:
        """Make the next jobs of that kind fail at their end; for all that follow when *times* is None."""
        self.failures.append(PlannedFailure(kind=kind, refusal=Refused(status, reason), times=times))

    def start(
        self,
        world: "World",
        user: User,
        kind: str,
        request: Json,
        runner: Runner,
        **terms: Unpack["Terms"],
    ) -> Answer:
        """Run *runner* as a job of this kind and answer with its token. A refusal of the runner shows at the end."""
        user.require_signed_in()
        now = world.clock.now()
        same_as = terms.get("same_as")
        key = (user.id, kind, same_as or "")
        kept = self._jobs.get(self._kept.get(key, "")) if same_as is not None else None
        if kept is not None and kept.state(now) is JobState.COMPLETE:
            return Answer(status=201, json={"token": kept.id})
        job = self._new_job(world, user, kind, request, terms)
        self._jobs[job.id] = job
        try:
            self._strike(kind)
            job.answer = runner()
        except Refused as refusal:
            job.refusal = refusal
        if same_as is not None:
            self._kept[key] = job.id
        return Answer(status=201, json={"token": job.id})

    def _new_job(self, world: "World", user: User, kind: str, request: Json, terms: "Terms") -> Job:
        now, lock = world.clock.now(), terms.get("lock")
        works_from = max(now, self._free_at.get(lock or terms.get("behind") or "", now))
        is_endless = kind in self.never_finish or works_from == _NEVER
        self.struck += kind in self.never_finish
        wait = timedelta(seconds=self.delay_seconds * world.clock.wait_scale)
        ready_at = _NEVER if is_endless else works_from + wait
        if lock is not None:
            self._free_at[lock] = ready_at
        return Job(
            id=str(world.ids.number("other")),
            kind=kind,
            user_id=user.id,
            request=request,
            started_on=world.clock.stamp(),
            works_from=works_from,
            ready_at=ready_at,
        )

    def _strike(self, kind: str) -> None:
        for failure in self.failures:
            if failure.kind == kind and failure.times != 0:
                failure.times = None if failure.times is None else failure.times - 1
                self.struck += 1
                raise failure.refusal

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

    def cancel(self, user: User, token: str) -> None:
        """Take note of the wish; the work was done when the job was started."""
        self._of(user, token).is_cancelled = True

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
    world.jobs.cancel(call.user, call.path["id"])
    return Answer(status=204)


ROUTES: tuple[Route, ...] = (
    Route(base=Base.REPO, method="GET", template="/asynchronous/job/{id}", handler=_status, scopes=(Scope.VIEW,)),
    Route(
        base=Base.REPO, method="GET", template="/asynchronous/job/{id}/cancel", handler=_cancel, scopes=(Scope.VIEW,)
    ),
)
