"""Messages: who may send what to whom, and how often (contract 11)."""

from datetime import timedelta

import pytest

from sandbox.synapse.messages import MOST_PER_WINDOW
from tests.unit.sandbox.synapse_client import Client

MESSAGE = "/repo/v1/message"


@pytest.fixture
def client() -> Client:
    return Client()


def text(client, *, owner=None, content_type="text/plain; charset=utf-8"):
    """The id of a file that may be a message's text."""
    return client.world.handles.change(client.handle(owner=owner).id, content_type=content_type).id


def message(client, **members):
    body = {"recipients": [client.world.principals.colleague.id], "subject": "done", "fileHandleId": text(client)}
    return {**body, **members}


def test_a_message_is_kept_with_its_sender(client):
    body = message(client)

    answer = client.post(MESSAGE, body)

    assert (201, client.user.id, body["recipients"]) == (
        answer.status,
        answer.json["createdBy"],
        answer.json["recipients"],
    )
    (sent,) = client.world.messages.sent
    assert (answer.json["id"], "done", body["fileHandleId"]) == (sent.id, sent.subject, sent.handle_id)


def test_a_team_may_be_written_to(client):
    team = client.world.principals.add_team(client.world, name="stewards")

    assert 201 == client.post(MESSAGE, message(client, recipients=[team.id])).status


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"recipients": []}, 400),
        ({"recipients": None}, 400),
        ({"recipients": [str(number) for number in range(51)]}, 400),
        ({"recipients": "3412"}, 400),
        ({"recipients": ["1234567"]}, 404),
        ({"fileHandleId": None}, 400),
        ({"fileHandleId": "1"}, 404),
    ],
)
def test_a_message_that_cannot_be_sent_is_refused(client, members, status):
    assert status == client.post(MESSAGE, message(client, **members)).status
    assert [] == client.world.messages.sent


def test_the_text_must_be_the_senders_own_file(client):
    foreign = text(client, owner=client.world.principals.colleague.id)

    assert 403 == client.post(MESSAGE, message(client, fileHandleId=foreign)).status


@pytest.mark.parametrize(("content_type", "status"), [("text/html", 201), ("text/csv", 400), (None, 400)])
def test_the_text_must_be_plain_text_or_html(client, content_type, status):
    assert status == client.post(MESSAGE, message(client, fileHandleId=text(client, content_type=content_type))).status


def test_strangers_send_nothing(client):
    assert 403 == client.by(None).post(MESSAGE, message(client)).status


def test_the_eleventh_message_of_a_minute_is_too_many_and_refused_in_its_own_words(client):
    """Not the throttle's body: this one is an ordinary error (contract 11)."""
    statuses = [client.post(MESSAGE, message(client)).status for _ in range(MOST_PER_WINDOW)]
    refused = client.post(MESSAGE, message(client))

    assert [201] * 10 == statuses
    assert (429, "ErrorResponse") == (refused.status, refused.json["concreteType"].rpartition(".")[2])
    own = text(client, owner=client.world.principals.colleague.id)
    assert 201 == client.colleague().post(MESSAGE, message(client, fileHandleId=own)).status
    client.world.clock.shift += timedelta(seconds=61)
    assert 201 == client.post(MESSAGE, message(client)).status
