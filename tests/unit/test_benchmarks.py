"""The benchmarks can be listed, told apart and asked for; nothing is timed here."""

import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks import BENCHMARKS, contest
from benchmarks.__main__ import parser, wishes_of
from benchmarks.budget import steady_share
from benchmarks.contestants import Question
from benchmarks.end_state import judge_cells
from benchmarks.one_budget import OneBudget
from benchmarks.registry import Table, Wishes
from sandbox.clock import SandboxClock
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.synapse.throttle import Throttled, Window

HERE = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_says_its_purpose_in_one_sentence(name: str) -> None:
    purpose = BENCHMARKS[name].purpose

    assert purpose.endswith(".")
    assert ". " not in purpose
    assert purpose not in [one.purpose for other, one in BENCHMARKS.items() if other != name]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_is_one_file_and_explained_in_the_readme(name: str) -> None:
    assert (HERE / f"{name.replace('-', '_')}.py").is_file()
    assert f"`{name}`" in (HERE / "README.md").read_text(encoding="utf-8")


def test_all_benchmarks_run_three_times_unless_told_otherwise() -> None:
    found = parser().parse_args([])

    assert [] == found.names
    assert Wishes(runs=3, is_quick=False, size=None, window_seconds=12.0) == wishes_of(found)


def test_some_can_be_named_and_a_quick_look_is_one_run() -> None:
    found = parser().parse_args(["selection", "small-new", "--quick", "--runs", "9", "--size", "7", "--window", "60"])

    assert ["selection", "small-new"] == found.names
    assert Wishes(runs=1, is_quick=True, size=7, window_seconds=60.0) == wishes_of(found)


def test_both_sides_meet_the_same_acceleration() -> None:
    """Five times faster: so many more calls in a window; a benchmark's own pace gives way to the one asked for."""
    faster = wishes_of(parser().parse_args(["--times-faster", "5", "--without", "models"]))

    assert 600 == Question.asked(faster, "new", pace=faster.pace()).calls_per_window
    assert 120 == Question.asked(Wishes(), "new", pace=Wishes().pace()).calls_per_window
    assert [5.0, 3.0] == [wishes.pace(usual=3.0) for wishes in (faster, Wishes())]
    assert ("models",) == faster.without


def test_an_unknown_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["smal-new"])

    said = capsys.readouterr().err
    assert [] == [name for name in BENCHMARKS if name not in said]


def test_a_size_wins_over_the_usual_and_the_quick_one() -> None:
    assert [300, 30, 7] == [
        wishes.items(usual=300, quick=30) for wishes in (Wishes(), Wishes(is_quick=True), Wishes(is_quick=True, size=7))
    ]


def test_the_orchestrator_keeps_fewer_than_five_thousand_records_of_two_million_files() -> None:
    from benchmarks.orchestration import BIG_PROJECT, records

    assert records(BIG_PROJECT) < 5000
    assert 8 == records(100, folders=4)


def test_it_does_so_when_the_budget_lies_idle_for_all_of_the_twelve_days() -> None:
    """Then each phase that takes what there is, instead of waiting for a whole batch, makes more task runs."""
    from benchmarks.orchestration import BIG_PROJECT, CALLS_PER_FILE, CALLS_PER_SECOND, records
    from storage_core.steps.driving import idle_claims_apart
    from storage_core.steps.phases import MIGRATING

    seconds, more = 0.0, 0
    while seconds < BIG_PROJECT * CALLS_PER_FILE / CALLS_PER_SECOND:
        seconds += idle_claims_apart(seconds)
        more += 1
    taking = [phase for phase in MIGRATING[0] if phase.fed_by and not phase.waits_for_many]

    assert len(taking) > 1
    assert records(BIG_PROJECT) + more * len(taking) + 1 < 5000


