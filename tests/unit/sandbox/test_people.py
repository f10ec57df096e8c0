"""Profiles, names and tokens (contract 11)."""

import base64
import json

import pytest

from sandbox.synapse.http import Scope
from sandbox.synapse.principals import Principals
from tests.unit.sandbox.synapse_client import Client


@pytest.fixture
def client() -> Client:
    return Client()


def test_mail_addresses_are_shown_to_their_owner_only(client: Client) -> None:
    assert ["steward@example.org"] == client.get("/repo/v1/userProfile").json["emails"]
    assert ["steward@example.org"] == client.get("/repo/v1/userProfile/3412").json["emails"]
    assert "emails" not in client.colleague().get("/repo/v1/userProfile/3412").json
    assert 404 == client.get("/repo/v1/userProfile/999999").status


def test_a_trailing_slash_does_not_matter(client: Client) -> None:
    """The existing client sends one when it asks for the own profile."""
    assert "3412" == client.get("/repo/v1/userProfile/").json["ownerId"]


def test_names_are_found_by_id_prefix_and_alias(client: Client) -> None:
    by_id = client.get("/repo/v1/userGroupHeaders/batch?ids=3412,273949,999999").json["children"]
    by_prefix = client.get("/repo/v1/userGroupHeaders?prefix=STEW").json["children"]
    by_alias = client.post("/repo/v1/userGroupHeaders/aliases", {"list": ["Colleague", "nobody"]}).json["list"]

    assert [("3412", True), ("273949", False)] == [(found["ownerId"], found["isIndividual"]) for found in by_id]
    assert ["steward"] == [found["userName"] for found in by_prefix]
    assert ["3413"] == [found["ownerId"] for found in by_alias]


def test_pages_of_names_come_to_an_end(client: Client) -> None:
    assert [] == client.get("/repo/v1/userGroupHeaders?prefix=stew&limit=20&offset=1").json["children"]


def test_new_people_get_ids_that_nobody_has(client: Client) -> None:
    principals = client.world.principals
    made = {principals.add_user(client.world, name=f"user{number}").id for number in range(30)}

    assert 30 == len(made - {"3412", "3413"})
    assert made == {
        user_id
        for user_id in made
        if client.by(principals.issue_token(user_id)).get("/repo/v1/userProfile").json["ownerId"] == user_id
    }


def test_tokens_are_the_same_in_every_run_and_tell_their_scopes() -> None:
    """Clients decode the middle part and refuse to start without the view scope."""
    first, second = Principals(), Principals()

    body = first.demo_token.split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(body + "=="))

    assert first.demo_token == second.demo_token
    assert ["download", "modify", "view"] == decoded["access"]["scope"]
    assert first.demo_token != first.issue_token("3412", scopes=frozenset({Scope.VIEW}))


def test_certification_can_be_looked_up(client: Client) -> None:
    uncertified = client.world.principals.add_user(client.world, name="new", is_certified=False)

    assert client.get("/repo/v1/user/3412/certifiedUserPassingRecord").json["passed"]
    assert 404 == client.get(f"/repo/v1/user/{uncertified.id}/certifiedUserPassingRecord").status
