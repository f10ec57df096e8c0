"""What may go wrong with one call: every effect is data, and says itself how bad it may become.

An effect strikes once, or from the second such call on for as long as nobody lifts it. `once` must be ridden out: the
run ends as if nothing had been. A lasting one may stop the run or fail items, with one of `codes`; when it is lifted,
`cure` says the most that may be needed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sandbox.faults import FaultKind, FaultRule
from sandbox.synapse.jobs import Jobs
from sandbox.synapse.tables_routes import QUERY, TRANSACTION

SLOW_SECONDS = 0.7
TIME_OUT_SECONDS = 0.3
GONE = 404
DONE, SOME_FAILED, ACCESS, MISMATCH, UNAVAILABLE = 0, 1, 3, 4, 8


class Cure(IntEnum):
    """What makes a migration whole again after a fault, from little to much."""

    NONE = 0  # it was whole
    RESUME = 1  # the same command
    RETRY = 2  # `retry`, which puts back what a later run may cure, then the same command
    RETRY_ALL = 3  # `retry all`, as a person would after looking


OWN_KEYS = "own keys "


def is_own(call: str) -> bool:
    """Whether the call goes to S3 with the user's own keys."""
    return call.startswith(OWN_KEYS)


def is_s3(call: str) -> bool:
    """Whether the call goes to S3."""
    return call.startswith("S3 ") or is_own(call)


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls that an effect can meet, and why it is left out for all others."""

    takes: Callable[[str], bool]
    others: str


SAID_ONCE = frozenset({"no such key", "no such upload", "source changed"})
"""What S3 says of an object or an upload is believed when it is said to one's own keys."""


def only(*calls: str, others: str) -> Calls:
    """These calls alone."""
    return Calls(lambda call: call in calls, others)


def synapse(others: str) -> Calls:
    """Every call to Synapse, and none to S3."""
    return Calls(lambda call: not is_s3(call), others)


EVERYWHERE = Calls(lambda _: True, "")


@dataclass(frozen=True, slots=True)
class JobFault:
    """What becomes of jobs of the sandbox: they fail with a status, or (None) never come to their end."""

    status: int | None
    times: int | None = None

    def plant(self, jobs: Jobs, call: str) -> None:
        """Have it strike the jobs that *call* starts."""
        kind = _JOBS[call]
        if self.status is None:
            jobs.never_finish.add(kind)
        else:
            jobs.fail(kind, self.status, "planned", times=self.times)


def lift(jobs: Jobs) -> None:
    """No more of it; what hung comes to its end."""
    jobs.failures.clear()
    jobs.let_finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One misfortune.

    Attributes:
        rule: of the sandbox; None when `weather` does it.
        applies: to which calls, and why not to others.
        lasts: whether it strikes on and on.
        codes: exit codes a run may end with under it.
        job: what becomes of the job that the call starts, instead of a rule.
        discards: it spoils copies, so they are thrown away.
        is_slow: the sandbox's waits must take their time.
    """

    name: str
    rule: dict[str, Any] | None = None
    weather: dict[str, Any] = field(default_factory=dict)
    applies: Calls = EVERYWHERE
    job: JobFault | None = None
    lasts: bool = False
    codes: frozenset[int] = frozenset({DONE})
    cure: Cure = Cure.NONE
    discards: bool = False
    is_slow: bool = False

    def worst_cure(self, call: str) -> Cure:
        """What *call* may need after this effect at most."""
        if is_own(call):
            # refused keys, missing and changed objects are for a person; the rest is for a later run
            return Cure.RETRY_ALL if self.lasts or self.name in SAID_ONCE else self.cure
        # a start that is answered 502 on and on is how a missing source object looks (contract 8.8): for a person
        looks_missing = call == START and "502" in self.name
        return Cure.RETRY_ALL if self.lasts and (looks_missing or self._forges(call)) else self.cure

    def allowed_codes(self, call: str) -> frozenset[int]:
        """Exit codes a run may end with under it; keys that may not do what they must end it as missing rights do."""
        if is_own(call) and (self.lasts or self.name in SAID_ONCE):
            return self.codes | {DONE, SOME_FAILED, ACCESS, UNAVAILABLE}
        return self.codes

    def may_discard(self, call: str) -> bool:
        """Whether a copy may have been thrown away, so that an unused handle and its object stay behind."""
        return self.discards or self._forges(call)

    def _forges(self, call: str) -> bool:
        """Whether reading an object gives other bytes and nothing says so: then a good copy is taken for a bad one."""
        return call == OBJECT and "200" in self.name

    def make_rule(self, method: str, path: str, *, skip: int) -> FaultRule | None:
        """The sandbox's rule for one call; it lets the first *skip* of its kind pass."""
        if self.rule is None:
            return None
        times = {"times": None if self.lasts else 1, "skip": skip}
        return FaultRule(**{**times, **self.rule, "method": method, "path": path})