def test_what_prefect_costs_is_divided_between_the_run_and_its_task_runs() -> None:
    """50 task runs take 4 s more than 10, so each takes 0.1 s, and the run itself 2 s; noise never makes it a gain."""
    from benchmarks.orchestration import Cost, cost_of

    plain = {"launched": 0.0, "seconds": 30.0}
    few, many = {"launched": 10.0, "seconds": 33.0}, {"launched": 50.0, "seconds": 37.0}

    found = cost_of({0: plain, 50: many, 2500: few})

    assert (2.0, 0.1) == (pytest.approx(found.per_run), pytest.approx(found.per_task_run))
    assert Cost(per_run=3.0, per_task_run=0.0) == cost_of({0: plain, 50: {**few, "launched": 50.0}, 2500: few})


def test_a_table_is_markdown_with_a_cell_for_every_column() -> None:
    text = Table(heading="H", columns=("a", "b"), rows=(("x|y", "1"),), remarks=("note",)).markdown()

    assert ["### H", "", "| a | b |", "| --- | ---: |", "| x/y | 1 |", "", "- note"] == text.splitlines()


def test_the_judge_of_cells_sees_what_is_wrong() -> None:
    """One cell moved, one left, one changed that holds no file, one copy that nobody uses."""
    facts = cast("ScenarioFacts", SimpleNamespace(destination_id=9, destination_bucket="new"))
    handle = {"contentMd5": "m", "contentSize": 1, "bucketName": "old", "key": "k", "storageLocationId": 1}
    copy = {**handle, "bucketName": "new", "storageLocationId": 9}
    rows = {"1": {"cells": {"5": "70", "6": "x"}}, "2": {"cells": {"5": "70", "6": "x"}}}
    before = {"tables": {"syn1": {"rows": rows}}, "handles": {"70": handle}, "objects": {"old": {}, "new": {}}}
    moved = {"1": {"cells": {"5": "80", "6": "x"}}, "2": {"cells": {"5": "80", "6": "x"}}}
    stored = {"size": 1, "md5": "m"}
    after = {
        "tables": {"syn1": {"rows": moved}},
        "handles": {"70": handle, "80": copy},
        "objects": {"old": {}, "new": {"k": stored}},
    }
    assert [] == judge_cells(before, after, facts)

    moved["2"]["cells"] = {"5": "70", "6": "y"}
    after["handles"] = {"70": handle, "80": copy, "81": copy}
    after["objects"] = {"old": {}, "new": {"k": {"size": 1, "md5": "other"}}}
    assert [
        "syn1 row 1 column 5: the object's bytes are not the source's",
        "syn1 row 2 column 5 still refers to its old handle",
        "syn1 row 2 column 6 changed",
        "handle 81 is an orphan",
    ] == judge_cells(before, after, facts)


def test_one_budget_counts_all_sessions_of_a_user_together() -> None:
    throttle = OneBudget(SandboxClock())
    for session in ("a", "b", "None"):
        throttle.admit(f"3412|{session}|127.0.0.1", "/entity/#")
    with pytest.raises(Throttled):
        throttle.admit("3412|c|127.0.0.1", "/entity/#")
    throttle.admit("99|c|127.0.0.1", "/entity/#")

    throttle.release("3412|a|127.0.0.1")
    throttle.admit("3412|c|127.0.0.1", "/entity/#")


def test_the_steady_share_leaves_the_ends_of_a_run_out() -> None:
    """Bursts at the beginning of windows of 12 s count like calls that are spread over them."""
    window = Window(calls=120, seconds=12.0)
    bursts = [12.0 * (number // 120) for number in range(500)]
    slower = [5.0 * (number > 0) + 0.125 * number for number in range(500)]

    assert 1.0 == steady_share(bursts, window)
    assert 0.8 == steady_share(slower, window)
    assert steady_share(bursts[:240], window) is None


def test_contestants_end_with_the_benchmark() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        contest._RUNNING.add(process.pid)
        try:
            contest.end_contestants()
            assert -signal.SIGKILL == process.wait(timeout=60)
        finally:
            contest._RUNNING.discard(process.pid)
            process.kill()
