"""Every call is found at its documented path, and by no other."""

import pytest

from sandbox.synapse.catalogue import all_routes
from sandbox.synapse.http import Answer, Base, Call, Refused, Route
from sandbox.synapse.routing import Routes, normalised
from sandbox.synapse.world import World


def _answer(_world: World, _call: Call) -> Answer:
    return Answer()


def route(method: str, template: str) -> Route:
    return Route(base=Base.REPO, method=method, template=template, handler=_answer)


@pytest.mark.parametrize("known", all_routes(), ids=lambda known: f"{known.method} {known.base}{known.template}")
def test_every_call_is_found_at_its_own_path(known: Route) -> None:
    """As documented, with the values of its segments; the trie agrees with the plain pattern."""
    path = str(known.base) + known.template.replace("{", "value-of-").replace("}", "")
    match = known.pattern().fullmatch(path)
    assert match is not None

    found, values = Routes(all_routes()).find(known.method, path)

    assert known is found
    assert match.groupdict() == values


def test_a_word_wins_over_a_placeholder_and_falls_back_to_it() -> None:
    routes = Routes([route("GET", "/entity/{id}/type"), route("GET", "/entity/md5/{md5}")])

    assert {"md5": "type"} == routes.find("GET", "/repo/v1/entity/md5/type")[1]
    routes = Routes([route("GET", "/entity/{id}/type"), route("GET", "/entity/md5/{md5}/x")])
    assert {"id": "md5"} == routes.find("GET", "/repo/v1/entity/md5/type")[1]


@pytest.mark.parametrize("path", ["/repo/v1/entity", "/repo/v1/entity/1/type/2", "/file/v1/entity/1/type", "/", ""])
def test_unknown_paths_are_404(path: str) -> None:
    with pytest.raises(Refused) as refused:
        Routes([route("GET", "/entity/{id}/type")]).find("GET", path)

    assert 404 == refused.value.status


def test_a_known_path_with_another_method_is_405() -> None:
    with pytest.raises(Refused) as refused:
        Routes([route("GET", "/entity/{id}")]).find("DELETE", "/repo/v1/entity/1")

    assert 405 == refused.value.status


def test_two_handlers_for_one_call_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two handlers"):
        Routes([route("GET", "/entity/{id}"), route("GET", "/entity/{entity_id}")])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/repo/v1/entity/syn123/version/4/fileHandle", "/entity/#/version/#/filehandle"),
        ("/file/v1/fileHandle/90017", "/filehandle/#"),
        ("/repo/v1/entity/123/acl", "/entity/#/acl"),
        ("/repo/v1/entity/md5/5d41402abc4b", "/entity/md5/5d41402abc4b"),
        ("/elsewhere/12", "/elsewhere/#"),
    ],
)
def test_paths_are_normalised_as_the_throttle_does(path: str, expected: str) -> None:
    assert expected == normalised(path)
