"""The same migration started twice at the same time: nothing is doubled, whichever index each of them keeps."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.migration.expectation import Expectation
from tests.migration.harness import command, environment
from tests.people.meddling import Meeting, meet

STRATEGIES = ("new", "latest", "all")
Start = Callable[..., Sandbox]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_on_two_indexes_they_share_the_work(strategy: str, start_sandbox: Start, tmp_path: Path) -> None:
    # answers take a moment, so that the two really meet
    meeting = meet(start_sandbox(latency_seconds=0.01, wait_scale=1.0), tmp_path)
    expected = expectation_of(meeting, strategy)

    codes = run_both(meeting, strategy, [tmp_path / "one.duckdb", tmp_path / "two.duckdb"])

    assert [0, 0] == codes
    assert [] == expected.violations(meeting.state())


def test_on_one_index_the_second_is_turned_away(start_sandbox: Start, tmp_path: Path) -> None:
    meeting = meet(start_sandbox(latency_seconds=0.05, wait_scale=1.0), tmp_path)
    expected = expectation_of(meeting, "new")

    codes = run_both(meeting, "new", [tmp_path / "m.duckdb", tmp_path / "m.duckdb"])

    assert [0, 7] == sorted(codes)
    assert [] == expected.violations(meeting.state())


def expectation_of(meeting: Meeting, strategy: str) -> Expectation:
    facts = meeting.facts
    return Expectation(meeting.state(), facts.root_id, facts.destination_id, strategy, unreadable=set())


def run_both(meeting: Meeting, strategy: str, indexes: Sequence[Path]) -> list[int]:
    """Run one migration per index at the same time; their exit codes."""
    words = ["migrate", meeting.facts.root_id, str(meeting.facts.destination_id)]
    more = ["--force", "--file-version-strategy", strategy]
    processes = [
        subprocess.Popen(
            command(*words, str(index), *more),
            env=environment(meeting.sandbox, meeting.folder, SYNAPSE_STATE_FOLDER=str(meeting.folder / "state")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for index in indexes
    ]
    return [process.wait(timeout=120) for process in processes]
