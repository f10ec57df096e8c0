"""A mixed project, each strategy, through the command line: the end state is exact, and a second run does nothing."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from expectation import Expectation, files_in
from harness import migrate_words, run, snapshot, writes

from sandbox.server import Sandbox, SandboxOptions, running_sandbox


@pytest.fixture(scope="module")
def mixed():
    options = SandboxOptions(scenario="mixed", is_throttled=False, wait_scale=0)
    return lambda: running_sandbox(options)


def expectation_of(sandbox: Sandbox, strategy: str) -> Expectation:
    facts = sandbox.facts
    return Expectation(
        snapshot(sandbox), facts.root_id, facts.destination_id, strategy, unreadable=set(facts.unreadable_ids)
    )


@pytest.mark.parametrize("strategy", ["new", "latest", "all"])
def test_the_end_state_is_exact_and_a_second_run_writes_nothing(mixed, tmp_path, strategy):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, strategy)
        words = migrate_words(sandbox, tmp_path / "m.duckdb", strategy, "--continue-on-error", "--json")

        first = run(sandbox, tmp_path, words)
        assert [] == expected.violations(snapshot(sandbox)), first.stderr
        # one file may not be downloaded: the run says so instead of pretending
        may_fail = expected.unreadable & set(files_in(expected.before, expected.root))
        assert (1 if may_fail else 0) == first.returncode, first.stderr
        summary = json.loads(first.stdout)
        assert expected.places() == summary["items"]["by_status"]["MIGRATED"]
        assert expected.size() == summary["bytes"]["by_status"]["MIGRATED"]
        assert expected.items() == summary["items"]["total"] == sum(summary["items"]["by_status"].values())

        sandbox.app.traffic.reset()
        second = run(sandbox, tmp_path, words)
        assert first.returncode == second.returncode, second.stderr
        assert 0 == writes(sandbox)
        assert [] == expected.violations(snapshot(sandbox))


def test_each_source_handle_is_copied_once_however_often_it_is_used(mixed, tmp_path):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, "all")
        run(
            sandbox,
            tmp_path,
            migrate_words(sandbox, tmp_path / "m.duckdb", "all", "--continue-on-error", "--engine", "synapse"),
        )
        copies = sandbox.app.traffic.by_call["PUT /file/multipart/#/complete"]
        assert len(expected.sources()) < expected.places(), "the scenario shares no handles: the test shows nothing"
        assert len(expected.sources()) == copies


def test_skipping_files_and_tables_leaves_nothing_to_do_and_is_refused(mixed, tmp_path):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, "skip")
        refused = run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "skip"))
        assert 2 == refused.returncode
        assert "--include-table-files" in refused.stderr
        assert [] == expected.violations(snapshot(sandbox))


def test_only_the_source_locations_asked_for_are_emptied(mixed, tmp_path):
    """Everything else stays, with its reason."""
    with mixed() as sandbox:
        before = snapshot(sandbox)
        other = sandbox.facts.source_location_ids[1]
        more = ("--continue-on-error", "--source-storage-location-ids", str(other), "--json")
        done = run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "latest", *more))
        after = snapshot(sandbox)
        changed = [
            before["handles"][old["handleId"]].get("storageLocationId", 1)
            for one in files_in(before, sandbox.facts.root_id)
            for old, new in zip(before["entities"][one]["versions"], after["entities"][one]["versions"], strict=True)
            if old["handleId"] != new["handleId"]
        ]
        assert {other} == set(changed)
        reasons = {one["reason"] for one in json.loads(done.stdout)["items"]["by_reason"]}
        assert "NOT_IN_SOURCE_LOCATIONS" in reasons
