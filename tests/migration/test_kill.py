"""kill -9, again and again: nothing is lost, doubled or orphaned."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from expectation import Expectation
from harness import command, environment, migrate_words, run, snapshot

from sandbox.server import Sandbox, SandboxOptions, running_sandbox

KILLS = 20


@pytest.mark.timeout(600)
@pytest.mark.parametrize("strategy", ["new", pytest.param("all", marks=pytest.mark.long)])
def test_twenty_kills_at_random_moments_leave_the_same_end_state(tmp_path, strategy):
    chance = random.Random(f"kills {strategy}")
    options = SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0, latency_seconds=0)
    with running_sandbox(options) as sandbox:
        facts = sandbox.facts
        before = snapshot(sandbox)
        expected = Expectation(
            before, facts.root_id, facts.destination_id, strategy, unreadable=set(facts.unreadable_ids)
        )
        words = migrate_words(sandbox, tmp_path / "m.duckdb", strategy)
        kills = 0
        while kills < KILLS:
            if kill_after(sandbox, tmp_path, words, calls=chance.randint(5, 22), pause=chance.random() * 0.02):
                kills += 1
            else:
                break
        last = run(sandbox, tmp_path, words)
        assert 0 == last.returncode, last.stderr
        assert [] == expected.violations(snapshot(sandbox))
        assert kills == KILLS, f"the migration was complete after {kills} kills; make the scenario larger"


def kill_after(sandbox: Sandbox, home: Path, words: list[str], *, calls: int, pause: float) -> bool:
    """Start the command, let it make some calls and a moment more, and kill it. False when it ended by itself."""
    start = sandbox.app.traffic.by_status.total()
    process = subprocess.Popen(
        command(*words),
        env=environment(sandbox, home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up = time.monotonic() + 60
        while sandbox.app.traffic.by_status.total() < start + calls and time.monotonic() < give_up:
            if process.poll() is not None:
                return False
            time.sleep(0.0005)
        time.sleep(pause)
        if process.poll() is not None:
            return False
        process.send_signal(signal.SIGKILL)
        return True
    finally:
        process.kill()
        process.wait()
