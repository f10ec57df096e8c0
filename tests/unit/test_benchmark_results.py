"""Kept results: runs of several files are told together, goals are judged, and the page says what the files say."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.budget import budget_table, in_longest_windows
from benchmarks.goals import GOALS, goals_table
from benchmarks.kept import Kept, read_kept
from benchmarks.page import PAGE, PICTURE, RESULTS, SHOWN, UnknownBlockError, contest_table, page_of
from benchmarks.picture import picture

OURS, BOTH, UTILS, MODELS = "synapse-storage", "synapse-storage, view + s3", "synapseutils", "models"


def measured(
    contestant: str, run: int, wall: float, *, calls: int = 2000, wrong: int = 0, ending: str = "done"
) -> dict[str, Any]:
    return {
        "contestant": contestant,
        "run": run,
        "ending": ending,
        "wrong": wrong,
        "wall_seconds": wall,
        "cpu_seconds": 10.0,
        "peak_mib": 100.0,
        "calls": calls,
        "throttled": 0,
        "by_call": {"GET /userprofile": 1, "PUT /entity/#": calls - 1},
        "spans": {"GET /userprofile": [0.5, 0.5], "POST /file/multipart": [2.0, 9.0], "PUT /entity/#": [3.0, wall]},
    }


def write(folder: Path, name: str, *measurements: dict[str, Any], items: int = 1000, window: float = 60.0) -> None:
    starts = [measured(one, 0, 1.0) for one in dict.fromkeys(found["contestant"] for found in measurements)]
    raw = {
        "items": items,
        "windowSeconds": window,
        "callsPerWindow": 600,
        "oneBudget": True,
        "latencySeconds": 0.05,
        "copyBytesPerSecond": None,
        "measurements": [*starts, *measurements],
    }
    report = {"benchmark": "small-new", "tables": [{"heading": f"{items:,} files, strategy `new`"}], "raw": raw}
    document = {"began": "2026-01-02T03:04:05+00:00", "commit": name, "reports": [report]}
    (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")


def verdict(kept: Kept, work: str) -> tuple[str, ...]:
    return next(row for row in goals_table(kept).rows if row[0] == work)


def test_the_page_and_its_picture_say_what_the_kept_results_say() -> None:
    """`python -m benchmarks.page` writes both."""
    kept, text = read_kept(RESULTS), PAGE.read_text(encoding="utf-8")

    assert text == page_of(text, kept)
    assert PICTURE.read_text(encoding="utf-8") == picture(kept, SHOWN)


def test_runs_under_the_same_circumstances_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, "a", measured(BOTH, 1, 100.0), measured(UTILS, 1, 900.0))
    write(tmp_path, "b", measured(BOTH, 1, 110.0), measured(UTILS, 1, 400.0), measured(BOTH, 2, 190.0))
    write(tmp_path, "c", measured(BOTH, 1, 5.0), window=12.0)
    write(tmp_path, "d", measured(UTILS, 1, 500.0))

    held = read_kept(tmp_path).contest("small-new", 1000)

    assert held is not None
    assert ("a", "b", "d") == held.commits
    (ours, theirs) = contest_table(held).rows
    assert ("right", "3", "110.0 (100.0 to 190.0)") == ours[1:4]
    assert ("right", "3", "500.0 (400.0 to 900.0)", "4.55") == (*theirs[1:4], theirs[-1])


def test_of_several_paces_the_one_nearest_to_real_time_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a", measured(BOTH, 1, 100.0), measured(BOTH, 2, 100.0), window=12.0)
    write(tmp_path, "b", measured(BOTH, 1, 300.0))

    held = read_kept(tmp_path).contest("small-new", 1000)

    assert held is not None
    assert (1.0, 300.0) == (held.circumstances.pace, held.sides[0].seconds)


def test_a_goal_is_judged_by_the_faster_right_rival_unrounded(tmp_path: Path) -> None:
    """3.4999 is not 3.5, and a wrong answer, however fast, is no rival."""
    runs = [measured(BOTH, run, 100.0) for run in (1, 2, 3)]
    runs += [measured(UTILS, run, 349.99, calls=8000) for run in (1, 2, 3)]
    runs += [measured(MODELS, run, 10.0, wrong=run == 2) for run in (1, 2, 3)]
    write(tmp_path, "a", *runs)
    kept = read_kept(tmp_path)

    work = "1,000 small files, `new`, view, engine `s3`"
    assert (work, "≥ 3.5 times", "3.5 times", "3", "missed: 100% of the goal", "4.00", "0.00 %") == verdict(kept, work)
    assert "met" == verdict(kept, "calls per small file, `new`, through a view, engine `s3`")[4]
    assert "no result kept" == verdict(kept, "1,000 small files, `new`, view")[4]


def test_whoever_was_not_waited_for_takes_at_least_so_long_until_a_run_to_the_end_is_kept(tmp_path: Path) -> None:
    work, late = "1,000 small files, `new`, view, engine `s3`", "not done after 360 s"
    runs = [measured(BOTH, run, 100.0) for run in (1, 2, 3)]
    write(tmp_path, "a", *runs, *(measured(UTILS, run, 360.0, wrong=5, ending=late) for run in (1, 2, 3)))
    assert ("≥ 3.6 times", "3", "met", "") == verdict(read_kept(tmp_path), work)[2:6]

    write(tmp_path, "a", *runs, *(measured(UTILS, run, 340.0, wrong=5, ending=late) for run in (1, 2, 3)))
    kept = read_kept(tmp_path)
    assert ("≥ 3.4 times", "3", "open: the client was ended before it was done") == verdict(kept, work)[2:5]
    (held,) = kept.contests
    assert (late, "3", "over 340.0 (340.0 to 340.0)", "≥ 3.40") == (
        *contest_table(held).rows[1][1:4],
        contest_table(held).rows[1][-1],
    )

    write(tmp_path, "b", measured(UTILS, 1, 400.0, calls=8000))
    assert ("4 times", "1 run only", "met", "4.00") == verdict(read_kept(tmp_path), work)[2:6]


def test_fewer_than_three_runs_are_told_as_such_and_our_own_wrong_runs_never_meet_a_goal(tmp_path: Path) -> None:
    write(tmp_path, "a", measured(BOTH, 1, 100.0), measured(UTILS, 1, 900.0))
    work = "1,000 small files, `new`, view, engine `s3`"
    assert "1 run only" == verdict(read_kept(tmp_path), work)[3]

    write(tmp_path, "b", measured(BOTH, 1, 100.0, wrong=1))
    assert "no result kept" == verdict(read_kept(tmp_path), work)[4]


def write_other(folder: Path, name: str, benchmark: str, window: float = 60.0, **raw: Any) -> None:
    report = {"benchmark": benchmark, "tables": [], "raw": raw}
    document = {"began": "2026-01-02T03:04:05+00:00", "windowSeconds": window, "reports": [report]}
    (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")


def used(latency: float, seconds: float, *, throttled: int = 0, wrong: int = 0) -> dict[str, Any]:
    counts = {"calls": 1000, "throttled": throttled, "wrong": wrong, "steady": None}
    return {"latency": latency, "seconds": seconds, "least_seconds": 97.0, **counts}


def test_the_budget_is_told_by_its_worst_latency_in_the_longest_windows_and_with_what_was_throttled(
    tmp_path: Path,
) -> None:
    """Short windows, latencies at which calls in flight are the bound, and wrong end states do not count."""
    runs = [used(0.02, seconds) for seconds in (97.0, 98.0, 97.5)]
    runs += [used(0.25, seconds, throttled=refused) for seconds, refused in ((99.0, 0), (100.0, 4), (101.0, 0))]
    write_other(tmp_path, "a", "budget", runs=[*runs, used(0.8, 300.0), used(0.02, 500.0, wrong=1)])
    write_other(tmp_path, "b", "budget", window=12.0, runs=[used(0.25, 400.0, throttled=50)])
    kept = read_kept(tmp_path)

    work = "budget used, 20 to 250 ms"
    assert (work, "≥ 97 %", "97 %", "3", "met", "", "0.40 %") == verdict(kept, work)
    assert ("≤ 0.5 %", "0 %", "3", "met") == verdict(kept, "throttled answers, 20 to 250 ms")[1:5]
    by_latency = budget_table(in_longest_windows(kept.other("budget"))).rows
    assert [("20 ms", "4"), ("250 ms", "3"), ("800 ms", "1")] == [row[:2] for row in by_latency]


def test_several_machines_are_judged_by_the_worst_of_their_medians(tmp_path: Path) -> None:
    """A run that lacks a number of machines, as one that was broken off does, says nothing."""
    for name, seconds in (("a", (100.0, 52.0, 26.0)), ("b", (100.0, 50.0, 25.0)), ("c", (100.0, 80.0, 30.0))):
        machines = [{"machines": count, "seconds": one} for count, one in zip((1, 2, 4), seconds, strict=True)]
        write_other(tmp_path, name, "shards", machines=machines)
    write_other(tmp_path, "d", "shards", machines=[{"machines": 1, "seconds": 1.0}])

    work = "two to four machines, each of its own speed"
    assert (work, "≥ 0.9", "0.9615", "3", "met") == verdict(read_kept(tmp_path), work)[:5]


def test_growth_is_told_by_computing_and_a_size_by_its_latest_result(tmp_path: Path) -> None:
    def size(rows: int, cpu: float) -> dict[str, float]:
        return {
            "rows": rows,
            "fillCpu": cpu * rows,
            "bytes": 401.0 * rows,
            "peakAll": 900.0,
            "plan": 1.0,
            "resume": 1.0,
        }

    write_other(tmp_path, "a", "scale", sizes=[size(100_000, 9.0), size(5_000_000, 1.0)])
    write_other(tmp_path, "b", "scale", sizes=[size(100_000, 1.0)])
    kept = read_kept(tmp_path)

    assert ("1 times", "1 run only", "met") == verdict(kept, GOALS[-1].work)[2:5]
    assert ("401 bytes", "1 run only", "missed: 100% of the goal") == verdict(kept, "index of 5,000,000 files, each")[
        2:5
    ]
    assert "no result kept" == verdict(kept, "plan of 1,000,000 files")[4]


def test_parts_of_a_run_are_told_by_its_copies(tmp_path: Path) -> None:
    write(tmp_path, "a", measured(OURS, 1, 50.0))
    held = read_kept(tmp_path).contest("small-new", 1000)

    assert held is not None
    (run,) = held.sides[0].runs
    assert (1.5, 41.0) == (run.seconds_indexing, run.seconds_after_copies)


def test_calls_by_endpoint_are_told_per_item_without_what_is_asked_once(tmp_path: Path) -> None:
    write(tmp_path, "a", measured(OURS, 1, 50.0, calls=2001), measured(UTILS, 1, 50.0, calls=8001))

    text = page_of("<!-- results: calls-of-small-new 1000 -->\n<!-- end -->", read_kept(tmp_path))

    assert "| `PUT /entity/#` | 2.00 | 8.00 |" in text
    assert "userprofile" not in text


def test_a_block_without_results_and_a_file_without_reports_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownBlockError, match="small-new with 7 items"):
        page_of("<!-- results: small-new 7 -->\n<!-- end -->", read_kept(tmp_path))
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.json"):
        read_kept(tmp_path)


def test_every_goal_has_a_name_of_its_own() -> None:
    assert len(GOALS) == len({goal.work for goal in GOALS})
