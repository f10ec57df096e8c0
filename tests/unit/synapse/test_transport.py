"""The one way to Synapse: errors, repeats, secrets and counts."""

import logging

import httpx
import pytest

from storage_core.errors import (
    AccessError,
    AnswerLost,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    ServerFault,
    ServiceUnavailable,
)
from storage_core.synapse.calls import Base, RestCall, Shape

READ = RestCall(method="GET", path="/entity/syn7", repeat_safe=True)
CHANGE = RestCall(method="PUT", path="/entity/syn7", repeat_safe=False, body={"name": "é"})
TOKEN = "steward-token-1234567890"
SIGNED = (
    "https://bucket.s3.amazonaws.com/key/a.csv?X-Amz-Credential=AKIAABCDEFGHIJKLMNOP%2F2026"
    "&X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE&X-Amz-Signature=5f3c9e"
)


def refusal(status, reason="no", **more):
    return httpx.Response(status, json={"concreteType": "ErrorResponse", "reason": reason, **more})


def good(**body):
    return httpx.Response(200, json=body)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequest),
        (401, AccessError),
        (403, Forbidden),
        (404, NotFound),
        (405, BadRequest),
        (406, BadRequest),
        (409, Conflict),
        (410, NotFound),
        (412, PreconditionFailed),
        (413, BadRequest),
        (415, BadRequest),
        (423, BadRequest),
    ],
)
def test_a_refusal_is_raised_at_once_as_its_own_error(lab, status, error):
    lab.answers = [refusal(status, "because", errorCode="CODE")]

    with pytest.raises(error) as caught:
        lab.run(lab.transport.send(READ))

    assert type(caught.value) is error
    assert "because" in str(caught.value)
    assert len(lab.requests) == 1


def test_a_refusal_carries_call_status_reason_and_code(lab):
    lab.answers = [refusal(403, "not certified", errorCode="USER_CERTIFICATION_REQUIRED")]

    with pytest.raises(Forbidden) as caught:
        lab.run(lab.transport.send(READ))

    error = caught.value
    assert (error.call, error.status, error.reason, error.error_code) == (
        "GET /entity/syn7",
        403,
        "not certified",
        "USER_CERTIFICATION_REQUIRED",
    )


def test_a_missing_scope_is_an_access_error_that_names_it(lab):
    said = "Request lacks scope(s) required by this service: modify"
    lab.answers = [refusal(403, said, error="insufficient_scope", error_description=said)]

    with pytest.raises(AccessError, match="modify"):
        lab.run(lab.transport.send(READ))


def test_a_throttled_call_waits_as_often_as_needed_and_a_change_does_so_too(lab):
    throttle = httpx.Response(429, json={"reason": "Requests are too frequent. Allowed 600 requests every 60 seconds."})
    lab.answers = [throttle] * 12 + [good(id="syn7")]

    answer = lab.run(lab.transport.send(CHANGE))

    assert answer.body == {"id": "syn7"}
    assert len(lab.clock.waits) == 12
    assert lab.clock.waits[0] <= 1.0
    assert 30.0 <= lab.clock.waits[-1] <= 60.0
    assert lab.transport.calls.throttled == 12
    assert lab.limiter.slowed == 0


def test_too_many_concurrent_calls_lower_our_concurrency(lab):
    reason = "Too many concurrent requests. Allowed 3 concurrent connections at any time."
    lab.answers = [httpx.Response(429, json={"reason": reason}), good()]

    lab.run(lab.transport.send(READ))

    assert lab.limiter.slowed == 1


def test_an_hour_of_maintenance_is_waited_out(lab):
    lab.answers = [refusal(503, "Synapse is down for maintenance")] * 80 + [good(id="syn7")]

    lab.run(lab.transport.send(READ))

    assert sum(lab.clock.waits) > 3000


