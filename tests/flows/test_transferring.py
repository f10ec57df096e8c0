"""Directories of a worker go up and come down as flows; again, only what differs moves, and failures are told."""

import json
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.transferring import download_tree, upload_manifest, upload_tree
from sandbox.server import Sandbox
from sandbox.synapse.kinds import Kind
from tests.migration.harness import snapshot, writes

pytestmark = pytest.mark.timeout(280)

TREE = {"mine/a.txt": b"first", "mine/inner/b.txt": b"second", "mine/inner/deep/c.bin": bytes(range(256))}


@pytest.fixture
def demo(prefect_server: None, start_sandbox: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    """The sample project; this process's environment points at it."""
    sandbox: Sandbox = start_sandbox(scenario="demo")
    ours = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}
    for name, value in (sandbox.environment() | ours).items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, content in TREE.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "tree"


def artifact(run_id: Any, key: str) -> list[dict[str, Any]]:
    """The rows of a table that a run published."""
    wanted = {"flow_runs": {"id": {"any_": [str(run_id)]}}}
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/filter", json=wanted).json()
    rows: list[dict[str, Any]] = json.loads(next(one["data"] for one in found if one["key"] == key))
    return rows


def test_a_tree_goes_up_comes_down_equal_and_moves_nothing_the_second_time(
    demo: Sandbox, tree: Path, tmp_path: Path
) -> None:
    """A file that cannot be read fails alone: it is told of, the others go on, and mended it is all that moves."""
    facts = demo.facts
    assert facts is not None
    (tree / "broken.txt").symlink_to(tree / "nowhere")

    first = upload_tree(str(tree), facts.root_id, return_state=True)

    assert first.is_failed()
    assert "ended with exit code 1: 1 failed" in str(first.message)
    failed = artifact(first.state_details.flow_run_id, "transfer-failures")
    assert [str(tree / "broken.txt")] == [row["what"] for row in failed]
    assert all(row["reason"] and row["fix"] for row in failed)
    counts = {row["result"]: row["files"] for row in artifact(first.state_details.flow_run_id, "transfer-counts")}
    assert {"CREATED": len(TREE), "FAILED": 1} == counts

    (tree / "broken.txt").unlink()
    (tree / "mine" / "a.txt").write_bytes(b"first, corrected")
    written = writes(demo)
    second = upload_tree(str(tree), facts.root_id, return_state=True)
    assert second.is_completed(), second.message
    counts = {row["result"]: row["files"] for row in artifact(second.state_details.flow_run_id, "transfer-counts")}
    assert {"NEW_VERSION": 1, "UNCHANGED": len(TREE) - 1} == counts
    assert writes(demo) > written

    container = next(one.id for one in demo.world.entities.all() if one.name == "mine")
    down = tmp_path / "down" / "mine"
    fetched = download_tree(container, str(down), return_state=True)
    assert fetched.is_completed(), fetched.message
    for name in TREE:
        assert (tree / name).read_bytes() == (down.parent / name).read_bytes()
    again = download_tree(container, str(down), return_state=True)
    counts = {row["result"]: row["files"] for row in artifact(again.state_details.flow_run_id, "transfer-counts")}
    assert {"UNCHANGED"} == set(counts)


def test_what_cannot_be_done_is_refused_in_words_before_anything_moves(
    demo: Sandbox, tree: Path, tmp_path: Path
) -> None:
    """No directory, no container, nothing of that id: each is named, and nothing is written."""
    facts = demo.facts
    assert facts is not None
    file_id = next(one.id for one in demo.world.entities.all() if one.kind is Kind.FILE)
    written = writes(demo)

    refused = [
        upload_tree(str(tmp_path / "nowhere"), facts.root_id, return_state=True),
        upload_tree(str(tree), file_id, return_state=True),
        download_tree("syn99999999", str(tmp_path / "down"), return_state=True),
    ]

    assert all(state.is_failed() for state in refused)
    told = [str(state.message) for state in refused]
    assert all(word in text for word, text in zip(("nowhere", file_id, "syn99999999"), told, strict=True)), told
    assert written == writes(demo)


def test_a_manifest_goes_up_whole_or_not_at_all_and_a_second_time_nothing_moves(
    demo: Sandbox, tree: Path, tmp_path: Path
) -> None:
    """Lines that cannot be done are told with their numbers; the dry run writes nothing; what was made from what is
    recorded with the versions that went up before.
    """
    facts = demo.facts
    assert facts is not None
    made, source = tree / "mine" / "a.txt", tree / "mine" / "inner" / "b.txt"
    manifest = tmp_path / "files.tsv"
    lines = [f"{made}\t{source}\tliver", f"{source}\t\t"]
    before = snapshot(demo)

    manifest.write_text("\n".join(["path\tused\ttissue", *lines, f"{tree}/nowhere\t\t", ""]))
    refused = upload_manifest(str(manifest), facts.root_id, return_state=True)
    assert refused.is_failed()
    assert f"line 4: {tree}/nowhere is not there" in str(refused.message)
    manifest.write_text("\n".join(["path\tused\ttissue", *lines, ""]))
    dry = upload_manifest(str(manifest), facts.root_id, dry_run=True, return_state=True)
    assert dry.is_completed()
    assert str(dry.message).startswith("2 files")
    assert str(dry.message).endswith("a dry run: nothing was sent or written")
    assert before == snapshot(demo)

    first = upload_manifest(str(manifest), facts.root_id, return_state=True)
    assert first.is_completed(), first.message
    stored = {one.name: one for one in demo.world.entities.all()}
    assert {"tissue": {"type": "STRING", "value": ["liver"]}} == stored["a.txt"].current.annotations
    activity = demo.world.entities.activities.require(stored["a.txt"].current.activity_id or "")
    assert [{"targetId": stored["b.txt"].id, "targetVersionNumber": 1}] == [one["reference"] for one in activity.used]

    again = upload_manifest(str(manifest), facts.root_id, return_state=True)
    counts = {row["result"]: row["files"] for row in artifact(again.state_details.flow_run_id, "transfer-counts")}
    assert {"UNCHANGED": 2} == counts
