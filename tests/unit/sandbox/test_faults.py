"""Planted faults: which calls are struck, and whether their work is done all the same."""

import asyncio

import pytest

from sandbox.faults import FaultKind, FaultRule, Faults
from sandbox.synapse.entities import Entity
from tests.unit.sandbox.synapse_client import Client, Reply


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def file(client: Client) -> Entity:
    return client.file(client.project())


def swap(client: Client, file: Entity, new_id: str) -> Reply:
    body = {"oldFileHandleId": file.current.handle_id, "newFileHandleId": new_id}
    return client.put(f"/repo/v1/entity/{file.id}/version/1/filehandle", body)


def struck(rule: FaultRule, calls: int) -> list[bool]:
    return [rule.strikes("GET", "/repo/v1/x") for _ in range(calls)]


def test_a_rule_skips_and_then_strikes_a_number_of_calls() -> None:
    rule = FaultRule(kind=FaultKind.STATUS_BEFORE, skip=2, times=2)

    assert [False, False, True, True, False, False] == struck(rule, 6)
    assert (6, 2) == (rule.seen, rule.struck)


def test_a_rule_without_a_number_strikes_for_ever() -> None:
    assert [True] * 4 == struck(FaultRule(kind=FaultKind.STATUS_BEFORE, times=None), 4)


def test_a_rule_counts_only_its_own_method_and_path() -> None:
    rule = FaultRule(kind=FaultKind.STATUS_BEFORE, method="put", path=r"/filehandle$")

    assert not rule.strikes("GET", "/repo/v1/entity/syn1/version/1/filehandle")
    assert not rule.strikes("PUT", "/repo/v1/entity/syn1")
    assert rule.strikes("PUT", "/repo/v1/entity/syn1/version/1/filehandle")


def test_the_first_rule_that_strikes_wins() -> None:
    faults = Faults()
    faults.add(FaultRule(kind=FaultKind.DELAY, skip=1, times=1))
    faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, times=1))

    kinds = [rule.kind if (rule := faults.striking("GET", "/")) else None for _ in range(3)]

    assert [FaultKind.STATUS_BEFORE, FaultKind.DELAY, None] == kinds


def test_a_rule_survives_json_and_what_is_not_understood_is_refused() -> None:
    rule = FaultRule.from_json({"kind": "status-after", "delaySeconds": 2, "status": 504, "path": "x", "times": None})

    assert (FaultKind.STATUS_AFTER, 2, 504, None) == (rule.kind, rule.delay_seconds, rule.status, rule.times)
    assert rule.as_json().items() >= {"kind": "status-after", "delaySeconds": 2, "seen": 0}.items()
    with pytest.raises(ValueError, match="colour"):
        FaultRule.from_json({"kind": "delay", "colour": "red"})
    with pytest.raises(ValueError, match="kind"):
        FaultRule.from_json({"path": "x"})


def test_a_refusal_before_the_work_leaves_everything_as_it_was(client: Client, file: Entity) -> None:
    new_id, old_id = client.handle().id, file.current.handle_id
    client.app.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, path="/filehandle$", status=503))

    refused = swap(client, file, new_id)

    assert (503, True) == (refused.status, refused.json["concreteType"].endswith(".ErrorResponse"))
    assert old_id == file.current.handle_id
    assert 200 == swap(client, file, new_id).status


def test_a_lost_answer_hides_work_that_was_done(client: Client, file: Entity) -> None:
    """The hazard of contract 13.6: the repeat finds its own success and gets 412."""
    new_id, old_id = client.handle().id, file.current.handle_id
    client.app.faults.add(FaultRule(kind=FaultKind.STATUS_AFTER, path="/filehandle$", status=504))

    assert 504 == swap(client, file, new_id).status

    assert new_id == file.current.handle_id
    body = {"oldFileHandleId": old_id, "newFileHandleId": new_id}
    assert 412 == client.put(f"/repo/v1/entity/{file.id}/version/1/filehandle", body).status


@pytest.mark.parametrize(("kind", "is_done"), [(FaultKind.DROP_BEFORE, False), (FaultKind.DROP_AFTER, True)])
def test_a_cut_connection_says_nothing_about_the_work(
    client: Client, file: Entity, kind: FaultKind, *, is_done: bool
) -> None:
    new_id = client.handle().id
    client.app.faults.add(FaultRule(kind=kind))

    reply = swap(client, file, new_id)

    assert reply.was_cut
    assert is_done == (new_id == file.current.handle_id)
    assert 0 == client.app.traffic.log[-1].status


def test_a_load_balancer_answers_in_html(client: Client) -> None:
    client.app.faults.add(
        FaultRule(kind=FaultKind.STATUS_BEFORE, status=502, body="<html>Bad gateway</html>", content_type="text/html")
    )

    reply = client.get("/repo/v1/userProfile")

    assert (502, b"<html>Bad gateway</html>", "text/html") == (reply.status, reply.body, reply.headers["content-type"])


def test_a_delay_only_delays(client: Client) -> None:
    client.world.clock.wait_scale = 1
    client.app.faults.add(FaultRule(kind=FaultKind.DELAY, delay_seconds=0.05))

    async def timed() -> tuple[Reply, float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        reply = await client.asked("GET", "/repo/v1/userProfile")
        return reply, loop.time() - started

    reply, seconds = asyncio.run(timed())

    assert 200 == reply.status
    assert seconds >= 0.05
