"""Shapes and sizes that real projects have: nothing in them takes more than its share of time or memory."""

import json

import pytest

from benchmarks.end_state import judge_cells
from benchmarks.scale import measured
from benchmarks.worlds import cells
from sandbox.scenarios.builder import Builder
from sandbox.server import SandboxOptions, running_sandbox
from tests.migration.harness import run, snapshot

DEEP, WIDE, VERSIONS = 50, 10_000, 1_000
USED = 100_000


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_deep_chain_a_wide_folder_and_a_long_history_are_indexed_and_planned(tmp_path):
    with running_sandbox(SandboxOptions(is_throttled=False, wait_scale=0)) as sandbox:
        sandbox.facts = facts = _shapes(Builder(sandbox.world, "shapes", 0))
        words = [facts.root_id, str(facts.destination_id), str(tmp_path / "m.duckdb")]
        done = run(sandbox, tmp_path, ["index", *words, "--file-version-strategy", "all"], seconds=1500)
        assert 0 == done.returncode, done.stderr
        plan = json.loads(run(sandbox, tmp_path, ["plan", words[-1], "--json"]).stdout)
        assert 1 + WIDE + VERSIONS == plan["repoints"]
        # one page of 50 children is one call (contract 5.2), one version is one
        assert sandbox.app.traffic.by_status.total() < 1.1 * (DEEP + WIDE + VERSIONS) + WIDE / 50


def _shapes(builder):
    with builder.days_ago(10):
        project = builder.project("Shapes")
        container = project
        for number in range(DEEP):
            container = builder.folder(container, f"level {number}")
        builder.file(container, "deep.txt", builder.virtual_handle(1000, "deep.txt"))
        wide = builder.folder(project, "wide")
        for number in range(WIDE):
            builder.file(wide, f"file {number}", builder.virtual_handle(1000 + number, f"file {number}"))
        long = builder.file(project, "long", builder.virtual_handle(1, "long"))
        for number in range(1, VERSIONS):
            builder.version(long, builder.virtual_handle(1 + number, "long"))
        return builder.facts(project)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_one_handle_in_a_hundred_thousand_cells_is_copied_once_and_written_everywhere(tmp_path):
    with running_sandbox(SandboxOptions(is_throttled=False, wait_scale=0)) as sandbox:
        sandbox.facts = facts = cells(sandbox.world, USED, handles=1)
        words = ["migrate", facts.root_id, str(facts.destination_id), str(tmp_path / "m.duckdb"), "--force"]
        before = snapshot(sandbox)
        done = run(
            sandbox,
            tmp_path,
            [*words, "--file-version-strategy", "skip", "--include-table-files"],
            seconds=1500,
        )
        assert 0 == done.returncode, done.stderr
        assert [] == judge_cells(before, snapshot(sandbox), facts)
        assert 1 == sandbox.app.traffic.by_call["POST /file/multipart"]
        assert sandbox.app.traffic.by_status.total() < USED / 100


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_million_files_are_planned_and_gone_on_with_at_once_in_little_space():
    found, small = measured(1_000_000), measured(100_000)
    assert found["bytes"] / found["rows"] <= 400
    assert found["plan"] <= 30
    assert found["resume"] <= 10
    assert 2_500 == found["claimed"]
    assert found["peakAll"] <= 1024
    # computing: what else the machine does is no growth
    assert found["fillCpu"] / found["rows"] < 2 * small["fillCpu"] / small["rows"]
    # a run plans and publishes once, which weighs on as few files as are migrated here
    assert found["migrateCpu"] / found["migrated"] < 5 * small["migrateCpu"] / small["migrated"]


def test_a_small_virtual_project_is_indexed_planned_and_migrated_whole():
    """What the large ones are measured with does the work, from the walk to the reports."""
    found = measured(1_200)
    assert (1_200, 0) == (found["migrated"], found["claimed"])
    assert found["peakAll"] <= 1024