def test_maintenance_without_end_becomes_unavailable(lab):
    lab.answer = lambda _request: refusal(503, "Synapse is read-only")

    with pytest.raises(ServiceUnavailable, match="read-only"):
        lab.run(lab.transport.send(READ))

    assert 7200 <= sum(lab.clock.waits) <= 7300


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_fault_is_tried_a_few_times(lab, status):
    lab.answer = lambda _request: refusal(status, "oops")

    with pytest.raises(ServerFault) as caught:
        lab.run(lab.transport.send(READ))

    assert caught.value.status == status
    assert len(lab.requests) == 5


@pytest.mark.parametrize("trouble", [refusal(500), refusal(503), refusal(504), httpx.ReadError("reset")])
def test_a_change_whose_answer_is_lost_is_not_sent_again(lab, trouble):
    lab.answers = [trouble]

    with pytest.raises(AnswerLost):
        lab.run(lab.transport.send(CHANGE))

    assert len(lab.requests) == 1


def test_a_read_whose_answer_is_lost_is_sent_again(lab):
    lab.answers = [httpx.RemoteProtocolError("cut"), httpx.ReadTimeout("slow"), good(id="syn7")]

    assert lab.run(lab.transport.send(READ)).body == {"id": "syn7"}


def test_what_was_never_sent_may_be_sent_again_even_if_it_is_a_change(lab):
    lab.answers = [httpx.ConnectError("refused"), good(id="syn7")]

    assert lab.run(lab.transport.send(CHANGE)).body == {"id": "syn7"}


def test_an_address_where_nobody_listens_is_given_up_soon_and_named(lab):
    def refuse(_request):
        raise httpx.ConnectError("Connection refused")

    lab.answer = refuse

    with pytest.raises(ServiceUnavailable) as caught:
        lab.run(lab.transport.send(READ))

    assert "https://synapse.test/repo/v1" in str(caught.value)
    assert "SYNAPSE_REPO_ENDPOINT" in caught.value.fix
    assert 8 <= sum(lab.clock.waits) <= 20


def test_an_address_that_answered_before_is_given_more_time(lab):
    def refuse(_request):
        raise httpx.ConnectError("Connection refused")

    lab.answers = [good()]
    lab.run(lab.transport.send(READ))
    lab.answer = refuse

    with pytest.raises(ServiceUnavailable):
        lab.run(lab.transport.send(READ))

    assert sum(lab.clock.waits) > 300


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html><body>Welcome to nginx</body></html>"),
        httpx.Response(200, content=b""),
        httpx.Response(200, json=["a", "list"]),
        httpx.Response(200, content=b'{"cut": '),
        httpx.Response(404, html="<h1>Not Found</h1>"),
        httpx.Response(302, headers={"location": "https://login.test/?token=abc"}),
    ],
)
def test_something_that_is_no_synapse_is_named_with_what_to_check(lab, answer):
    lab.answer = lambda _request: answer

    with pytest.raises(ServiceUnavailable) as caught:
        lab.run(lab.transport.send(READ))

    assert "https://synapse.test/repo/v1 does not answer like Synapse" in str(caught.value)
    assert "Is SYNAPSE_REPO_ENDPOINT a full base such as https://…/repo/v1?" in caught.value.fix
    assert len(lab.requests) == 2


def test_a_page_of_a_load_balancer_is_judged_by_its_status(lab):
    page = httpx.Response(502, html="<html>Bad Gateway</html>")
    lab.answers = [page, page, good(id="syn7")]

    assert lab.run(lab.transport.send(READ)).body == {"id": "syn7"}


def test_an_empty_answer_is_good_where_nothing_is_due(lab):
    lab.answers = [httpx.Response(200), httpx.Response(204)]
    call = RestCall(method="PUT", path="/x", repeat_safe=True, shape=Shape.OBJECT_OR_NOTHING)

    assert lab.run(lab.transport.send(call)).body == {}
    assert lab.run(lab.transport.send(call)).status == 204


