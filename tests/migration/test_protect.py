"""`migrate --protect`: others can only look while files move; afterwards every access list is what it was."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import migrate_words, run, snapshot
from test_kill import kill_after

from sandbox.server import Sandbox
from sandbox.synapse.access import ALL_RIGHTS

CAN_EDIT = frozenset({"READ", "DOWNLOAD", "CREATE", "UPDATE"})


@pytest.fixture
def shared(start_sandbox) -> Sandbox:
    """The sample project, which a colleague may edit, with a folder that has an access list of its own."""
    sandbox = start_sandbox(scenario="demo")
    world, people = sandbox.world, sandbox.world.principals
    me, colleague = int(people.demo.id), int(people.colleague.id)
    world.access.put(world, sandbox.facts.root_id, {me: ALL_RIGHTS, colleague: CAN_EDIT})
    folder = next(one for one in world.entities.children_of(sandbox.facts.root_id) if one.kind.value == "folder")
    world.access.put(world, folder.id, {me: ALL_RIGHTS, colleague: ALL_RIGHTS})
    return sandbox


def lists(sandbox: Sandbox) -> dict[str, Any]:
    """Who may do what, of every entity with a list of its own."""
    entities = sandbox.world.entities.all()
    own = {one.id: sandbox.world.access.own_acl(one.id) for one in entities}
    return {entity_id: acl.rights for entity_id, acl in own.items() if acl is not None}


def colleague_may(sandbox: Sandbox, right: str) -> set[bool]:
    """Whether the colleague has the right, over all containers with a list of their own."""
    world = sandbox.world
    return {world.access.may(world, world.principals.colleague, one, right) for one in lists(sandbox)}


def test_lists_are_changed_before_the_first_write_and_put_back_after_the_last(shared, tmp_path):
    before = lists(shared)

    done = run(shared, tmp_path, migrate_words(shared, tmp_path / "m.duckdb", "latest", "--protect", "--json"))

    assert 0 == done.returncode, done.stderr
    assert before == lists(shared)
    assert json.loads(done.stdout)["items"]["by_status"]["MIGRATED"] > 20
    written = [
        "acl" if one.path.endswith("/acl") else "other"
        for one in shared.app.traffic.log
        if one.method in {"PUT", "DELETE"}
        or "/file/multipart" in one.path
        or ("/acl" in one.path and one.method != "GET")
    ]
    assert ["acl"] * 2 == written[:2] == written[-2:]
    assert 4 == written.count("acl")
    assert len(written) > 60


def killed_while_protected(sandbox: Sandbox, home: Path) -> None:
    """A migration that died after it had protected the project."""
    words = migrate_words(sandbox, home / "m.duckdb", "latest", "--protect")
    assert kill_after(sandbox, home, words, calls=75, pause=0)
    assert colleague_may(sandbox, "UPDATE") == {False}
    assert colleague_may(sandbox, "READ") == {True}


def test_after_a_kill_a_command_puts_everything_back(shared, tmp_path):
    before = lists(shared)
    killed_while_protected(shared, tmp_path)

    done = run(shared, tmp_path, ["unprotect", str(tmp_path / "m.duckdb"), "--json"])

    assert 0 == done.returncode, done.stderr
    assert before == lists(shared)
    assert set(before) == set(json.loads(done.stdout)["lifted"])
    again = run(shared, tmp_path, ["unprotect", str(tmp_path / "m.duckdb")])
    assert "Nothing of this index is protected." in again.stdout


def test_after_a_kill_the_next_run_puts_everything_back_whether_it_protects_or_not(shared, tmp_path):
    before = lists(shared)
    killed_while_protected(shared, tmp_path)

    done = run(shared, tmp_path, migrate_words(shared, tmp_path / "m.duckdb", "latest"))

    assert 0 == done.returncode, done.stderr
    assert before == lists(shared)


def test_what_somebody_changed_meanwhile_stays_and_is_said(shared, tmp_path):
    root, world = shared.facts.root_id, shared.world
    killed_while_protected(shared, tmp_path)
    theirs = {**world.access.own_acl(root).rights, 273948: frozenset({"READ"})}
    world.access.put(world, root, theirs)

    done = run(shared, tmp_path, ["unprotect", str(tmp_path / "m.duckdb")])

    assert 0 == done.returncode
    assert theirs == lists(shared)[root]
    assert "left as somebody made it meanwhile" in done.stderr
    assert "CREATE, DOWNLOAD, READ, UPDATE" in done.stderr


def test_a_run_that_fails_puts_everything_back(shared, tmp_path):
    """The first failure stops the run: a source object is gone."""
    before, world = lists(shared), shared.world
    handle = world.handles.require(world.entities.require(shared.facts.landmarks["readme"]).current.handle_id)
    world.objects.delete(handle.bucket, handle.key)

    done = run(shared, tmp_path, migrate_words(shared, tmp_path / "m.duckdb", "latest", "--protect"))

    assert 1 == done.returncode, done.stderr
    assert before == lists(shared)


def test_who_may_not_share_the_project_is_refused_before_anything_is_written(shared, tmp_path):
    world, me = shared.world, int(shared.world.principals.demo.id)
    world.access.put(world, shared.facts.root_id, {me: CAN_EDIT})
    before = snapshot(shared)

    done = run(shared, tmp_path, migrate_words(shared, tmp_path / "m.duckdb", "latest", "--protect"))

    assert 3 == done.returncode
    assert "may not change the permissions" in done.stderr
    assert before == snapshot(shared)
