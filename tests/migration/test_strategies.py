"""A mixed project, each strategy, through the command line: the end state is exact, and a second run does nothing."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from expectation import Expectation, files_in  # noqa: E402
from harness import migrate_words, run, snapshot, writes  # noqa: E402

from sandbox.server import Sandbox, SandboxOptions, running_sandbox  # noqa: E402


@pytest.fixture(scope="module")
def mixed():
    options = SandboxOptions(scenario="mixed", is_throttled=False, wait_scale=0)
    return lambda: running_sandbox(options)


def expectation_of(sandbox: Sandbox, strategy: str) -> Expectation:
    facts = sandbox.facts
    return Expectation(
        snapshot(sandbox), facts.root_id, facts.destination_id, strategy, unreadable=set(facts.unreadable_ids)
    )


@pytest.mark.parametrize("strategy", ["new", "latest", "all", "skip"])
def test_the_end_state_is_exact_and_a_second_run_writes_nothing(mixed, tmp_path, strategy):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, strategy)
        words = migrate_words(sandbox, tmp_path / "m.duckdb", strategy, "--continue-on-error", "--json")

        first = run(sandbox, tmp_path, words)
        assert [] == expected.violations(snapshot(sandbox)), first.stderr
        # one file may not be downloaded: the run says so instead of pretending
        may_fail = expected.unreadable & set(files_in(expected.before, expected.root))
        assert (1 if may_fail and strategy != "skip" else 0) == first.returncode, first.stderr
        summary = json.loads(first.stdout)
        assert expected.places() == sum(one["items"] for one in summary["items"] if one["status"] == "MIGRATED")

        sandbox.app.traffic.reset()
        second = run(sandbox, tmp_path, words)
        assert first.returncode == second.returncode, second.stderr
        assert 0 == writes(sandbox)
        assert [] == expected.violations(snapshot(sandbox))


def test_each_source_handle_is_copied_once_however_often_it_is_used(mixed, tmp_path):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, "all")
        run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "all", "--continue-on-error"))
        starts = sandbox.app.traffic.by_call["POST /file/multipart"]
        assert len(expected.sources()) < expected.places(), "the scenario shares no handles: the test shows nothing"
        assert len(expected.sources()) == starts
