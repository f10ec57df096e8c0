"""Every row of the service's tables: what is sent again, when, how often, and what is raised otherwise."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.plan.retrying import (
    Allowance,
    Attempts,
    CallFacts,
    GiveUp,
    Loss,
    NoAnswer,
    Patience,
    Refused,
    RetryAfter,
    Unreadable,
    Verdict,
    Waits,
    backoff_seconds,
    judge,
)

READ = CallFacts(method="GET", path="/entity/syn1", repeat_safe=True)
CHANGE = CallFacts(method="PUT", path="/entity/syn1", repeat_safe=False)
PATIENCE = Patience()
FIRST = Attempts()


def refused(status, **more):
    return Refused(status=status, reason="because", **more)


def lost(loss):
    return NoAnswer(loss=loss, reason="because")


def verdict_on(failure, *, call=READ, attempts=FIRST, jitter=1.0):
    return judge(call, attempts, failure, patience=PATIENCE, jitter=jitter)


def again(seconds, allowance):
    return RetryAfter(seconds=seconds, allowance=allowance)


def live_through(failure, *, call=READ, attempts=FIRST, jitter=1.0):
    """Repeat until the judge gives up; return the waits and the verdict."""
    waits = []
    while True:
        verdict = verdict_on(failure, call=call, attempts=attempts, jitter=jitter)
        if isinstance(verdict, GiveUp):
            return waits, verdict.verdict
        waits.append(verdict.seconds)
        attempts = attempts.after(verdict)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refused(400), GiveUp(verdict=Verdict.BAD_REQUEST)),
        (refused(401), GiveUp(verdict=Verdict.ACCESS)),
        (refused(403), GiveUp(verdict=Verdict.FORBIDDEN)),
        (refused(403, lacks_scope=True), GiveUp(verdict=Verdict.ACCESS)),
        (refused(403, error_code="USER_CERTIFICATION_REQUIRED"), GiveUp(verdict=Verdict.FORBIDDEN)),
        (refused(404), GiveUp(verdict=Verdict.NOT_FOUND)),
        (refused(405), GiveUp(verdict=Verdict.BAD_REQUEST)),
        (refused(406), GiveUp(verdict=Verdict.BAD_REQUEST)),
        (refused(409), GiveUp(verdict=Verdict.CONFLICT)),
        (refused(410), GiveUp(verdict=Verdict.NOT_FOUND)),
        (refused(412), GiveUp(verdict=Verdict.PRECONDITION_FAILED)),
        (refused(413), GiveUp(verdict=Verdict.BAD_REQUEST)),
        (refused(415), GiveUp(verdict=Verdict.BAD_REQUEST)),
        (refused(423), GiveUp(verdict=Verdict.BAD_REQUEST)),
        (refused(429), again(1.0, Allowance.THROTTLE)),
        (refused(500), again(1.0, Allowance.FAULT)),
        (refused(502), again(1.0, Allowance.FAULT)),
        (refused(503), again(1.0, Allowance.MAINTENANCE)),
        (refused(504), again(1.0, Allowance.FAULT)),
        (refused(599), again(1.0, Allowance.FAULT)),
        (lost(Loss.NOT_SENT), again(1.0, Allowance.UNREACHABLE)),
        (lost(Loss.CUT_OFF), again(1.0, Allowance.FAULT)),
        (lost(Loss.TIMED_OUT), again(1.0, Allowance.FAULT)),
        (Unreadable(status=200, reason="a page"), again(1.0, Allowance.FAULT)),
    ],
)
def test_first_failure_of_a_call_that_may_be_repeated(failure, expected):
    assert expected == verdict_on(failure)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refused(400), GiveUp(verdict=Verdict.BAD_REQUEST)),
        (refused(401), GiveUp(verdict=Verdict.ACCESS)),
        (refused(403), GiveUp(verdict=Verdict.FORBIDDEN)),
        (refused(404), GiveUp(verdict=Verdict.NOT_FOUND)),
        (refused(409), GiveUp(verdict=Verdict.CONFLICT)),
        (refused(412), GiveUp(verdict=Verdict.PRECONDITION_FAILED)),
        (refused(429), again(1.0, Allowance.THROTTLE)),
        (refused(500), GiveUp(verdict=Verdict.ANSWER_LOST)),
        (refused(502), GiveUp(verdict=Verdict.ANSWER_LOST)),
        (refused(503), GiveUp(verdict=Verdict.ANSWER_LOST)),
        (refused(504), GiveUp(verdict=Verdict.ANSWER_LOST)),
        (lost(Loss.NOT_SENT), again(1.0, Allowance.UNREACHABLE)),
        (lost(Loss.CUT_OFF), GiveUp(verdict=Verdict.ANSWER_LOST)),
        (lost(Loss.TIMED_OUT), GiveUp(verdict=Verdict.ANSWER_LOST)),
        (Unreadable(status=200, reason="a page"), GiveUp(verdict=Verdict.ANSWER_LOST)),
    ],
)
def test_first_failure_of_a_call_that_must_not_be_repeated_blindly(failure, expected):
    assert expected == verdict_on(failure, call=CHANGE)


def test_throttling_never_uses_up_what_failures_may_use():
    attempts = Attempts(throttle=Waits(count=500, seconds=3000.0))

    assert again(1.0, Allowance.FAULT) == verdict_on(refused(500), attempts=attempts)
    assert again(60.0, Allowance.THROTTLE) == verdict_on(refused(429), attempts=attempts)


def test_throttle_waits_double_from_one_second_to_a_minute():
    waits, _ = live_through(refused(429))

    assert [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == waits[:8]


def test_faults_are_given_up_after_five_tries():
    assert ([1.0, 2.0, 4.0, 8.0], Verdict.SERVER_FAULT) == live_through(refused(502))


def test_a_deadlock_is_tried_again_soon_and_maintenance_for_two_hours():
    waits, verdict = live_through(refused(503))

    assert 1.0 == waits[0]
    assert 7200 <= sum(waits) < 7260
    assert Verdict.UNAVAILABLE == verdict


def test_nobody_there_is_known_within_a_quarter_of_a_minute():
    waits, verdict = live_through(lost(Loss.NOT_SENT))

    assert sum(waits) <= 16
    assert Verdict.UNAVAILABLE == verdict


def test_a_service_that_answered_before_is_given_ten_minutes_to_come_back():
    waits, verdict = live_through(lost(Loss.NOT_SENT), attempts=Attempts(answered_before=True))

    assert 600 <= sum(waits) < 660
    assert Verdict.UNAVAILABLE == verdict


def test_a_lost_answer_of_one_call_does_not_condemn_the_service():
    assert Verdict.SERVER_FAULT == live_through(lost(Loss.TIMED_OUT))[1]


def test_what_is_no_synapse_is_asked_twice():
    assert ([1.0], Verdict.UNAVAILABLE) == live_through(Unreadable(status=200, reason="a page"))


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_every_wait_is_between_half_and_all_of_the_plan(waits_before, jitter):
    wait = backoff_seconds(waits_before, jitter=jitter, patience=PATIENCE)
    plan = min(60.0, 2.0 ** min(waits_before, 30))

    assert plan / 2 <= wait <= plan


@given(
    st.integers(400, 599),
    st.booleans(),
    st.integers(0, 50),
    st.floats(0, 1),
)
def test_only_what_synapse_surely_did_not_do_is_repeated_when_repeating_may_harm(status, answered, faults, jitter):
    attempts = Attempts(answered_before=answered, fault=Waits(count=faults, seconds=float(faults)))

    verdict = verdict_on(refused(status), call=CHANGE, attempts=attempts, jitter=jitter)

    assert isinstance(verdict, RetryAfter) == (status == 429)


@pytest.mark.parametrize("failure", [refused(500), refused(502), lost(Loss.TIMED_OUT), lost(Loss.CUT_OFF)])
def test_a_call_that_leaves_something_each_time_is_not_sent_again_after_a_fault(failure):
    """It waits for a read-only window to end, in which nothing is done."""
    register = replace(CHANGE, repeat_safe=True, faults_at_most=1)

    assert isinstance(verdict_on(failure, call=replace(CHANGE, repeat_safe=True)), RetryAfter)
    assert GiveUp(verdict=Verdict.SERVER_FAULT) == verdict_on(failure, call=register)
    assert isinstance(verdict_on(refused(503), call=register), RetryAfter)


def test_tries_are_counted_over_all_allowances():
    attempts = FIRST
    for failure in (refused(429), refused(503), refused(500), lost(Loss.NOT_SENT)):
        verdict = verdict_on(failure, attempts=attempts)
        assert isinstance(verdict, RetryAfter)
        attempts = attempts.after(verdict)

    assert 5 == attempts.tries