def test_each_base_has_its_own_address(lab):
    lab.answer = lambda _request: good()

    for base in Base:
        lab.run(lab.transport.send(RestCall(method="GET", base=base, path="/x", repeat_safe=True)))

    assert [str(request.url) for request in lab.requests] == [
        f"https://synapse.test/{base}/v1/x" for base in ("repo", "file", "auth")
    ]


def test_the_body_is_utf8_and_says_so_and_the_token_goes_along(lab):
    lab.answers = [good()]

    lab.run(lab.transport.send(CHANGE))

    request = lab.requests[0]
    assert request.headers["content-type"] == "application/json; charset=UTF-8"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["accept"] == "application/json"
    assert request.content.decode("utf-8") == '{"name":"\\u00e9"}'


def test_no_cookie_is_ever_sent_back(lab):
    """A kept session cookie would give every process a budget of its own."""
    lab.answer = lambda _request: httpx.Response(
        200, json={}, headers={"set-cookie": "sessionID=abc; Path=/; HttpOnly"}
    )

    for _ in range(3):
        lab.run(lab.transport.send(READ))

    assert [request.headers.get("cookie") for request in lab.requests] == [None, None, None]


def test_no_slot_is_held_while_waiting(lab):
    inside = []
    patient_sleep = lab.clock.sleep

    async def look(seconds):
        inside.append(lab.limiter.inside)
        await patient_sleep(seconds)

    lab.transport._clock.sleep = look
    lab.answers = [refusal(500), refusal(503), httpx.Response(429, json={"reason": "later"}), good()]

    lab.run(lab.transport.send(READ))

    assert inside == [0, 0, 0]


def test_calls_are_counted_by_family_and_repeats_count(lab):
    lab.answers = [refusal(500), good(), good(), good()]
    for path in ("/entity/syn7", "/entity/syn8", "/entity/syn8/version/3/bundle2"):
        lab.run(lab.transport.send(RestCall(method="GET", path=path, repeat_safe=True)))

    totals = lab.transport.calls.totals()

    assert totals.total == 4
    assert totals.by_family == (("GET /entity/#", 3), ("GET /entity/#/version/#/bundle2", 1))


def test_no_secret_reaches_a_message_or_a_log(lab, caplog):
    """The service echoes the token, a presigned address and temporary keys; nobody gets to read them."""
    keys = '{"accessKeyId":"ASIAABCDEFGHIJKLMNOP","secretAccessKey":"wJalrXUtn","sessionToken":"IQoJb3Jp"}'
    reason = f"bad {TOKEN} at {SIGNED} with {keys} and Bearer eyJhbGciOi.eyJzdWIi.c2ln"
    lab.answers = [
        httpx.Response(307, headers={"location": SIGNED}),
        refusal(500, reason),
        httpx.ReadError(f"reading {SIGNED} with {TOKEN}"),
        refusal(403, reason),
    ]

    with caplog.at_level(logging.DEBUG), pytest.raises(Forbidden) as caught:
        lab.run(
            lab.transport.send(
                RestCall(method="GET", path="/x", repeat_safe=True, query=(("token", "planted-query-secret"),))
            )
        )
    shown = f"{caught.value} {caught.value!r} {caplog.text}"

    assert "bad ***" in shown
    for secret in (
        TOKEN,
        "5f3c9e",
        "FwoGZXI",
        "AKIAABC",
        "ASIAABC",
        "wJalrXUtn",
        "IQoJb3Jp",
        "eyJhbG",
        "planted-query",
    ):
        assert secret not in shown


def test_one_line_is_logged_per_try(lab, caplog):
    lab.answers = [refusal(500), good()]

    with caplog.at_level(logging.DEBUG, logger="storage_core.synapse"):
        lab.run(lab.transport.send(READ))

    tries = [record.getMessage() for record in caplog.records if " -> " in record.getMessage()]
    assert ["GET /entity/syn7 -> 500", "GET /entity/syn7 -> 200"] == [line.split(" in ")[0] for line in tries]
