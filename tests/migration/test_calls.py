"""Synapse calls are the currency: counted per file, on flat projects of small files."""

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import migrate_words, run

from sandbox.server import SandboxOptions, running_sandbox
from tests.crash.small_project import build_mixed_project

FILES = 400


@pytest.mark.parametrize(("strategy", "most"), [("latest", 5.1), ("new", 5.2)])
def test_calls_per_small_file(tmp_path, strategy, most):
    options = SandboxOptions(scenario="flat", size=FILES, is_throttled=False, wait_scale=0)
    with running_sandbox(options) as sandbox:
        facts = sandbox.facts
        index = tmp_path / "m.duckdb"
        words = ["index", facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", strategy]
        assert 0 == run(sandbox, tmp_path, words).returncode
        indexing = sandbox.app.traffic.by_status.total()
        walk = sandbox.app.traffic.by_call["POST /entity/children"]
        sandbox.app.traffic.reset()

        done = run(sandbox, tmp_path, migrate_words(sandbox, index, strategy))
        assert 0 == done.returncode, done.stderr
        migrating = sandbox.app.traffic.by_status.total()
        # 50 children per call, of one folder and the root
        assert 1 + FILES // 50 == walk
        assert indexing / FILES <= 1.1
        assert migrating / FILES <= most
        assert 0 == sandbox.app.traffic.by_status[429]


def test_nothing_is_asked_twice_but_a_table_before_it_is_changed(tmp_path):
    """Of reads that name what they read. A table may have changed since it was indexed, so it is looked at again."""
    with running_sandbox(SandboxOptions(is_throttled=False, wait_scale=0)) as sandbox:
        sandbox.facts = facts = build_mixed_project(sandbox.world)
        words = migrate_words(sandbox, tmp_path / "m.duckdb", "all", "--include-table-files")
        done = run(sandbox, tmp_path, words)
        assert 0 == done.returncode, done.stderr
        asked = Counter(
            call.path for call in sandbox.app.traffic.log if call.method == "GET" or call.path.endswith("bundle2")
        )
        tables = {f"/repo/v1/entity/{facts.landmarks[name]}/bundle2" for name in ("slides", "consents")}
        assert dict.fromkeys(tables, 2) == {path: times for path, times in asked.items() if times > 1}
        assert len(asked) > 20


def test_the_throttle_is_never_tripped_and_never_more_than_three_are_in_flight(tmp_path):
    options = SandboxOptions(scenario="flat", size=60, is_throttled=True, latency_seconds=0.01)
    with running_sandbox(options) as sandbox:
        done = run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "latest"))
        assert 0 == done.returncode, done.stderr
        assert 0 == sandbox.app.traffic.by_status[429]
        assert sandbox.app.traffic.most_in_flight <= 3
