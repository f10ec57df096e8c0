"""Is a failed call worth another try? The only place that knows (contract 1.3, 1.5, 13.6).

Four kinds of trouble, four allowances:

* throttled (429): wait as long as it takes; this is no failure of anything;
* maintenance (503): Synapse is read-only, down, or a database transaction lost a deadlock. The texts cannot be
  told apart, so the first waits are short (a deadlock) and later ones a minute (an hour of maintenance);
* fault (500, 502, 504, a lost or senseless answer): a few tries;
* unreachable: nothing was sent. Give up soon when nobody ever answered, later when somebody did.

A call that is not repeat-safe is repeated only when Synapse certainly did not act on it (429, nothing sent).
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum


class Allowance(StrEnum):
    """What a wait is charged to."""

    THROTTLE = "throttle"
    MAINTENANCE = "maintenance"
    FAULT = "fault"
    UNREACHABLE = "unreachable"


class Loss(StrEnum):
    """How far a call got that was not answered."""

    NOT_SENT = "not sent"
    CUT_OFF = "cut off"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An answer with a status outside 2xx."""

    status: int
    reason: str
    error_code: str | None = None
    lacks_scope: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """No complete answer."""

    loss: Loss
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An answer that is none of Synapse's: a page of markup, a redirect, nothing where an object is due."""

    status: int
    reason: str


Failure = Refused | NoAnswer | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to go on.

    Attributes:
        busy_seconds: total wait through 429, through 503, and for a job, each; maintenance can last an hour, and so
            can the transaction of another writer that a job waits for.
        faults: tries of one call that meets 500, 502, 504 or lost answers.
        unreachable_seconds: total wait for an address that never answered.
        reconnect_seconds: the same once it has answered.
        first_wait_seconds: the first wait; each following one is twice as long.
        longest_wait_seconds: the longest single wait.
    """

    busy_seconds: float = 7200.0
    faults: int = 5
    unreachable_seconds: float = 12.0
    reconnect_seconds: float = 600.0
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """What one allowance was charged so far."""

    count: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The history of one call; `after` gives the history after one more wait."""

    answered_before: bool = False
    throttle: Waits = field(default_factory=Waits)
    maintenance: Waits = field(default_factory=Waits)
    fault: Waits = field(default_factory=Waits)
    unreachable: Waits = field(default_factory=Waits)

    @property
    def tries(self) -> int:
        """Times the call was sent or tried to be sent, the coming one included."""
        return 1 + self.throttle.count + self.maintenance.count + self.fault.count + self.unreachable.count

    def of(self, allowance: Allowance) -> Waits:
        """What *allowance* was charged."""
        return {
            Allowance.THROTTLE: self.throttle,
            Allowance.MAINTENANCE: self.maintenance,
            Allowance.FAULT: self.fault,
            Allowance.UNREACHABLE: self.unreachable,
        }[allowance]

    def after(self, retry: "RetryAfter") -> "Attempts":
        """Charge one more wait."""
        charged = self.of(retry.allowance)
        charged = Waits(count=charged.count + 1, seconds=charged.seconds + retry.seconds)
        match retry.allowance:
            case Allowance.THROTTLE:
                return replace(self, throttle=charged)
            case Allowance.MAINTENANCE:
                return replace(self, maintenance=charged)
            case Allowance.FAULT:
                return replace(self, fault=charged)
            case Allowance.UNREACHABLE:
                return replace(self, unreachable=charged)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What the judge needs to know of a call."""

    method: str
    path: str
    repeat_safe: bool
    faults_at_most: int | None = None


class Verdict(StrEnum):
    """The error to raise, named as data."""

    ACCESS = "access"
    BAD_REQUEST = "bad request"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition failed"
    SERVER_FAULT = "server fault"
    ANSWER_LOST = "answer lost"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAfter:
    """Send it again after a pause that is charged to *allowance*."""

    seconds: float
    allowance: Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Raise the error *verdict* stands for."""

    verdict: Verdict


