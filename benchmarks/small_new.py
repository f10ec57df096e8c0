"""Many small files, a new version each."""

from benchmarks.contest import LATENCY_SECONDS, Contest, hold
from benchmarks.contestants import (
    MODELS,
    MODELS_EMPTIED,
    US,
    US_THROUGH_A_VIEW,
    US_THROUGH_A_VIEW_WITH_KEYS,
    UTILS,
    Question,
)
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import small_files

_CONTESTANTS = (
    US,
    # no view shows provenance; that these files have none is something their owner may know
    US_THROUGH_A_VIEW.with_options("--no-provenance"),
    US_THROUGH_A_VIEW_WITH_KEYS.with_options("--no-provenance"),
    UTILS,
    MODELS_EMPTIED,
    MODELS,
)


def small_contest(wishes: Wishes, strategy: str) -> Contest:
    """Small files under the throttle that was wished for."""
    return Contest(
        question=Question.asked(wishes, strategy, pace=wishes.pace()),
        fill=small_files,
        judge=files_judge(strategy),
        items=wishes.items(usual=200, quick=30),
        item="file",
        latency_seconds=LATENCY_SECONDS / wishes.pace(),
        quiet_seconds=45 + wishes.window_seconds,
    )


def _run(wishes: Wishes) -> Report:
    contest = small_contest(wishes, "new")
    return report_of("small-new", contest, hold(contest, _CONTESTANTS, wishes))


SMALL_NEW = Benchmark(
    name="small-new",
    purpose="Small files under the throttle, strategy new: index, copy, a new version each, to the verified end.",
    run=_run,
)
