"""Wikis in the sandbox, as a reader of their attachments meets them."""

import pytest

from sandbox.synapse.entities import Entity
from tests.unit.sandbox.synapse_client import Client

ENTITY = "/repo/v1/entity"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def project(client: Client) -> Entity:
    return client.project()


def test_an_entity_without_a_wiki_is_404_and_one_with_a_wiki_shows_its_tree(client: Client, project: Entity) -> None:
    assert 404 == client.get(f"{ENTITY}/{project.id}/wikiheadertree2").status
    first = client.world.wikis.add(client.world, project.id, "home", ())
    below = client.world.wikis.add(client.world, project.id, "methods", ())

    tree = client.get(f"{ENTITY}/{project.id}/wikiheadertree2?offset=0&limit=50").json

    assert 2 == tree["totalNumberOfResults"]
    assert [(first.id, None), (below.id, first.id)] == [(one["id"], one.get("parentId")) for one in tree["results"]]


def test_only_those_who_may_read_the_entity_see_its_attachments(client: Client, project: Entity) -> None:
    page = client.world.wikis.add(client.world, project.id, "home", ())
    address = f"{ENTITY}/{project.id}/wiki2/{page.id}/attachmenthandles"

    assert {"list": []} == client.get(address).json
    assert 403 == client.colleague().get(address).status
    assert 404 == client.get(f"{ENTITY}/{project.id}/wiki2/999/attachmenthandles").status
