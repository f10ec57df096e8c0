"""`migrate --notify`: people are told how it ended, and nothing depends on whether that worked."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import migrate_words, run, snapshot

from sandbox.faults import FaultKind, FaultRule


@pytest.fixture
def sandbox(start_sandbox):
    return start_sandbox(scenario="demo")


def told(sandbox, message):
    """The text of a message that was sent."""
    state = snapshot(sandbox)
    handle = sandbox.world.handles.require(message["fileHandleId"])
    assert ("text/plain; charset=utf-8", "message.txt") == (handle.content_type, handle.file_name)
    stored = state["objects"][handle.bucket][handle.key]
    assert handle.content_md5 == stored["md5"]
    content = sandbox.world.objects.bucket(handle.bucket).objects[handle.key].content
    return b"".join(content.read(0, stored["size"] - 1)).decode()


def test_people_are_told_by_name_and_id_in_five_calls_and_one_for_names(sandbox, tmp_path):
    world = sandbox.world
    steward = world.principals.require("3412")
    words = migrate_words(sandbox, tmp_path / "m.duckdb", "latest")
    calls = [sandbox.app.traffic.by_status.total()]
    for more in ([], [], ["--notify", f"{steward.name.upper()},nobody.at.all", "--notify", "3412"]):
        done = run(sandbox, tmp_path, [*words, *more])
        calls.append(sandbox.app.traffic.by_status.total())

    assert 0 == done.returncode, done.stderr
    (message,) = snapshot(sandbox)["messages"]
    assert ["3412"] == message["recipients"]
    assert "done and verified" in message["subject"]
    assert "MIGRATED: " in told(sandbox, message)
    assert "No user or team of Synapse is called nobody.at.all" in done.stderr
    assert 6 == (calls[3] - calls[2]) - (calls[2] - calls[1])


def test_a_failure_is_told_too_and_goes_its_way(sandbox, tmp_path):
    """The destination is nobody's, so nothing can be migrated."""
    words = ["migrate", sandbox.facts.root_id, "99999", str(tmp_path / "m.duckdb"), "--force", "--notify", "3412"]

    without = run(sandbox, tmp_path, words[:-2])
    done = run(sandbox, tmp_path, words)

    assert without.returncode == done.returncode != 0
    (message,) = snapshot(sandbox)["messages"]
    assert message["subject"].endswith("stopped")
    assert "99999" in told(sandbox, message)


@pytest.mark.parametrize("call", ["/message$", "/file/multipart$", "/userGroupHeaders/aliases"])
def test_a_message_that_cannot_be_sent_is_said_and_changes_nothing(sandbox, tmp_path, call):
    """The migration's own exit code stays."""
    words = migrate_words(sandbox, tmp_path / "m.duckdb", "latest")
    assert 0 == run(sandbox, tmp_path, words).returncode
    sandbox.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, path=call, method="POST", status=403, times=None))

    done = run(sandbox, tmp_path, [*words, "--notify", "someone"])

    assert 0 == done.returncode
    assert "sent" in done.stderr or "called someone" in done.stderr
    assert [] == snapshot(sandbox)["messages"]


def test_nobody_is_told_of_a_plan_that_was_declined(sandbox, tmp_path):
    words = migrate_words(sandbox, tmp_path / "m.duckdb", "latest")
    words.remove("--force")

    assert 6 == run(sandbox, tmp_path, [*words, "--notify", "3412"]).returncode
    assert [] == snapshot(sandbox)["messages"]
