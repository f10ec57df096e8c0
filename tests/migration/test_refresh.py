"""Looking again at a finished index: only what is new is moved, and nothing is copied twice."""

import json
import sys
from pathlib import Path
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parent))

from harness import migrate_words, run, snapshot, writes

from sandbox.server import Sandbox, SandboxOptions, running_sandbox


def add_file(sandbox: Sandbox, name: str, handle_id: str) -> str:
    """Create a file entity in the project with a handle of somebody else, which only administrators may."""
    body = {
        "concreteType": "org.sagebionetworks.repo.model.FileEntity",
        "name": name,
        "parentId": sandbox.facts.root_id,
        "dataFileHandleId": handle_id,
    }
    headers = {
        "Authorization": f"Bearer {sandbox.world.principals.administrator_token}",
        "Content-Type": "application/json",
    }
    request = Request(f"{sandbox.url}/repo/v1/entity", data=json.dumps(body).encode(), headers=headers)
    return json.load(urlopen(request))["id"]


def test_a_file_added_later_is_found_by_the_next_index_and_its_known_bytes_are_not_copied_again(tmp_path):
    with running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0)) as sandbox:
        index = tmp_path / "m.duckdb"
        words = migrate_words(sandbox, index, "latest")
        assert 0 == run(sandbox, tmp_path, words).returncode
        current = sandbox.facts.expectation.current()
        moved = next(one.handle_id for one in current if one.location_id == 1 and one.size and one.md5)
        added = add_file(sandbox, "added later.txt", moved)

        sandbox.app.traffic.reset()
        facts = sandbox.facts
        look = ["index", facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", "latest"]
        assert 0 == run(sandbox, tmp_path, look).returncode
        assert 0 == writes(sandbox)
        again = run(sandbox, tmp_path, words)

        assert 0 == again.returncode, again.stderr
        assert 0 == sandbox.app.traffic.by_call["POST /file/multipart"]
        after = snapshot(sandbox)
        handle = after["entities"][added]["versions"][-1]["handleId"]
        assert facts.destination_id == after["handles"][handle]["storageLocationId"]
        assert 1 == sandbox.app.traffic.by_call["PUT /entity/#/version/#/filehandle"]


def test_looking_again_reads_no_file_that_was_settled_and_did_not_change(tmp_path):
    with running_sandbox(SandboxOptions(scenario="flat", size=120, is_throttled=False, wait_scale=0)) as sandbox:
        facts = sandbox.facts
        look = ["index", facts.root_id, str(facts.destination_id), str(tmp_path / "m.duckdb")]
        assert 0 == run(sandbox, tmp_path, look).returncode
        sandbox.app.traffic.reset()
        assert 0 == run(sandbox, tmp_path, look).returncode
        assert sandbox.app.traffic.by_call["POST /entity/#/bundle2"] <= 1
