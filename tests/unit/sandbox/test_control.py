"""The controls under /sandbox: they look and turn screws, and are neither counted nor throttled."""

from typing import Any

import pytest

from sandbox.synapse.entities import Entity
from tests.unit.sandbox.synapse_client import MD5_A, Client

PROFILE = "/repo/v1/userProfile"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def file(client: Client) -> Entity:
    return client.file(client.project())


def test_health_counts_what_is_there(client: Client, file: Entity) -> None:
    assert {"status": "ok", "entities": 2, "handles": 1} == client.get("/sandbox/health").json


def test_controls_need_no_token_and_are_not_counted(client: Client) -> None:
    client.get(PROFILE)

    assert 1 == client.by("a bad token").get("/sandbox/calls").json["total"]
    assert 1 == client.get("/sandbox/calls").json["total"]


def test_counters_can_be_reset(client: Client) -> None:
    client.get(PROFILE)

    assert 0 == client.post("/sandbox/calls/reset").json["total"]
    assert [] == client.get("/sandbox/log").json["calls"]


def test_the_log_tells_who_asked_what(client: Client) -> None:
    client.colleague().get(f"{PROFILE}?x=1")

    assert [{"method": "GET", "path": f"{PROFILE}?x=1", "userId": "3413", "status": 200}] == client.get(
        "/sandbox/log"
    ).json["calls"]


def test_the_state_shows_everything_that_a_migration_may_change(client: Client, file: Entity) -> None:
    """Versions with handles, etags and dates; access lists and settings; handles; objects with size and MD5."""
    state = client.get("/sandbox/state").json

    shown = state["entities"][file.id]
    assert (file.etag, file.parent_id) == (shown["etag"], shown["parentId"])
    assert [(1, file.current.handle_id, file.current.modified_on)] == [
        (version["number"], version["handleId"], version["modifiedOn"]) for version in shown["versions"]
    ]
    assert MD5_A == state["handles"][str(file.current.handle_id)]["contentMd5"]
    assert {"size": 1, "md5": MD5_A, "etag": MD5_A, "isVirtual": False}.items() <= (
        state["objects"]["proddata.sagebase.org"]["3412/x/a.csv"].items()
    )
    assert "READ" in state["entities"][file.parent_id]["acl"]["resourceAccess"][0]["accessType"]
    assert "1" in state["locations"]


def test_faults_are_planted_and_cleared(client: Client) -> None:
    rules = {"rules": [{"kind": "status-before", "status": 500}, {"kind": "status-before", "status": 502}]}

    assert [0, 0] == [rule["struck"] for rule in client.post("/sandbox/faults", rules).json["rules"]]
    assert [500, 502, 200] == [client.get(PROFILE).status for _ in range(3)]
    assert [1, 1] == [rule["struck"] for rule in client.get("/sandbox/faults").json["rules"]]
    assert [] == client.delete("/sandbox/faults").json["rules"]


def test_the_clock_can_be_moved(client: Client) -> None:
    before = client.world.clock.now()

    client.post("/sandbox/clock", {"shiftSeconds": 86400, "waitScale": 0.5})

    assert (client.world.clock.now() - before).total_seconds() >= 86400
    assert 0.5 == client.world.clock.wait_scale


def test_limits_can_be_lowered_while_running(client: Client) -> None:
    client.post("/sandbox/throttle", {"enabled": True, "calls": 1, "seconds": 30})

    assert [200, 429] == [client.get(PROFILE).status for _ in range(2)]
    reason = client.get(PROFILE).reason
    assert "Requests are too frequent. Allowed 1 requests every 30 seconds." == reason
    client.post("/sandbox/throttle", {"calls": 600, "perApi": {"/userprofile": {"calls": 1, "seconds": 60}}})
    assert [200, 429] == [client.get(PROFILE).status for _ in range(2)]


def test_maintenance_can_be_declared(client: Client) -> None:
    client.post("/sandbox/stack-status", {"status": "READ_ONLY", "message": "Back soon"})
    assert "Back soon" == client.get(PROFILE).reason

    client.post("/sandbox/stack-status", {"status": "READ_WRITE"})

    assert 200 == client.get(PROFILE).status


def test_latency_can_be_set_for_all_and_for_single_calls(client: Client) -> None:
    answer = client.post(
        "/sandbox/latency", {"seconds": 0.2, "byCall": {"GET /userprofile": 0.5}, "copyBytesPerSecond": 1e9}
    ).json

    latency = client.app.latency
    assert (0.5, 0.2) == (latency.of("GET", "/userprofile"), latency.of("PUT", "/userprofile"))
    assert 1e9 == answer["copyBytesPerSecond"] == client.world.objects.copy_bytes_per_second


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/sandbox/faults", {"kind": "nonsense"}),
        ("/sandbox/stack-status", {"status": "ASLEEP"}),
        ("/sandbox/clock", {"shiftSeconds": "soon"}),
        ("/sandbox/throttle", {"perApi": {"/x": {}}}),
    ],
)
def test_what_is_not_understood_is_400_with_a_reason(client: Client, address: str, body: dict[str, Any]) -> None:
    refused = client.post(address, body)

    assert 400 == refused.status
    assert "not understood" in refused.reason


def test_unknown_controls_are_404(client: Client) -> None:
    assert 404 == client.get("/sandbox/nonsense").status
