"""What every call passes before it is answered: state, size, token, terms, throttles, scopes (contract 0, 1)."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.synapse.app import LARGEST_BODY, StackStatus
from sandbox.synapse.http import Scope
from sandbox.synapse.throttle import Window
from tests.unit.sandbox.synapse_client import PACKAGE, Client, Reply

PROFILE = "/repo/v1/userProfile"
TOO_MANY = b'{"reason": "Too many concurrent requests. Allowed 3 concurrent connections at any time."}\n'
TOO_OFTEN = b'{"reason": "Requests are too frequent. Allowed 600 requests every 60 seconds."}\n'


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def throttled(client: Client) -> Client:
    client.app.throttle.limits.enabled = True
    return client


def together(*calls: Coroutine[Any, Any, Reply]) -> list[Reply]:
    """The replies to calls that are in flight at the same time."""

    async def gathered() -> list[Reply]:
        return list(await asyncio.gather(*calls))

    return asyncio.run(gathered())


def test_without_a_token_the_caller_is_anonymous(client: Client) -> None:
    """Not an error: private things answer 403, public ones are readable."""
    anonymous = client.by(None)
    project = client.project()

    assert "273950" == anonymous.get(PROFILE).json["ownerId"]
    assert 403 == anonymous.get(f"/repo/v1/entity/{project.id}").status
    client.grant(project, "READ", principal_id="273949")
    assert 200 == anonymous.get(f"/repo/v1/entity/{project.id}").status


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer"])
def test_a_bad_token_is_401_with_a_challenge(client: Client, header: str) -> None:
    stranger = client.by(None)
    stranger.headers["authorization"] = header

    refused = stranger.get(PROFILE)

    assert (401, "Invalid access token") == (refused.status, refused.reason)
    assert 'Bearer realm="Synapse Repository Services"' == refused.headers["www-authenticate"]


def test_a_revoked_token_is_401(client: Client) -> None:
    client.world.principals.revoke_token(str(client.token))

    assert 401 == client.get(PROFILE).status


def test_a_missing_scope_is_403_with_a_body_of_its_own(client: Client) -> None:
    """OAuthErrorResponse, not ErrorResponse (contract 1.1)."""
    reader = client.by(client.world.principals.issue_token("3412", scopes=frozenset({Scope.VIEW})))

    refused = reader.post("/repo/v1/entity", {"concreteType": PACKAGE + "Project", "name": "x"})

    assert 403 == refused.status
    assert {
        "concreteType": "org.sagebionetworks.repo.model.OAuthErrorResponse",
        "error": "insufficient_scope",
        "error_description": "Request lacks scope(s) required by this service: modify",
        "reason": "Request lacks scope(s) required by this service: modify",
    } == refused.json
    assert 200 == reader.get(PROFILE).status


def test_unsigned_terms_of_use_refuse_every_call(client: Client) -> None:
    client.world.principals.put(replace(client.user, has_accepted_terms=False))

    assert [403, 403] == [client.get(PROFILE).status, client.get("/file/v1/fileHandle/1").status]


@pytest.mark.parametrize("state", [StackStatus.READ_ONLY, StackStatus.DOWN])
def test_in_maintenance_everything_but_version_and_status_is_503(client: Client, state: StackStatus) -> None:
    """GET included, and before the token is looked at (contract 0.4)."""
    client.app.status, client.app.status_message = state, "Back at noon"

    refused = client.by("a bad token").get(PROFILE)

    assert (503, "Back at noon") == (refused.status, refused.reason)
    assert 200 == client.get("/repo/v1/version").status
    assert {"status": state.value, "currentMessage": "Back at noon"} == client.get("/repo/v1/status").json


def test_version_and_status_are_open_to_everybody(client: Client) -> None:
    assert {"status": "READ_WRITE"} == client.by(None).get("/repo/v1/status").json
    assert {"version": "534.0", "stackInstance": "534"} == client.by(None).get("/repo/v1/version").json


def test_a_body_over_2_mib_is_413(client: Client) -> None:
    refused = client.ask("POST", "/repo/v1/entity/children", raw=b" " * (LARGEST_BODY + 1))

    assert (413, "Request size exceeded maximum number of bytes: 2097152") == (refused.status, refused.reason)
    assert 413 != client.ask("POST", "/repo/v1/entity/children", raw=b" " * LARGEST_BODY).status


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff"])
def test_a_body_that_is_no_json_object_is_400(client: Client, raw: bytes) -> None:
    assert 400 == client.ask("POST", "/repo/v1/entity", raw=raw).status


def test_without_a_charset_the_body_is_read_as_latin_1(client: Client) -> None:
    """Names and texts outside ASCII are damaged then (contract 0.3)."""
    project = client.project()
    body = {"concreteType": PACKAGE + "Folder", "name": "f", "parentId": project.id, "description": "größe"}
    careless = Client(app=client.app, headers={"content-type": "application/json"})
    raw = str(body).replace("'", '"').encode()

    assert "grÃ¶Ã\x9fe" == careless.ask("POST", "/repo/v1/entity", raw=raw).json["description"]
    raw = raw.replace(b'"f"', b'"g"')
    assert "größe" == client.ask("POST", "/repo/v1/entity", raw=raw).json["description"]


def test_unknown_paths_are_404_and_wrong_methods_405(client: Client) -> None:
    assert [404, 404, 405] == [
        client.get("/repo/v1/nonsense").status,
        client.get("/elsewhere").status,
        client.delete("/repo/v1/userProfile").status,
    ]
    assert client.get("/repo/v1/nonsense").json["concreteType"].endswith("ErrorResponse")


def test_a_session_cookie_is_given_to_those_without_one(client: Client) -> None:
    given = client.get(PROFILE).headers["set-cookie"]
    returning = Client(app=client.app, headers={"cookie": f"other=1; {given.partition(';')[0]}"})

    assert given.startswith("sessionID=")
    assert "HttpOnly" in given
    assert "set-cookie" not in returning.get(PROFILE).headers


def test_more_than_3_calls_in_flight_are_refused(throttled: Client) -> None:
    throttled.app.latency.seconds = 0.05
    throttled.world.clock.wait_scale = 1

    replies = together(*(throttled.asked("GET", PROFILE) for _ in range(5)))

    assert [200, 200, 200, 429, 429] == sorted(reply.status for reply in replies)
    refused = next(reply for reply in replies if reply.status == 429)
    assert (TOO_MANY, "application/json") == (refused.body, refused.headers["content-type"])
    assert 4 == throttled.app.traffic.most_in_flight, "a refused call was there too, if only for a moment"


def test_a_slot_is_free_again_after_every_kind_of_answer(throttled: Client) -> None:
    """Also after refusals and failures."""
    for _ in range(10):
        assert 404 == throttled.get("/repo/v1/entity/syn999999").status
        assert 400 == throttled.ask("POST", "/repo/v1/entity", raw=b"{").status


def test_the_601st_call_of_a_window_is_refused_and_not_counted(throttled: Client) -> None:
    """Exactly this body, with its newline, and no Retry-After (contract 1.5)."""
    assert {200} == {throttled.get(PROFILE).status for _ in range(600)}

    refused = [throttled.get(PROFILE) for _ in range(3)]

    assert [429] * 3 == [reply.status for reply in refused]
    assert TOO_OFTEN == refused[0].body
    assert "retry-after" not in refused[0].headers
    assert 3 == throttled.app.traffic.as_json()["throttled"]


def test_the_window_is_fixed_and_begins_anew_in_full(throttled: Client) -> None:
    """It starts at its first call and forgets everything 60 s later."""
    throttled.app.throttle.limits.frequency = Window(calls=2, seconds=60)
    clock = throttled.world.clock
    throttled.get(PROFILE)
    clock.shift += timedelta(seconds=50)
    throttled.get(PROFILE)
    assert 429 == throttled.get(PROFILE).status

    clock.shift += timedelta(seconds=10)

    assert [200, 200, 429] == [throttled.get(PROFILE).status for _ in range(3)]


def test_user_cookie_and_address_each_have_a_budget_of_their_own(throttled: Client) -> None:
    throttled.app.throttle.limits.frequency = Window(calls=1, seconds=60)
    others = [
        throttled.colleague(),
        Client(app=throttled.app, headers={"cookie": "sessionID=abc"}),
        Client(app=throttled.app, address="10.0.0.2"),
        Client(app=throttled.app, headers={"x-forwarded-for": "1.2.3.4"}),
    ]
    throttled.get(PROFILE)
    assert 429 == throttled.get(PROFILE).status

    assert [200] * 4 == [other.get(PROFILE).status for other in others]
    same_forwarded = Client(app=throttled.app, headers={"x-forwarded-for": "1.2.3.4"}, address="10.0.0.3")
    assert 429 == same_forwarded.get(PROFILE).status


def test_auth_calls_anonymous_callers_and_the_administrator_are_not_throttled(throttled: Client) -> None:
    throttled.app.throttle.limits.frequency = Window(calls=0, seconds=60)
    administrator = throttled.by(throttled.world.principals.administrator_token)

    assert 429 == throttled.get("/file/v1/fileHandle/1").status
    assert [200, 200] == [throttled.by(None).get(PROFILE).status, administrator.get(PROFILE).status]
    assert 404 == throttled.get("/auth/v1/personalAccessToken").status


def test_a_per_api_rule_counts_the_normalised_path_and_uses_up_the_general_budget(throttled: Client) -> None:
    limits = throttled.app.throttle.limits
    limits.frequency = Window(calls=3, seconds=60)
    limits.per_api["/entity/#/type"] = Window(calls=1, seconds=60)

    replies = [throttled.get(f"/repo/v1/entity/syn{number}/type") for number in (1, 2, 3, 4)]

    reasons = [reply.reason for reply in replies[1:]]
    assert [404, 429, 429, 429] == [reply.status for reply in replies]
    assert ["API call: /entity/#/type", "API call: /entity/#/type"] == [
        reason[len("Requests are too frequent for ") :].partition(".")[0] for reason in reasons[:2]
    ]
    assert "Requests are too frequent. Allowed 3 requests every 60 seconds." == reasons[2]


def test_an_unforeseen_failure_is_500_and_gives_its_slot_back(
    throttled: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(throttled.world.entities, "require", broken)

    assert [500] * 4 == [throttled.get("/repo/v1/entity/syn1").status for _ in range(4)]
    assert "planted" in caplog.text


def test_calls_are_counted_by_normalised_path_method_and_status(client: Client) -> None:
    client.get("/repo/v1/entity/syn1/version/2")
    client.get("/repo/v1/entity/SYN2/version/7")
    client.get(PROFILE)

    counted = client.app.traffic.as_json()

    assert {"GET /entity/#/version/#": 2, "GET /userprofile": 1} == counted["byCall"]
    assert ({"200": 1, "404": 2}, 3, 0) == (counted["byStatus"], counted["total"], counted["inFlight"])
