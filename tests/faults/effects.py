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

SLOW_SECONDS = 0.7
TIME_OUT_SECONDS = 0.3
DONE, SOME_FAILED, ACCESS, MISMATCH, UNAVAILABLE = 0, 1, 3, 4, 8


class Cure(IntEnum):
    """What makes a migration whole again after a fault, from little to much."""

    NONE = 0  # it was whole
    RESUME = 1  # the same command
    RETRY = 2  # `retry`, which puts back what a later run may cure, then the same command
    RETRY_ALL = 3  # `retry all`, as a person would after looking


def _anywhere(call: str) -> bool:
    return bool(call)


def is_s3(call: str) -> bool:
    """Whether the call goes to S3."""
    return call.startswith("S3 ")


def _synapse(call: str) -> bool:
    return not is_s3(call)


def only(*calls: str) -> Callable[[str], bool]:
    """An effect for these calls alone."""
    return lambda call: call in calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One misfortune.

    Attributes:
        rule: of the sandbox; None when `weather` does it.
        applies: to which calls.
        lasts: whether it strikes on and on.
        codes: exit codes a run may end with under it.
        discards: it spoils copies, so they are thrown away.
        is_slow: the sandbox's waits must take their time.
    """

    name: str
    rule: dict[str, Any] | None = None
    weather: dict[str, Any] = field(default_factory=dict)
    applies: Callable[[str], bool] = _anywhere
    lasts: bool = False
    codes: frozenset[int] = frozenset({DONE})
    cure: Cure = Cure.NONE
    discards: bool = False
    is_slow: bool = False

    def worst_cure(self, call: str) -> Cure:
        """What *call* may need after this effect at most."""
        # a start that is answered 502 on and on is how a missing source object looks (contract 8.8): for a person
        looks_missing = call == START and "502" in self.name
        return Cure.RETRY_ALL if self.lasts and (looks_missing or self._forges(call)) else self.cure

    def may_discard(self, call: str) -> bool:
        """Whether a copy may have been thrown away, so that an unused handle and its object stay behind."""
        return self.discards or self._forges(call)

    def may_repeat(self, call: str) -> bool:
        """Whether what was asked for may be done twice: a version of a table that Synapse makes after our time-out.

        No condition can be put on that call, and by then another one has been sent. It costs a version, nothing else.
        """
        return call == SNAPSHOT and self.name.startswith("slow before")

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
    "no such upload": s3_error("NoSuchUpload", 404),
    "source changed": s3_error("PreconditionFailed", 412),
}
_SPOILT: dict[str, dict[str, Any]] = {"damaged": {"kind": FaultKind.DAMAGE}, "shortened": {"kind": FaultKind.SHORTEN}}

PART = "S3 PUT part"
OBJECT = "S3 GET object"
START = "POST /file/multipart"
ADD = "PUT /file/multipart/#/add/#"
COMPLETE = "PUT /file/multipart/#/complete"
SWAP = "PUT /entity/#/version/#/filehandle"
NEW_VERSION = "PUT /entity/#?newVersion=true"
SNAPSHOT = "POST /entity/#/table/snapshot"

_ADD_FAILED = status(201, body='{"addPartState":"ADD_FAILED","errorMessage":"planned","uploadId":"1","partNumber":1}')
_REFUSALS_CURED_BY_HAND = (START, ADD, COMPLETE, SWAP, NEW_VERSION)


def all_effects() -> tuple[Effect, ...]:
    """Every effect, in the order of the matrix's columns."""
    return (*_once(), *_lasting())


def _refusable(name: str) -> Callable[[str], bool]:
    """Uploads and conditions on the source are matters of parts; the others of every call to S3."""
    return only(PART) if name in {"no such upload", "source changed"} else only(PART, OBJECT)


def _once() -> tuple[Effect, ...]:
    weather = {"refuse": {"times": 1}}
    return (
        Effect(name="refused", weather=weather),
        *(Effect(name=name, rule=rule) for name, rule in _PASSING.items()),
        *(Effect(name=name, rule=rule, applies=_synapse) for name, rule in _SYNAPSE_ONLY.items()),
        *(Effect(name=name, rule=rule, weather=_SHORT, is_slow=True) for name, rule in _SLOW.items()),
        Effect(name="read-only for a while", rule={"window": 4, **status(503)}, applies=_synapse),
        *(Effect(name=name, rule=rule, applies=_refusable(name)) for name, rule in _S3_REFUSALS.items()),
        Effect(name="damaged", rule={"kind": FaultKind.DAMAGE}, applies=only(PART), discards=True),
        # a result of another size is reported and not tried again by itself (contract 8.8)
        Effect(
            name="shortened",
            rule={"kind": FaultKind.SHORTEN},
            applies=only(PART),
            discards=True,
            codes=frozenset({SOME_FAILED}),
            cure=Cure.RETRY_ALL,
        ),
        Effect(name="ADD_FAILED", rule=_ADD_FAILED, applies=only(ADD)),
        Effect(name="400", rule=status(400), applies=only(START, COMPLETE)),
        Effect(name="412", rule=status(412), applies=only(SWAP)),
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
            Effect(name=f"{name} on", rule=rule, applies=_synapse, lasts=True, codes=stops, cure=Cure.RETRY)
            for name, rule in _SYNAPSE_ONLY.items()
        ),
        *(
            Effect(name=f"{n} on", rule=r, weather=_SHORT, is_slow=True, lasts=True, codes=stops, cure=Cure.RETRY)
            for n, r in _SLOW.items()
        ),
        Effect(
            name="read-only on",
            rule={"window": None, **status(503)},
            applies=_synapse,
            lasts=True,
            codes=stops,
            cure=Cure.RETRY,
        ),
        Effect(
            name="401 on",
            rule=status(401),
            applies=_synapse,
            lasts=True,
            codes=frozenset({DONE, ACCESS}),
            cure=Cure.RESUME,
        ),
        *(
            Effect(name=f"{n} on", rule=r, applies=only(PART), lasts=True, codes=fails, cure=Cure.RETRY_ALL)
            for n, r in (*_S3_REFUSALS.items(), ("no such key", s3_error("NoSuchKey", 404)))
        ),
        *(
            Effect(
                name=f"{n} on", rule=r, applies=only(PART), lasts=True, codes=fails, cure=Cure.RETRY_ALL, discards=True
            )
            for n, r in _SPOILT.items()
        ),
        Effect(name="ADD_FAILED on", rule=_ADD_FAILED, applies=only(ADD), lasts=True, codes=fails, cure=Cure.RETRY),
        *(
            Effect(
                name=f"{number} on",
                rule=status(number),
                applies=only(*_REFUSALS_CURED_BY_HAND),
                lasts=True,
                codes=fails,
                cure=Cure.RETRY_ALL,
            )
            for number in (400, 403, 404)
        ),
        Effect(
            name="412 on",
            rule=status(412),
            applies=only(SWAP, NEW_VERSION),
            lasts=True,
            codes=fails,
            cure=Cure.RETRY_ALL,
        ),
    )
