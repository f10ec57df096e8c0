"""Memory stays flat: a hundred times the files, the same process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import command, environment

from sandbox.server import SandboxOptions, running_sandbox

PEAK = """
import json, resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True, text=True)
print(json.dumps([ended.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, ended.stderr[-2000:]]))
"""


def peak_kilobytes(home: Path, files: int) -> int:
    """Index *files* virtual files in a process of its own; its peak resident memory."""
    options = SandboxOptions(scenario="flat", size=files, is_throttled=False, wait_scale=0)
    with running_sandbox(options) as sandbox:
        facts = sandbox.facts
        index = home / f"{files}.duckdb"
        words = command("index", facts.root_id, str(facts.destination_id), str(index))
        unlimited = environment(sandbox, home, SYNAPSE_CALLS_IN_FLIGHT="16")
        measured = subprocess.run(
            [sys.executable, "-c", PEAK, *words], env=unlimited, capture_output=True, text=True, check=True
        )
        code, peak, said = json.loads(measured.stdout)
        assert 0 == code, said
        return peak


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_hundred_thousand_files_need_no_more_memory_than_a_thousand(tmp_path):
    few, many = peak_kilobytes(tmp_path, 1_000), peak_kilobytes(tmp_path, 100_000)
    print(f"peak RSS: {few / 1024:.0f} MB for 1,000 files, {many / 1024:.0f} MB for 100,000")
    assert many - few < 150 * 1024


@pytest.mark.timeout(600)
def test_ten_times_the_files_need_hardly_more_memory(tmp_path):
    few, many = peak_kilobytes(tmp_path, 500), peak_kilobytes(tmp_path, 5_000)
    assert many - few < 80 * 1024
