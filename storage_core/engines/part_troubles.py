"""What to do when S3 did not copy a part (contract 8.8): a decision, without I/O."""

from dataclasses import dataclass
from enum import StrEnum

from storage_core.model.items import ReasonCode
from storage_core.plan.retrying import Patience, backoff_seconds
from storage_core.synapse.presigned import S3Refused, S3Trouble

S3_PATIENCE = Patience(first_wait_seconds=1.0, longest_wait_seconds=60.0, faults=8)
"""Eight tries spread over about two minutes: S3 sheds load for seconds, rarely for longer."""

MOST_SIGNATURES = 2
"""Times a part is signed again. URLs live 15 minutes, so a third refusal has another cause."""


class RestartCause(StrEnum):
    """Why an upload is begun anew; each cause may do so once per copy."""

    SOURCE_CHANGED = "SOURCE_CHANGED"
    UPLOAD_GONE = "UPLOAD_GONE"
    NOT_COMPLETED = "NOT_COMPLETED"


REASON_OF_CAUSE = {
    RestartCause.SOURCE_CHANGED: ReasonCode.SOURCE_CHANGED,
    RestartCause.UPLOAD_GONE: ReasonCode.COPY_INCOMPLETE,
    RestartCause.NOT_COMPLETED: ReasonCode.COPY_INCOMPLETE,
}


_RESTARTS = {
    S3Trouble.SOURCE_CHANGED: RestartCause.SOURCE_CHANGED,
    S3Trouble.NO_SUCH_UPLOAD: RestartCause.UPLOAD_GONE,
}
_REASONS = {
    S3Trouble.NO_SUCH_OBJECT: ReasonCode.SOURCE_UNREADABLE,
    S3Trouble.REFUSED: ReasonCode.REFUSED,
}
# an answer that no S3 gives comes from something in between, and may be gone in a moment
_PASSING = frozenset({S3Trouble.BUSY, S3Trouble.MALFORMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """This upload cannot be finished; another one may."""

    cause: RestartCause
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """No further try makes sense now."""

    reason: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAgain:
    """Send the part once more after a pause."""

    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignAgain:
    """Have the part signed once more, then send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTries:
    """What one part has been through; both numbers only grow, so a part is sent a bounded number of times."""

    busy: int = 0
    signatures: int = 0


NextStep = SendAgain | SignAgain | Restart | GivenUp


def judge_part(refused: S3Refused, tries: PartTries, *, jitter: float, patience: Patience = S3_PATIENCE) -> NextStep:
    """Say what follows on S3's refusal; *jitter*, from 0 to 1, spreads the waits."""
    trouble, detail = refused.trouble, refused.detail
    if trouble in _PASSING and tries.busy + 1 < patience.faults:
        return SendAgain(wait_seconds=backoff_seconds(tries.busy, jitter=jitter, patience=patience))
    if trouble is S3Trouble.EXPIRED and tries.signatures < MOST_SIGNATURES:
        return SignAgain()
    cause = _RESTARTS.get(trouble)
    if cause is not None:
        return Restart(cause=cause, detail=detail)
    return GivenUp(reason=_REASONS.get(trouble, ReasonCode.S3_FAULT), detail=detail)