_VERDICT_OF_STATUS = {
    401: Verdict.ACCESS,
    403: Verdict.FORBIDDEN,
    404: Verdict.NOT_FOUND,
    410: Verdict.NOT_FOUND,
    409: Verdict.CONFLICT,
    412: Verdict.PRECONDITION_FAILED,
}
_UNREADABLE_TRIES = 2
_LONGEST_WAIT_FOR_A_STRANGER = 4.0
"""A person who mistyped an address sits in front of the screen."""


def judge(
    call: CallFacts, attempts: Attempts, failure: Failure, *, patience: Patience, jitter: float
) -> RetryAfter | GiveUp:
    """Say whether to send *call* again after *failure*.

    *jitter* is a number from 0 to 1; it spreads the waits of many callers over half to all of the planned time.
    """
    allowance = _allowance(failure)
    if allowance is None:
        return GiveUp(verdict=_final(failure))
    certainly_not_done = allowance is Allowance.THROTTLE or allowance is Allowance.UNREACHABLE
    if not call.repeat_safe and not certainly_not_done:
        return GiveUp(verdict=Verdict.ANSWER_LOST)
    if call.faults_at_most is not None:
        patience = replace(patience, faults=min(patience.faults, call.faults_at_most))
    if _exhausted(failure, attempts, allowance, patience):
        return GiveUp(verdict=_final(failure))
    wait = backoff_seconds(attempts.of(allowance).count, jitter=jitter, patience=patience)
    if allowance is Allowance.UNREACHABLE and not attempts.answered_before:
        wait = min(wait, _LONGEST_WAIT_FOR_A_STRANGER)
    return RetryAfter(seconds=wait, allowance=allowance)


def backoff_seconds(waits_before: int, *, jitter: float, patience: Patience) -> float:
    """Give the next wait: doubling from the first to the longest, shortened by up to a half by *jitter*."""
    doubled = patience.first_wait_seconds * 2.0 ** min(waits_before, 30)
    return min(doubled, patience.longest_wait_seconds) * (0.5 + 0.5 * jitter)


def _allowance(failure: Failure) -> Allowance | None:
    match failure:
        case Refused(status=429):
            return Allowance.THROTTLE
        case Refused(status=503):
            return Allowance.MAINTENANCE
        case Refused(status=status):
            return Allowance.FAULT if status >= 500 else None  # noqa: PLR2004 - the class of server faults
        case NoAnswer(loss=Loss.NOT_SENT):
            return Allowance.UNREACHABLE
        case NoAnswer() | Unreadable():
            return Allowance.FAULT


def _exhausted(failure: Failure, attempts: Attempts, allowance: Allowance, patience: Patience) -> bool:
    waits = attempts.of(allowance)
    match allowance:
        case Allowance.THROTTLE | Allowance.MAINTENANCE:
            return waits.seconds >= patience.busy_seconds
        case Allowance.UNREACHABLE:
            limit = patience.reconnect_seconds if attempts.answered_before else patience.unreachable_seconds
            return waits.seconds >= limit
        case Allowance.FAULT:
            tries = min(_UNREADABLE_TRIES, patience.faults) if isinstance(failure, Unreadable) else patience.faults
            return waits.count + 1 >= tries


def _final(failure: Failure) -> Verdict:
    match failure:
        case Refused(lacks_scope=True):
            return Verdict.ACCESS
        case Refused(status=429 | 503):
            return Verdict.UNAVAILABLE
        case Refused(status=status):
            server_fault = status >= 500  # noqa: PLR2004
            return Verdict.SERVER_FAULT if server_fault else _VERDICT_OF_STATUS.get(status, Verdict.BAD_REQUEST)
        case NoAnswer(loss=Loss.CUT_OFF | Loss.TIMED_OUT):
            return Verdict.SERVER_FAULT  # one call's trouble: others may well be answered
        case NoAnswer() | Unreadable():
            return Verdict.UNAVAILABLE
