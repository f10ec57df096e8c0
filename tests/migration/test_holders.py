"""`holders`: wiki attachments and previews of the old location are counted, with few calls, and the reports tell."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import migrate_words, run, snapshot, writes

from sandbox.server import Sandbox

PAGES = 53
"""More than one answer of the tree holds."""


@pytest.fixture
def demo(start_sandbox) -> Sandbox:
    """The sample project with a wiki on its root, one on a folder, and a preview of its readme."""
    sandbox = start_sandbox(scenario="demo")
    world, root = sandbox.world, sandbox.facts.root_id
    readme = world.handles.require(world.entities.require(sandbox.facts.landmarks["readme"]).current.handle_id)
    shared, own = readme.id, sandbox.facts.landmarks["shared-handle"]
    for number in range(PAGES):
        world.wikis.add(world, root, f"page {number}", (shared,) if number % 2 else (shared, own))
    (folder, *_) = [one for one in world.entities.children_of(root) if one.kind.value == "folder"]
    moved = next(one for one in world.handles.all() if one.storage_location_id == sandbox.facts.destination_id)
    world.wikis.add(world, folder.id, "already there", (moved.id,))
    world.handles.change(readme.id, preview_id=own)
    return sandbox


def counted(sandbox: Sandbox, home: Path) -> Any:
    done = run(sandbox, home, ["holders", str(home / "m.duckdb"), "--json"])
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_wikis_and_previews_are_counted_once_each_and_the_status_tells(demo, tmp_path):
    """A handle on many pages counts once; handles at the destination hold nothing of the old location."""
    index = tmp_path / "m.duckdb"
    words = [word for word in migrate_words(demo, index, "latest", "--dry-run") if word != "--force"]
    assert 0 == run(demo, tmp_path, words).returncode
    assert "`synapse-storage holders`" in run(demo, tmp_path, ["status", str(index)]).stdout
    containers = [one for one in demo.world.entities.all() if one.kind.value in {"project", "folder"}]
    before, sizes = snapshot(demo), {one.id: one.content_size for one in demo.world.handles.all()}
    readme = demo.world.entities.require(demo.facts.landmarks["readme"]).current.handle_id
    demo.app.traffic.reset()

    told = counted(demo, tmp_path)

    # a tree of 53 pages takes a second answer; the 40 or so handles are asked for in one
    assert len(containers) + 1 + PAGES + 1 + 1 == told["calls"] == demo.app.traffic.by_status.total()
    assert 0 == writes(demo)
    assert before == snapshot(demo)
    by_owner = {(one["owner"], one["storage_location_id"]): (one["handles"], one["bytes"]) for one in told["held"]}
    attached = {readme, demo.facts.landmarks["shared-handle"]}
    assert (2, sum(sizes[one] for one in attached)) == by_owner["wiki attachments", 1]
    assert (1, None) == by_owner["previews", 1]
    assert ("wiki attachments", demo.facts.destination_id) in by_owner
    status = json.loads(run(demo, tmp_path, ["status", str(index), "--json"]).stdout)
    assert [("previews", 1), ("wiki attachments", 2)] == [
        (one["owner"], one["handles"]) for one in status["still_held"]
    ]
    assert told["looked_at"] == status["other_owners"]
    assert "wiki attachments: 2 handles" in " ".join(run(demo, tmp_path, ["status", str(index)]).stdout.split())


def test_what_cannot_be_seen_is_said_and_a_new_count_replaces_the_old_one(demo, tmp_path):
    """In place, nothing refers to old handles of others any more, so nobody can ask for their previews."""
    index = tmp_path / "m.duckdb"
    assert 0 == run(demo, tmp_path, migrate_words(demo, index, "latest")).returncode
    first = counted(demo, tmp_path)
    assert "can no longer be seen" in first["looked_at"]
    demo.world.wikis.add(demo.world, demo.facts.root_id, "new page", (demo.facts.landmarks["shared-handle"],))

    second = counted(demo, tmp_path)

    status = json.loads(run(demo, tmp_path, ["status", str(index), "--json"]).stdout)
    assert f"{PAGES + 2} pages" in second["looked_at"]
    assert second["looked_at"] == status["other_owners"]
    assert 1 == len([one for one in status["still_held"] if one["owner"] == "wiki attachments"])