def status(number: int, *, after: bool = False, **more: Any) -> dict[str, Any]:
    """An answer with this status, before or after the work."""
    return {"kind": FaultKind.STATUS_AFTER if after else FaultKind.STATUS_BEFORE, "status": number, **more}


def s3_error(code: str, number: int) -> dict[str, Any]:
    """S3's error document under a status."""
    return status(number, body=f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>planned</Message></Error>")


_HTML: dict[str, Any] = {"body": "<html><body>Bad gateway</body></html>", "content_type": "text/html"}
_HALF: dict[str, Any] = {"body": '{"uploadId": "1', "content_type": "application/json"}
_SHORT = {"config": {"read_seconds": TIME_OUT_SECONDS, "s3_read_seconds": TIME_OUT_SECONDS}}

# what a single call may meet on any network, with any server
_PASSING: dict[str, dict[str, Any]] = {
    "drop before": {"kind": FaultKind.DROP_BEFORE},
    "drop after": {"kind": FaultKind.DROP_AFTER},
    "429": status(429, body='{"reason":"Requests are too frequent. Allowed 600 requests every 60 seconds."}'),
    "500": status(500),
    "500 after": status(500, after=True),
    "502": status(502),
    "503": status(503),
    "504 after": status(504, after=True),
    "truncated": {"kind": FaultKind.TRUNCATE},
    "html 502": status(502, **_HTML),
    "html 200 after": status(200, after=True, **_HTML),
}
_SYNAPSE_ONLY: dict[str, dict[str, Any]] = {"half json after": status(200, after=True, **_HALF)}
_SLOW: dict[str, dict[str, Any]] = {
    "slow before": {"kind": FaultKind.DELAY, "delay_seconds": SLOW_SECONDS},
    "slow after": {"kind": FaultKind.DELAY_AFTER, "delay_seconds": SLOW_SECONDS},
}
_S3_REFUSALS: dict[str, dict[str, Any]] = {
    "expired": s3_error("AccessDenied", 403),
    "busy": s3_error("SlowDown", 503),
    "error in 200": s3_error("InternalError", 200),
}
_NO_SUCH_KEY = s3_error("NoSuchKey", 404)
_PART_REFUSALS: dict[str, dict[str, Any]] = {
    "no such upload": s3_error("NoSuchUpload", 404),
    "source changed": s3_error("PreconditionFailed", 412),
}
_SPOILT: dict[str, dict[str, Any]] = {"damaged": {"kind": FaultKind.DAMAGE}, "shortened": {"kind": FaultKind.SHORTEN}}

PART = "S3 PUT part"
OBJECT = "S3 GET object"
OWN_PART, OWN_COPY, OWN_UPLOAD = "own keys PUT part", "own keys PUT object", "own keys POST upload"
START = "POST /file/multipart"
ADD = "PUT /file/multipart/#/add/#"
COMPLETE = "PUT /file/multipart/#/complete"
SWAP = "PUT /entity/#/version/#/filehandle"
NEW_VERSION = "PUT /entity/#?newVersion=true"
SNAPSHOT = "POST /entity/#/table/snapshot"
ASK_TABLE = "POST /entity/#/table/query/async/start"
WRITE_TABLE = "POST /entity/#/table/transaction/async/start"
_JOBS = {ASK_TABLE: QUERY, WRITE_TABLE: TRANSACTION}

_ADD_FAILED = status(201, body='{"addPartState":"ADD_FAILED","errorMessage":"planned","uploadId":"1","partNumber":1}')


_JSON = synapse("S3 speaks no JSON")
_WINDOW = synapse("S3 knows no read-only window")
_WITH_TOKEN = synapse("S3 is shown no token")
_READ_OR_PART = Calls(is_s3, "an answer that only S3 gives")
_PARTS = Calls(lambda call: call in {PART, OWN_PART, OWN_COPY, OWN_UPLOAD}, "an answer to copying")
_BYTES = only(PART, others="only the copying of a part has bytes to spoil")
_ADDING = only(ADD, others="an answer to adding a part")
_UPLOADS = only(START, COMPLETE, others="a refusal is final: it is tried as a lasting one")
_CHANGES = only(
    WRITE_TABLE, START, ADD, COMPLETE, SWAP, NEW_VERSION, SNAPSHOT, others="it reads: tests/people refuses that"
)
_CONDITIONAL = only(SWAP, NEW_VERSION, others="it carries no condition")
_STARTS_JOB = only(*_JOBS, others="it starts no job")
_WRITES_TABLE = only(WRITE_TABLE, others="it starts no job that writes; to reading it says that the table is gone")


def all_effects() -> tuple[Effect, ...]:
    """Every effect, in the order of the matrix's columns."""
    return (*_once(), *_lasting())


def _once() -> tuple[Effect, ...]:
    weather = {"refuse": {"times": 1}}
    return (
        Effect(name="refused", weather=weather),
        *(Effect(name=name, rule=rule) for name, rule in _PASSING.items()),
        *(Effect(name=name, rule=rule, applies=_JSON) for name, rule in _SYNAPSE_ONLY.items()),
        *(Effect(name=name, rule=rule, weather=_SHORT, is_slow=True) for name, rule in _SLOW.items()),
        Effect(name="read-only for a while", rule={"window": 4, **status(503)}, applies=_WINDOW),
        *(Effect(name=name, rule=rule, applies=_READ_OR_PART) for name, rule in _S3_REFUSALS.items()),
        *(Effect(name=name, rule=rule, applies=_PARTS) for name, rule in _PART_REFUSALS.items()),
        # said once, it is believed: whoever looks after the bucket must look first
        Effect(
            name="no such key",
            rule=_NO_SUCH_KEY,
            applies=_READ_OR_PART,
            codes=frozenset({SOME_FAILED}),
            cure=Cure.RETRY_ALL,
        ),
        Effect(name="damaged", rule={"kind": FaultKind.DAMAGE}, applies=_BYTES, discards=True),
        # a result of another size is reported and not tried again by itself (contract 8.8)
        Effect(
            name="shortened",
            rule={"kind": FaultKind.SHORTEN},
            applies=_BYTES,
            discards=True,
            codes=frozenset({SOME_FAILED}),
            cure=Cure.RETRY_ALL,
        ),
        Effect(name="ADD_FAILED", rule=_ADD_FAILED, applies=_ADDING),
        Effect(name="400", rule=status(400), applies=_UPLOADS),
        Effect(
            name="412",
            rule=status(412),
            applies=only(SWAP, others="it carries no condition, or is tried with a lasting refusal"),
        ),
        # the service answers every poll of a failed job alike; what reads is tried again by the next run
        Effect(
            name="job failed",
            job=JobFault(500, times=1),
            applies=_STARTS_JOB,
            codes=frozenset({DONE, SOME_FAILED}),
            cure=Cure.RETRY,
        ),
    )


def _lasting() -> tuple[Effect, ...]:
    stops = frozenset({DONE, SOME_FAILED, UNAVAILABLE})
    fails = frozenset({DONE, SOME_FAILED})
    return (
        Effect(name="refused on", weather={"refuse": {"times": -1}}, lasts=True, codes=stops, cure=Cure.RETRY),
        *(
            Effect(name=f"{name} on", rule=rule, lasts=True, codes=stops, cure=Cure.RETRY)
            for name, rule in _PASSING.items()
        ),
        *(
            Effect(name=f"{name} on", rule=rule, applies=_JSON, lasts=True, codes=stops, cure=Cure.RETRY)
            for name, rule in _SYNAPSE_ONLY.items()
        ),
        *(
            Effect(name=f"{n} on", rule=r, weather=_SHORT, is_slow=True, lasts=True, codes=stops, cure=Cure.RETRY)
            for n, r in _SLOW.items()
        ),
        Effect(
            name="read-only on",
            rule={"window": None, **status(503)},
            applies=_WINDOW,
            lasts=True,
            codes=stops,
            cure=Cure.RETRY,
        ),
        Effect(
            name="401 on",
            rule=status(401),
            applies=_WITH_TOKEN,
            lasts=True,
            codes=frozenset({DONE, ACCESS}),
            cure=Cure.RESUME,
        ),
        *(
            Effect(name=f"{n} on", rule=r, applies=_READ_OR_PART, lasts=True, codes=fails, cure=Cure.RETRY_ALL)
            for n, r in (*_S3_REFUSALS.items(), ("no such key", _NO_SUCH_KEY))
        ),
        *(
            Effect(name=f"{n} on", rule=r, applies=_PARTS, lasts=True, codes=fails, cure=Cure.RETRY_ALL)
            for n, r in _PART_REFUSALS.items()
        ),
        *(
            Effect(name=f"{n} on", rule=r, applies=_BYTES, lasts=True, codes=fails, cure=Cure.RETRY_ALL, discards=True)
            for n, r in _SPOILT.items()
        ),
        Effect(name="ADD_FAILED on", rule=_ADD_FAILED, applies=_ADDING, lasts=True, codes=fails, cure=Cure.RETRY),
        *(
            Effect(
                name=f"{number} on",
                rule=status(number),
                applies=_CHANGES,
                lasts=True,
                codes=fails,
                cure=Cure.RETRY_ALL,
            )
            for number in (400, 403, 404)
        ),
        Effect(
            name="412 on",
            rule=status(412),
            applies=_CONDITIONAL,
            lasts=True,
            codes=fails,
            cure=Cure.RETRY_ALL,
        ),
        *(
            Effect(
                name=f"job failed {number} on",
                job=JobFault(number),
                applies=_WRITES_TABLE if number == GONE else _STARTS_JOB,
                lasts=True,
                codes=stops,
                cure=Cure.RETRY_ALL,
            )
            for number in (400, 403, GONE, 412, 500, 503)
        ),
        Effect(
            name="job never ends on", job=JobFault(None), applies=_STARTS_JOB, lasts=True, codes=stops, cure=Cure.RETRY
        ),
    )
