"""engines/part_troubles.py: every refusal of S3 has its answer, and no part is sent for ever."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.engines.part_troubles import (
    S3_PATIENCE,
    GivenUp,
    PartTries,
    Restart,
    RestartCause,
    SendAgain,
    SignAgain,
    judge_part,
)
from storage_core.model.items import ReasonCode
from storage_core.synapse.presigned import S3Refused, S3Trouble


def judged(trouble: S3Trouble, tries: PartTries | None = None):
    return judge_part(S3Refused(trouble=trouble, detail="why"), tries or PartTries(), jitter=1.0)


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (S3Trouble.BUSY, SendAgain(wait_seconds=1.0)),
        (S3Trouble.MALFORMED, SendAgain(wait_seconds=1.0)),
        (S3Trouble.EXPIRED, SignAgain()),
        (S3Trouble.SOURCE_CHANGED, Restart(cause=RestartCause.SOURCE_CHANGED, detail="why")),
        (S3Trouble.NO_SUCH_UPLOAD, Restart(cause=RestartCause.UPLOAD_GONE, detail="why")),
        (S3Trouble.NO_SUCH_OBJECT, GivenUp(reason=ReasonCode.SOURCE_UNREADABLE, detail="why")),
        (S3Trouble.REFUSED, GivenUp(reason=ReasonCode.REFUSED, detail="why")),
    ],
)
def test_each_trouble_has_its_answer(trouble, expected):
    assert expected == judged(trouble)


def test_the_answers_cover_all_troubles():
    assert all(judged(trouble) is not None for trouble in S3Trouble)


def test_a_third_refused_url_has_another_cause():
    assert GivenUp(reason=ReasonCode.S3_FAULT, detail="why") == judged(S3Trouble.EXPIRED, PartTries(signatures=2))


@given(st.lists(st.sampled_from(S3Trouble), min_size=20, max_size=20))
def test_no_sequence_of_troubles_keeps_a_part_going_for_ever(troubles):
    tries = PartTries()
    sent = 0
    for trouble in troubles:
        sent += 1
        match judged(trouble, tries):
            case SendAgain():
                tries = replace(tries, busy=tries.busy + 1)
            case SignAgain():
                tries = replace(tries, signatures=tries.signatures + 1)
            case Restart() | GivenUp():
                break

    assert sent <= S3_PATIENCE.faults + 2
